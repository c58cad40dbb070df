/* Greenlets (of gevent, of eventlet, plain ones): which there are, and where those stand that are suspended. */
#ifndef GS_PYTHON_GREENLETS_H
#define GS_PYTHON_GREENLETS_H

#include "python/task_rows.h"

/* Adds those of all threads of the question, and a loop for each thread that has some. `pages`: the cache below
 * awaits->mem. GS_NO_MEMORY; a version of greenlet that is not known is left out (`unknown`). */
enum gs_status gs_greenlets_read(const struct gs_tasks_question *question, struct gs_awaits *awaits,
                                 struct gs_mem *pages, struct gs_task_rows *rows) GS_MUST_CHECK;

/* What a greenlet that runs is called: by its own name, else by its outermost function that is not a library's. frames:
 * of its thread, innermost first. */
void gs_greenlet_name(struct gs_awaits *awaits, gs_addr greenlet, const struct gs_frame *frames, uint32_t count,
                      char name[GS_TASK_NAME]);

#endif
