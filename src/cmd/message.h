/* What gilspy says on stderr. */
#ifndef GS_CMD_MESSAGE_H
#define GS_CMD_MESSAGE_H

#include "base/remarks.h"

/* "gilspy: what happened: why. What to do", escaped, on one line; returns the exit status of the failure. */
int gs_message(enum gs_status status, const struct gs_err *err);
/* A remark that is no failure. */
void gs_remark(const char *fmt, ...) GS_PRINTF(1, 2);

/* The message of a failure of gs_output_close, unless it was only that a reader closed the pipe; returns the exit
 * status. */
int gs_output_message(enum gs_status status, const struct gs_err *err);
/* Flushes stdout; returns exit, or the exit status of the failure after a message. */
int gs_stdout_close(int exit);

/* Both for whoever prints nothing itself. */
extern const struct gs_remarks gs_to_user;

#endif
