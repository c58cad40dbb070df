/* What the user is to know of exact tracing, on stderr: how it was set up, and what its result is worth. */
#ifndef GS_CMD_EXACT_WORDS_H
#define GS_CMD_EXACT_WORDS_H

#include "profile/exact.h"

void gs_exact_tell_setup(const struct gs_exact *exact);
/* That -b has no effect meanwhile. */
void gs_exact_tell_stopping(enum gs_stopping asked);
/* Which counters there are not, where they were asked for. */
void gs_exact_tell_counters(const struct gs_exact *exact);
void gs_exact_tell_losses(struct gs_exact *exact);
/* What is to be known of figures that come of the tracing itself; NULL: nothing. */
const char *gs_exact_caveat(const struct gs_gilstat *stat);

#endif
