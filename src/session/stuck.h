/* Telling that the kernel does not answer. */
#ifndef GS_SESSION_STUCK_H
#define GS_SESSION_STUCK_H

#include "base/remarks.h"
#include "base/watch.h"
#include "gilspy/target.h"

/* pid 0: a core; target may be NULL: not known yet. True: that is told, and it may be tried again without that step
 * (first: for the first time). False: err says why there is no going on. Where stuck->holding, the program is to end at
 * once: a thread of the process stands still until then. */
bool gs_stuck_tell(const struct gs_stuck *stuck, pid_t pid, const struct gs_target *target, bool first,
                   const struct gs_remarks *remarks, struct gs_err *err);
/* There is no going on without what the kernel does not give: err says so; verb: as "trace". */
void gs_stuck_end(const struct gs_stuck *stuck, const struct gs_target *target, const char *verb,
                  const struct gs_remarks *remarks, struct gs_err *err);

#endif
