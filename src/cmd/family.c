/* Walking down the tree of processes. */
#include <stdlib.h>
#include <string.h>

#include "cmd/family.h"
#include "target/procfs.h"

enum { FAMILY_MOST = 100000 };

static bool add(struct gs_family *family, pid_t pid)
{
    return family->count >= FAMILY_MOST || gs_pids_add(&family->pids, &family->count, pid);
}

enum gs_status gs_family_init(struct gs_family *family, const struct gs_args *args, struct gs_err *err)
{
    bool enough = true;
    *family = (struct gs_family){0};
    for (size_t i = 0; i < args->pid_count; i++)
        enough = add(family, args->pids[i]) && enough;
    family->named = family->count;
    for (size_t i = 0; i < family->named && args->subprocesses; i++) {
        pid_t *descendants = NULL;
        size_t count = 0;
        if (gs_target_descendants(gs_target_process_of(family->pids[i]), &descendants, &count) != GS_OK)
            continue; /* whether there is a /proc is found out when it is opened */
        for (size_t k = 0; k < count; k++)
            enough = add(family, descendants[k]) && enough;
        free(descendants);
    }
    return enough ? GS_OK : gs_fail(err, GS_NO_MEMORY, "cannot list the processes: out of memory");
}

void gs_family_fini(struct gs_family *family)
{
    free(family->pids);
}

static bool runs_python(pid_t pid, const char *exe)
{
    char path[GS_PROC_PATH];
    return gs_proc_exe(pid, path) && (strcmp(path, exe) == 0 || gs_called_python(path));
}

enum gs_status gs_family_pythons(const struct gs_target *target, pid_t **children, size_t *count)
{
    size_t kept = 0;
    enum gs_status status = gs_target_children(target->pid, children, count);
    if (status != GS_OK)
        return status;
    for (size_t i = 0; i < *count; i++) {
        if (runs_python((*children)[i], target->exe))
            (*children)[kept++] = (*children)[i];
    }
    *count = kept;
    return GS_OK;
}
