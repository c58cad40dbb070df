/* Where a process was forked from: who had, there, the locks that its threads wait for. */
#ifndef GS_SESSION_WHY_ORIGIN_H
#define GS_SESSION_WHY_ORIGIN_H

#include "diagnose/why_waits.h"
#include "session/attach.h"

/* Fills in `origin` where a thread waits for a lock whose owner is not in this process, and the process is a fork that
 * runs no other program; else it stays as it is. Looks at the parent once; what cannot be found out is left out. */
void gs_why_origin_find(struct gs_why_origin *origin, const struct gs_attach *attach, const struct gs_waits *waits);

#endif
