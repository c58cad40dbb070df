/* Who has the locks that tasks wait for, and which of their events nobody can set. */
#ifndef GS_PYTHON_TASK_LOCKS_H
#define GS_PYTHON_TASK_LOCKS_H

#include "python/awaits.h"
#include "python/tasks.h"

/* Sets the holder of each lock that a task waits for, and of each event whether it is alone. `pages`: the cache below
 * awaits->mem. False: out of memory. */
bool gs_task_locks_find(const struct gs_python *python, struct gs_awaits *awaits, struct gs_mem *pages,
                        struct gs_tasks *tasks);
#endif
