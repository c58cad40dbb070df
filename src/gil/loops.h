/* Event loops, from sample to sample: how busy each was, how many callbacks it ran, and the longest of them. */
#ifndef GS_GIL_LOOPS_H
#define GS_GIL_LOOPS_H

#include "gil/gilstat.h"
#include "gilspy/sample.h"

struct gs_loops { /* empty when zeroed */
    struct gs_loop_account {
        const char *kind;
        uint64_t loop;   /* tells it from others, */
        uint32_t thread; /* that ran it: its number */
        pid_t tid;
        bool any, ran;      /* there was a sample before; in it a callback ran, */
        uint64_t began_ns;  /* at the latest since then */
        uint64_t callback;  /* the last one that was taken, */
        uint64_t clock_ms;  /* and when */
        bool counted;       /* callbacks are */
        uint64_t callbacks; /* that were taken in the span */
        uint64_t ns, counted_ns, busy_ns, longest_ns;
        double ready_ns; /* callbacks that waited, times time */
        uint32_t tasks;
        struct gs_gilstat_place longest_place, place; /* of the callback that runs */
    } * list;
    size_t count, room;
};

void gs_loops_fini(struct gs_loops *loops);
/* One loop of a sample, by its index; tid: of the thread that runs it; gap_ns: since the sample before, 0: not known.
 * GS_NO_MEMORY or GS_OK. */
enum gs_status gs_loops_add(struct gs_loops *loops, const struct gs_sample *sample, size_t loop, pid_t tid,
                            uint64_t gap_ns) GS_MUST_CHECK;
/* Their figures; gs_gilstat_fini frees them. */
enum gs_status gs_loops_finish(const struct gs_loops *loops, struct gs_gilstat *stat) GS_MUST_CHECK;
/* Another span begins. */
void gs_loops_next(struct gs_loops *loops);

#endif
