/* Who is at the other end of the sockets that tasks wait for. */
#ifndef GS_SESSION_TASK_PEERS_H
#define GS_SESSION_TASK_PEERS_H

#include "gilspy/target.h"
#include "python/tasks.h"

/* Says so in their words ("read from 10.0.0.7:5432"), where the library does not keep it; of a bounded number. */
void gs_task_peers(struct gs_tasks *tasks, const struct gs_target *target);

#endif
