/* Which C function is to be named as the one that keeps the GIL. */
#ifndef GS_DIAGNOSE_WHY_CLOSER_H
#define GS_DIAGNOSE_WHY_CLOSER_H

#include "diagnose/why.h"

/* The first function of a thread's C frames, from the innermost on, that says something: allocators, copying, locks and
 * the way into the kernel are left to their caller. frames: merged ones, innermost first. False: there is none above
 * the innermost Python frame. */
bool gs_why_closer_name(const struct gs_frame *frames, size_t count, struct gs_native *natives,
                        struct gs_why_closer *found);

/* NULL: it was not looked at, or nothing was found. */
const struct gs_why_closer *gs_case_closer(const struct gs_case *c, pid_t tid);

#endif
