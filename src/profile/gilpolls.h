/* Figures of the GIL out of polls: samples of one process that say who holds and who waits, many times a second.
 *
 * What a thread does is credited to the time half way to the poll before and half way to the one behind. Since each
 * poll is at a random point of its slot, that is right on the average whatever the target does. How far it may be off:
 * each gap in which a thread came to have the GIL, or lost it, is off by itself, and the others are not, so that the
 * squares of the differences between neighbours, halved, are the variance (as for strata of one that are taken in
 * pairs: rather too much than too little). The GIL's switch count tells whether a hold went on between two polls, and
 * how many hand-overs there were that no poll has seen. */
#ifndef GS_PROFILE_GILPOLLS_H
#define GS_PROFILE_GILPOLLS_H

#include "gilspy/sample.h"
#include "profile/gilsum.h"

struct gs_gilpolls;

/* NULL: out of memory. process: its pid and version are copied. recorded: it is not asked about times on processors,
 * and may be another process by now. */
struct gs_gilpolls *gs_gilpolls_new(const struct gs_sampled_process *process, double rate_hz, uint64_t long_us,
                                    bool recorded);
void gs_gilpolls_free(struct gs_gilpolls *polls);

/* A new thread, or another name of one. GS_NO_MEMORY. */
enum gs_status gs_gilpolls_thread(struct gs_gilpolls *polls, uint32_t number,
                                  const struct gs_sampled_thread *thread) GS_MUST_CHECK;
/* A sample of that process. */
enum gs_status gs_gilpolls_add(struct gs_gilpolls *polls, const struct gs_sample *sample) GS_MUST_CHECK;
/* Places of samples are valid no longer. */
void gs_gilpolls_forget(struct gs_gilpolls *polls);
/* If it is of that process: that is no more, or runs another program now, and nothing is asked about it any more. */
void gs_gilpolls_over(struct gs_gilpolls *polls, pid_t pid);
/* Samples of the present span. */
uint64_t gs_gilpolls_count(const struct gs_gilpolls *polls);

/* The figures of the span up to the last poll; stat->quality is the caller's to fill in. The lists are freed with
 * gs_gilstat_fini, before the next span begins. GS_NO_MEMORY. */
enum gs_status gs_gilpolls_finish(struct gs_gilpolls *polls, struct gs_gilstat *stat) GS_MUST_CHECK;
/* A new span begins with the last poll. */
void gs_gilpolls_next(struct gs_gilpolls *polls);

#endif
