/* Figures of the GIL out of samples of one process that say who holds and who waits, many times a second.
 *
 * What a thread does is credited to the time half way to the sample before and half way to the one behind. Since each
 * sample is at a random point of its slot, that is right on the average whatever the target does. How far it may be
 * off: each gap in which a thread came to have the GIL, or lost it, is off by itself, and the others are not, so that
 * the squares of the differences between neighbours, halved, are the variance (as for strata of one that are taken in
 * pairs: rather too much than too little). The GIL's switch count tells whether a hold went on between two samples, and
 * how many hand-overs there were that none has seen.
 *
 * Samples are of thread states; figures are of native threads, which may have one state after the other
 * (PyGILState_Ensure), or several at once: then what it does with the GIL in any of them is what it does. */
#ifndef GS_GIL_SAMPLE_FEED_H
#define GS_GIL_SAMPLE_FEED_H

#include "gil/account.h"
#include "gilspy/sample.h"

struct gs_sample_feed;

struct gs_sample_feed_options {
    double rate_hz;
    uint64_t long_us; /* from which length on a hold is listed */
    /* How long a thread has been on a processor up to now; false: it has ended, or that is not known. NULL: the process
     * cannot be asked. */
    bool (*ran)(pid_t pid, pid_t tid, uint64_t *ran_ns);
};

/* NULL: out of memory. process: its pid and version are copied. */
struct gs_sample_feed *gs_sample_feed_new(const struct gs_sampled_process *process,
                                          const struct gs_sample_feed_options *options);
void gs_sample_feed_free(struct gs_sample_feed *feed);

/* A new thread state, or another name of one. GS_NO_MEMORY. */
enum gs_status gs_sample_feed_thread(struct gs_sample_feed *feed, uint32_t number,
                                     const struct gs_sampled_thread *thread) GS_MUST_CHECK;
/* A sample of that process. */
enum gs_status gs_sample_feed_add(struct gs_sample_feed *feed, const struct gs_sample *sample) GS_MUST_CHECK;
/* Places of samples are valid no longer. */
void gs_sample_feed_forget(struct gs_sample_feed *feed);
/* If it is of that process: that is no more, or runs another program now, and nothing is asked about it any more. */
void gs_sample_feed_over(struct gs_sample_feed *feed, pid_t pid);
/* Samples of the present span. */
uint64_t gs_sample_feed_count(const struct gs_sample_feed *feed);

/* The figures of the span up to the last sample; stat->quality is the caller's to fill in. The lists are freed with
 * gs_gilstat_fini, before the next span begins. GS_NO_MEMORY. */
enum gs_status gs_sample_feed_finish(struct gs_sample_feed *feed, struct gs_gilstat *stat) GS_MUST_CHECK;
/* A new span begins with the last sample. */
void gs_sample_feed_next(struct gs_sample_feed *feed);

#endif
