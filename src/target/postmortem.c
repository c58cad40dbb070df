/* A process that runs no more: what was known of its threads is all that there will ever be. */
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "target/postmortem.h"

enum gs_status gs_postmortem_tasks(const struct gs_postmortem *postmortem, struct gs_task **tasks, size_t *count)
{
    *tasks = malloc((postmortem->task_count + 1) * sizeof **tasks);
    if (!*tasks)
        return GS_NO_MEMORY;
    if (postmortem->task_count > 0)
        memcpy(*tasks, postmortem->tasks, postmortem->task_count * sizeof **tasks);
    *count = postmortem->task_count;
    return GS_OK;
}

GS_BY(by_tid, struct gs_task, tid);

static const struct gs_task *task_of(const struct gs_postmortem *postmortem, pid_t tid)
{
    struct gs_task wanted = {.tid = tid};
    return postmortem->task_count > 0
               ? bsearch(&wanted, postmortem->tasks, postmortem->task_count, sizeof wanted, by_tid)
               : NULL;
}

void gs_postmortem_activity(const struct gs_postmortem *postmortem, pid_t tid, struct gs_activity *activity)
{
    const struct gs_task *task = task_of(postmortem, tid);
    *activity = task ? postmortem->activities[task - postmortem->tasks]
                     : (struct gs_activity){.run = GS_RUN_GONE, .number = -1};
}

const struct gs_arch_registers *gs_postmortem_registers(const struct gs_postmortem *postmortem, pid_t tid)
{
    const struct gs_task *task = task_of(postmortem, tid);
    return task && postmortem->registers ? &postmortem->registers[task - postmortem->tasks] : NULL;
}

void gs_postmortem_free(struct gs_postmortem *postmortem)
{
    if (!postmortem)
        return;
    if (postmortem->free)
        postmortem->free(postmortem->files);
    free(postmortem->tasks);
    free(postmortem->activities);
    free(postmortem->registers);
    free(postmortem);
}
