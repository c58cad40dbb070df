/* The tasks of a process that is held. */
#ifndef GS_SESSION_TASKS_H
#define GS_SESSION_TASKS_H

#include "session/attach.h"

/* Reads those of the threads of attach->snapshot into attach->tasks, anew. GS_NO_MEMORY, GS_GONE. */
enum gs_status gs_attach_read_tasks(struct gs_attach *attach) GS_MUST_CHECK;

#endif
