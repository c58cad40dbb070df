/* What the user is to know of exact tracing: how it was set up, and what its result is worth. */
#ifndef GS_EXPORT_TEXT_EXACT_REMARKS_H
#define GS_EXPORT_TEXT_EXACT_REMARKS_H

#include "base/remarks.h"
#include "profile/exact.h"

void gs_exact_tell_setup(const struct gs_exact *exact, const struct gs_remarks *remarks);
/* Which counters there are not, where they were asked for. */
void gs_exact_tell_counters(const struct gs_exact *exact, const struct gs_remarks *remarks);
void gs_exact_tell_losses(struct gs_exact *exact, const struct gs_remarks *remarks);
/* What is to be known of figures that come of the tracing itself; NULL: nothing. */
const char *gs_exact_caveat(const struct gs_gilstat *stat);

#endif
