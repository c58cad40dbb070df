/* The tasks that a reading has found so far, of loops of any kind, and the lists that they refer to, as they grow. */
#ifndef GS_PYTHON_TASK_ROWS_H
#define GS_PYTHON_TASK_ROWS_H

#include "python/awaits.h"
#include "python/tasks.h"

/* Somebody waits for somebody, by the address of the latter. */
struct gs_task_edge {
    gs_addr awaited;
    uint32_t waiter; /* index of a task */
};

struct gs_task_rows {
    struct gs_tasks *tasks; /* not owned; its loops have room for GS_EVENT_LOOPS_MOST */
    size_t task_room, frame_room, edge_count, edge_room;
    struct gs_task_edge *edges; /* free in the end */
};

/* All are false, or NULL, when out of memory only. */
struct gs_async_task *gs_task_rows_add(struct gs_task_rows *rows, struct gs_async_task task);
bool gs_task_rows_frame(struct gs_task_rows *rows, struct gs_frame frame);
/* The frames of the chain, innermost first, as those of the task; a gap where it is torn, or there are too many. */
bool gs_task_rows_chain(struct gs_task_rows *rows, struct gs_async_task *task, const struct gs_chain *chain);
/* An edge beyond the limit is left out. */
bool gs_task_rows_edge(struct gs_task_rows *rows, gs_addr awaited, uint32_t waiter);

/* Neither is torn, and the same coroutines or frames stand where they stood. */
bool gs_chain_same(const struct gs_chain *a, const struct gs_chain *b);

#endif
