/* The GILs of a process that is sampled: a part of sample_feed.h. Times are nanoseconds. */
#ifndef GS_GIL_FEED_GILS_H
#define GS_GIL_FEED_GILS_H

#include "gil/feed_threads.h"
#include "gil/gil_track.h"

/* One GIL, as it was in the last sample. */
struct gs_feed_gil {
    struct gs_gil_track track;
    struct gs_gil_step step;             /* of the last sample */
    struct gs_feed_thread *holder, *was; /* in the last sample, and in the one before; NULL: nobody, or not known */
    struct gs_feed_thread *last;         /* that took it last */
    uint64_t hold;                       /* number of the hold that goes on */
    uint64_t charged_ns;                 /* of it, up to when it was charged to places */
    uint32_t most_waiters;               /* for it */
    struct gs_place place;               /* last seen in it: of Python (function NULL: nothing was), */
    struct gs_place native, called;      /* and, as of struct gs_hold_call, in C (function NULL: none) */
    uint64_t unplaced;                   /* hand-overs in the span to nobody knows whom */
};

struct gs_feed_gils {           /* zeroed but for the first lines: there are none */
    struct gs_account *account; /* not owned */
    const struct gs_feed_threads *threads;
    struct gs_hold_rule rule;
    uint64_t long_ns; /* from this length on a hold is listed */
    struct gs_feed_gil list[GS_GILS_MOST];
    size_t count;
    uint64_t holds; /* numbers given out */
};

/* The GILs are those of the sample. True: it comes so late that what was before it is not known, unless the GILs were
 * in the same hands all the time; *moved: they were not. */
bool gs_feed_gils_begin(struct gs_feed_gils *gils, const struct gs_sample *sample, bool *moved);
/* Goes on with holds, or ends them and begins others; threads have the sample already. */
void gs_feed_gils_step(struct gs_feed_gils *gils, const struct gs_sample *sample, uint64_t gap_ns, bool lost);
/* Charges holds that last long, as far as they have come, to where they are spent. */
void gs_feed_gils_charge(struct gs_feed_gils *gils, const struct gs_sample *sample);
/* This thread is there no more. */
void gs_feed_gils_leave(struct gs_feed_gils *gils, const struct gs_feed_thread *thread);
/* Places of samples are valid no longer. */
void gs_feed_gils_forget(struct gs_feed_gils *gils);
/* The span ends with the last sample. */
void gs_feed_gils_cut(struct gs_feed_gils *gils);

#endif
