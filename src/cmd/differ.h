/* report A --diff B: what is different. */
#ifndef GS_CMD_DIFFER_H
#define GS_CMD_DIFFER_H

#include "cmd/draw.h"

/* Draws the difference of two recordings, or of several as one each; before and after belong to the caller. format
 * NULL: as text. */
enum gs_status gs_differ(struct gs_join *before, struct gs_join *after, const struct gs_format *format,
                         const char *output, const struct gs_args *args, struct gs_err *err) GS_MUST_CHECK;

#endif
