/* Collections of garbage and stopped worlds, from sample to sample: how often, how long, by whom and from where.
 *
 * Half of the time between two samples is credited to what was found at its beginning, half to what is found at its
 * end. How many collections ended is their own count. From 3.15 on Python keeps the times of the last ones: where these
 * are all that ended, they are what is told. Times are nanoseconds. */
#ifndef GS_GIL_PAUSES_H
#define GS_GIL_PAUSES_H

#include "gil/feed_threads.h"

/* Pauses of one kind. One goes on while each sample has the same. */
struct gs_pause_sum {
    bool on;           /* in the last sample there was one, */
    uint64_t begin_ns; /* which began then, at the latest, */
    uint64_t ns;       /* of which so much is not charged yet; */
    uint64_t end_ns;   /* until then the last one was seen, */
    struct gs_gilstat_cause cause;
    uint64_t count, all_ns, longest_ns;
    struct gs_gilstat_cause longest;
    struct gs_gilstat_cause *list; /* what was charged: to tell apart by thread and place */
    size_t list_count, room;
};

struct gs_pauses { /* empty when zeroed */
    struct gs_pause_sum gc, worlds;
    bool gc_known, worlds_known;
    uint64_t from_ns, last_ns; /* the span's first sample, and the last one */
    struct gs_pauses_heap {
        uint64_t interpreter; /* its address */
        uint64_t count[GS_GENERATIONS];
        uint64_t end_ns; /* of the last collection that is known */
    } * heaps;
    size_t heap_count, room;
    bool counted;
    uint64_t collections[GS_GENERATIONS];
    uint64_t timed, timed_ns, timed_longest_ns; /* collections whose times Python told */
    struct gs_gilstat_cause timed_longest;
    struct gs_gilstat_late *late;
    size_t late_count, late_room;
};

/* One that is known from its beginning to its end. False: out of memory. */
bool gs_pause_sum_add(struct gs_pause_sum *sum, const struct gs_gilstat_cause *cause, uint64_t begin_ns,
                      uint64_t end_ns);

void gs_pauses_fini(struct gs_pauses *pauses);
/* gap_ns: since the sample before, 0: not known. threads NULL: who it was, and where, does not matter. GS_NO_MEMORY or
 * GS_OK. */
enum gs_status gs_pauses_add(struct gs_pauses *pauses, const struct gs_sample *sample,
                             const struct gs_feed_threads *threads, uint64_t gap_ns) GS_MUST_CHECK;
/* The figures of a span of span_ns; gs_gilstat_fini frees them. */
enum gs_status gs_pauses_finish(struct gs_pauses *pauses, uint64_t span_ns, struct gs_gilstat *stat) GS_MUST_CHECK;
/* Another span begins. */
void gs_pauses_next(struct gs_pauses *pauses);

#endif
