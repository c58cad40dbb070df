/* Tasks that do the same, put together. */
#ifndef GS_EXPORT_TEXT_TASK_GROUPS_H
#define GS_EXPORT_TEXT_TASK_GROUPS_H

#include "python/tasks.h"

/* Tasks in the same state, at the same places, that wait for the same kind of thing. */
struct gs_task_group {
    const uint32_t *members; /* indexes of tasks */
    size_t count;
};

struct gs_task_groups {
    struct gs_task_group *list; /* those that run, those that are ready, then the largest first */
    size_t count;
    uint32_t *members;
};

/* Of one loop, or (running) of those of its tasks that run. apart: each task by itself. GS_NO_MEMORY or GS_OK; free in
 * any case. */
enum gs_status gs_task_groups_init(struct gs_task_groups *groups, const struct gs_tasks *tasks,
                                   const struct gs_event_loop *loop, bool running, bool apart) GS_MUST_CHECK;
void gs_task_groups_fini(struct gs_task_groups *groups);

#endif
