/* Where a task stands, in one line. */
#ifndef GS_SESSION_TASK_PLACE_H
#define GS_SESSION_TASK_PLACE_H

#include "python/tasks.h"
#include "session/lookup.h"

/* The innermost frame that is not its library's own, which says most; else the innermost; of a gap, why there is none.
 * False: it has no frames. */
bool gs_task_place(const struct gs_lookup *lookup, const struct gs_tasks *tasks, const struct gs_async_task *task,
                   struct gs_frame_info *place);

#endif
