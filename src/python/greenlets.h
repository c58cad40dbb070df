/* Greenlets (of gevent, of eventlet, plain ones): which there are, and where those stand that are suspended. */
#ifndef GS_PYTHON_GREENLETS_H
#define GS_PYTHON_GREENLETS_H

#include "python/task_rows.h"

/* Adds those of all threads of the question, and a loop for each thread that has some. `pages`: the cache below
 * awaits->mem. GS_NO_MEMORY; a version of greenlet that is not known is left out (`unknown`). */
enum gs_status gs_greenlets_read(const struct gs_tasks_question *question, struct gs_awaits *awaits,
                                 struct gs_mem *pages, struct gs_task_rows *rows) GS_MUST_CHECK;

#endif
