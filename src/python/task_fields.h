/* What one task, or one future, says of itself. */
#ifndef GS_PYTHON_TASK_FIELDS_H
#define GS_PYTHON_TASK_FIELDS_H

#include "python/awaits.h"
#include "python/tasks.h"

struct gs_task_fields {
    gs_addr loop, coroutine, waiter, name; /* waiter 0: it waits for nothing; name: an object, 0: it has none (3.7) */
    uint32_t cancels; /* how often it was asked to end, by cancel(), and has not taken it back; 0 up to 3.10 */
    bool pending;
};

/* False: it is no task, or cannot be read. */
bool gs_task_fields_read(struct gs_awaits *awaits, gs_addr task, struct gs_task_fields *fields);
/* A name is made at the first use of it: until then it is a number (3.13 on). "" where it is neither. */
void gs_task_name_read(struct gs_awaits *awaits, gs_addr object, char name[GS_TASK_NAME]);
/* Whether the future is still to come. What is no future of asyncio is taken for one. */
bool gs_future_pending(struct gs_awaits *awaits, gs_addr future);
/* The object, 0 where it is None. */
gs_addr gs_none_as_zero(struct gs_awaits *awaits, gs_addr object);

#endif
