/* Opening a process beside what else is done, in a thread of its own: it takes some milliseconds, and seconds where the
 * kernel does not answer. */
#ifndef GS_SESSION_OPENER_H
#define GS_SESSION_OPENER_H

#include "session/attach.h"

struct gs_opener;

/* Begins; what options point to must stay. NULL: out of memory, or no thread can be begun. */
struct gs_opener *gs_opener_begin(pid_t pid, const struct gs_attach_options *options, enum gs_attach_depth depth);
uint64_t gs_opener_began_ns(const struct gs_opener *opener);
/* Whether it is done. */
bool gs_opener_done(const struct gs_opener *opener);
/* When it is done: as gs_attach_open, and the opener is no more. */
enum gs_status gs_opener_end(struct gs_opener *opener, struct gs_attach **attach, pid_t *pid,
                             struct gs_err *err) GS_MUST_CHECK;
/* Closes what it opened; one that is not done is left behind. */
void gs_opener_leave(struct gs_opener *opener);

#endif
