/* Between exact tracing and a timeline: what happens is handed on as spans of threads. */
#ifndef GS_EXPORT_TIMELINE_FEED_H
#define GS_EXPORT_TIMELINE_FEED_H

#include "base/ids.h"
#include "export/timeline/timeline.h"
#include "profile/exact.h"

/* A thread that was met. */
struct gs_timeline_choice {
    bool chosen;       /* by the patterns */
    uint64_t asked_ns; /* when its name was looked at */
};

struct gs_timeline_feed {
    struct gs_timeline *timeline;         /* not owned */
    struct gs_exact *exact;               /* to be set when it is there; NULL: nobody has a name yet */
    const struct gs_selection *selection; /* not owned: threads that have tracks */
    struct gs_timeline_choice *choices;
    size_t choice_count, choice_room;
    struct gs_ids by_tid; /* indexes of them */
    struct gs_schedule *schedule;
    uint64_t windows;      /* that were traced */
    enum gs_status failed; /* of the timeline, where nobody could be told */
};

/* GS_NO_MEMORY. Finish it in any case. */
enum gs_status gs_timeline_feed_init(struct gs_timeline_feed *feed, struct gs_timeline *timeline,
                                     const struct gs_selection *selection) GS_MUST_CHECK;
void gs_timeline_feed_fini(struct gs_timeline_feed *feed);
/* For gs_exact_options. */
struct gs_exact_tap gs_timeline_feed_tap(struct gs_timeline_feed *feed);

#endif
