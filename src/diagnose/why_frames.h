/* Frames by what they are called. */
#ifndef GS_DIAGNOSE_WHY_FRAMES_H
#define GS_DIAGNOSE_WHY_FRAMES_H

#include "diagnose/why.h"

/* The frame runs a function of that name in a file whose path ends, or (importlib's "<frozen importlib._bootstrap>")
 * whose name contains, `file`. */
bool gs_frame_is(const struct gs_why_lookup *lookup, const struct gs_frame *frame, const char *file,
                 const char *function);

/* The first function of a thread's C frames, from the innermost on, that says something: allocators, copying, locks and
 * the way into the kernel are left to their caller. frames: merged ones, innermost first. False: there is none above
 * the innermost Python frame. */
bool gs_why_closer_name(const struct gs_frame *frames, size_t count, struct gs_native *natives,
                        struct gs_why_closer *found);

/* NULL: it was not looked at, or nothing was found. */
const struct gs_why_closer *gs_case_closer(const struct gs_case *c, pid_t tid);

#endif
