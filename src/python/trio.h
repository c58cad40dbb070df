/* The tasks of trio: those that the runner has that a thread's frames refer to. */
#ifndef GS_PYTHON_TRIO_H
#define GS_PYTHON_TRIO_H

#include "python/task_rows.h"

/* Adds the loop and the tasks of each thread of the question that runs trio. `pages`: the cache below awaits->mem.
 * GS_NO_MEMORY; what cannot be read is left out. A loop that another one hosts (guest mode) is not found. */
enum gs_status gs_trio_read(const struct gs_tasks_question *question, struct gs_awaits *awaits, struct gs_mem *pages,
                            struct gs_task_rows *rows) GS_MUST_CHECK;

/* The task that a thread runs, 0: none that is known; *coroutine: its own. frames: of the thread, innermost first. */
gs_addr gs_trio_running(struct gs_awaits *awaits, const struct gs_frame *frames, uint32_t count, gs_addr *coroutine,
                        char name[GS_TASK_NAME]);

#endif
