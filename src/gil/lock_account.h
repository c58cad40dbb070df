/* Who waited for which lock, from look to look at a process: asks nobody. Times are nanoseconds of CLOCK_MONOTONIC.
 *
 * As of the GIL, what a thread waits for is credited to the time half way to the look before and half way to the one
 * behind (sample_feed.h). That a sleeping thread waits for a lock, and not for a notice, looks at stacks tell; a wait
 * that none was taken of counts when its lock is known for one. */
#ifndef GS_GIL_LOCK_ACCOUNT_H
#define GS_GIL_LOCK_ACCOUNT_H

#include "gil/bounds.h"
#include "gil/gilstat.h"
#include "gilspy/sample.h"

struct gs_lock_account;

/* NULL: out of memory. */
struct gs_lock_account *gs_lock_account_new(void);
void gs_lock_account_free(struct gs_lock_account *sum);

/* One moment: gs_lock_account_begin, _wait for each thread that waits, _end; then _look for what was found out of
 * these. gap_ns: since the moment before, 0: not known. GS_NO_MEMORY. */
void gs_lock_account_begin(struct gs_lock_account *sum, uint64_t time_ns, uint64_t gap_ns);
enum gs_status gs_lock_account_wait(struct gs_lock_account *sum, pid_t tid,
                                    const struct gs_lock_sample *wait) GS_MUST_CHECK;
enum gs_status gs_lock_account_look(struct gs_lock_account *sum, const struct gs_lock_look *look) GS_MUST_CHECK;
void gs_lock_account_end(struct gs_lock_account *sum);

/* The locks of a span, as stat->locks; gs_gilstat_fini frees them. factor: times that were watched make up for those
 * that were not. GS_NO_MEMORY. */
enum gs_status gs_lock_account_finish(struct gs_lock_account *sum, const struct gs_bounds_span *span, double factor,
                                      struct gs_gilstat *stat) GS_MUST_CHECK;
/* Another span begins: what is known of locks stays. */
void gs_lock_account_next(struct gs_lock_account *sum);

#endif
