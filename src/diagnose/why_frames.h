/* Frames by what they are called. */
#ifndef GS_DIAGNOSE_WHY_FRAMES_H
#define GS_DIAGNOSE_WHY_FRAMES_H

#include "diagnose/why.h"

/* The frame runs a function of that name in a file whose path ends, or (importlib's "<frozen importlib._bootstrap>")
 * whose name contains, `file`. */
bool gs_frame_is(const struct gs_why_lookup *lookup, const struct gs_frame *frame, const char *file,
                 const char *function);

#endif
