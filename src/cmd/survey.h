/* A quick look at every Python process, for ps. */
#ifndef GS_CMD_SURVEY_H
#define GS_CMD_SURVEY_H

#include "cmd/args.h"
#include "export/ps.h"

/* The Python processes that there are: those that args name, or all. Without args->pid_count, what is no Python and
 * what cannot be told is left out. A named process that cannot be shown is told on stderr, *exit becomes the status.
 * Free with gs_ps_fini in any case. */
enum gs_status gs_survey(struct gs_ps *ps, const struct gs_args *args, int *exit, struct gs_err *err) GS_MUST_CHECK;

#endif
