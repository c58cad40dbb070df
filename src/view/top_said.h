/* What the rows of top say in words, kept until there is something newer to say: a process that has ended, or that runs
 * another program, cannot be asked any more. */
#ifndef GS_VIEW_TOP_SAID_H
#define GS_VIEW_TOP_SAID_H

#include "export/dump.h"
#include "profile/shares.h"

/* Of one thread, and copied: what a lookup hands out lives no longer than its snapshot. */
struct gs_top_said {
    pid_t tid;
    char *name;            /* NULL: not known */
    char *function, *file; /* NULL: no frame, or not known */
    int line;              /* 0: unknown */
    bool gap;
    enum gs_gap why;
};

/* Makes *said, of *count threads by tid, what the last sample tells; it stays as it is when that one is valid no
 * longer. GS_NO_MEMORY: the same. */
enum gs_status gs_top_said_renew(struct gs_top_said **said, size_t *count, const struct gs_shares *shares,
                                 const struct gs_lookup *lookup) GS_MUST_CHECK;
/* Of one thread; empty when nothing was said of it. */
const struct gs_top_said *gs_top_said_of(const struct gs_top_said *said, size_t count, pid_t tid);
void gs_top_said_free(struct gs_top_said *said, size_t count);

#endif
