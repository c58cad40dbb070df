/* What the locks are that threads of a process wait for: as `why` finds it out, for the figures of locks. */
#ifndef GS_SESSION_LOCK_LOOKS_H
#define GS_SESSION_LOCK_LOOKS_H

#include "diagnose/why_waits.h"
#include "session/attach.h"

struct gs_lock_finder {    /* zeroed to begin with */
    struct gs_waits waits; /* of the last snapshot that was looked at */
    struct gs_lock_looks looks;
    size_t room;
};

/* Of a snapshot of the process with stacks; the result holds until the next call. GS_NO_MEMORY. */
enum gs_status gs_lock_finder_look(struct gs_lock_finder *finder, struct gs_attach *attach,
                                   const struct gs_snapshot *snapshot, struct gs_lock_looks *looks) GS_MUST_CHECK;
/* The same of waits that were found before. */
enum gs_status gs_lock_finder_tell(struct gs_lock_finder *finder, const struct gs_waits *waits,
                                   struct gs_attach *attach, const struct gs_snapshot *snapshot,
                                   struct gs_lock_looks *looks) GS_MUST_CHECK;
void gs_lock_finder_fini(struct gs_lock_finder *finder);

#endif
