/* Tasks that do the same, put together. */
#ifndef GS_PYTHON_TASK_GROUPS_H
#define GS_PYTHON_TASK_GROUPS_H

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

/* What is the same of those that are alike, and such a hash with another word in it. */
uint64_t gs_task_hash(const struct gs_tasks *tasks, const struct gs_async_task *task);
uint64_t gs_task_hash_mix(uint64_t hash, uint64_t word);

enum { GS_TASK_GROUP_WORDS = 2 * GS_TASK_WORDS + GS_TASK_NAME };

/* What all of them wait for: where they differ, the words that they have in common. */
void gs_task_group_words(const struct gs_tasks *tasks, const struct gs_task_group *group,
                         char words[GS_TASK_GROUP_WORDS]);

#endif
