/* The environment that a process was started with. */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/watch.h"
#include "gilspy/target.h"
#include "target/procfs.h"

int64_t gs_process_rank(pid_t pid)
{
    static const char *const names[] = {"RANK", "LOCAL_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID"};
    ssize_t size;
    int64_t rank = -1;
    char *words = gs_proc_read_all(pid, "environ", &size);
    for (size_t i = 0; words && i < sizeof names / sizeof *names && rank < 0; i++) {
        size_t len;
        int64_t number;
        const char *value = gs_environment_find(words, (size_t)size, names[i], &len);
        if (value && gs_parse_int(value, 0, INT32_MAX, &number))
            rank = number;
    }
    free(words);
    return rank;
}

void gs_target_surroundings(struct gs_target *target)
{
    ssize_t size;
    size_t len;
    if (target->postmortem || !gs_watch_enter_spare(target->watch, "reading its environment"))
        return;
    char *words = gs_proc_read_all(target->pid, "environ", &size);
    const char *value = words ? gs_environment_find(words, (size_t)size, "OTEL_SERVICE_NAME", &len) : NULL;
    target->service = value ? strndup(value, len) : NULL;
    target->cgroup = gs_proc_read_all(target->pid, "cgroup", &size);
    gs_watch_leave(target->watch);
    free(words);
}
