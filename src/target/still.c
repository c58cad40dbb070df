/* A process that runs no more: what was known of its threads is all that there will ever be. */
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "target/still.h"

enum gs_status gs_still_tasks(const struct gs_still *still, struct gs_task **tasks, size_t *count)
{
    *tasks = malloc((still->task_count + 1) * sizeof **tasks);
    if (!*tasks)
        return GS_NO_MEMORY;
    if (still->task_count > 0)
        memcpy(*tasks, still->tasks, still->task_count * sizeof **tasks);
    *count = still->task_count;
    return GS_OK;
}

GS_BY(by_tid, struct gs_task, tid);

static const struct gs_task *task_of(const struct gs_still *still, pid_t tid)
{
    struct gs_task wanted = {.tid = tid};
    return still->task_count > 0 ? bsearch(&wanted, still->tasks, still->task_count, sizeof wanted, by_tid) : NULL;
}

void gs_still_activity(const struct gs_still *still, pid_t tid, struct gs_activity *activity)
{
    const struct gs_task *task = task_of(still, tid);
    *activity = task ? still->activities[task - still->tasks] : (struct gs_activity){.run = GS_RUN_GONE, .number = -1};
}

const struct gs_arch_registers *gs_still_registers(const struct gs_still *still, pid_t tid)
{
    const struct gs_task *task = task_of(still, tid);
    return task && still->registers ? &still->registers[task - still->tasks] : NULL;
}

void gs_still_free(struct gs_still *still)
{
    if (!still)
        return;
    if (still->free)
        still->free(still->files);
    free(still->tasks);
    free(still->activities);
    free(still->registers);
    free(still);
}
