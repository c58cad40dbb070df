/* Between exact tracing and a timeline: what happens is handed on as spans of threads. */
#ifndef GS_EXPORT_TIMELINE_FEED_H
#define GS_EXPORT_TIMELINE_FEED_H

#include "export/timeline.h"
#include "profile/exact.h"

struct gs_timeline_feed {
    struct gs_timeline *timeline; /* not owned */
    const struct gs_exact *exact; /* to be set when it is there */
    struct gs_schedule *schedule;
    uint64_t windows;      /* that were traced */
    enum gs_status failed; /* of the timeline, where nobody could be told */
};

/* GS_NO_MEMORY. Finish it in any case. */
enum gs_status gs_timeline_feed_init(struct gs_timeline_feed *feed, struct gs_timeline *timeline) GS_MUST_CHECK;
void gs_timeline_feed_fini(struct gs_timeline_feed *feed);
/* For gs_exact_options. */
struct gs_exact_tap gs_timeline_feed_tap(struct gs_timeline_feed *feed);

#endif
