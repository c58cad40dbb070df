/* What gilspy says on stderr. */
#ifndef GS_CMD_MESSAGE_H
#define GS_CMD_MESSAGE_H

#include "gilspy/status.h"

/* "gilspy: what happened: why. What to do", escaped, on one line; returns the exit status of the failure. */
int gs_message(enum gs_status status, const struct gs_err *err);
/* A remark that is no failure. */
void gs_remark(const char *fmt, ...) GS_PRINTF(1, 2);

#endif
