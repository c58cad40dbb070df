/* Stopped worlds and collections of a Python without a GIL, out of the events of exact tracing. Times are nanoseconds.
 */
#ifndef GS_GIL_EXACT_PAUSES_H
#define GS_GIL_EXACT_PAUSES_H

#include "gil/pauses.h"
#include "trace/event.h"
#include "trace/gil_addresses.h"

/* One that is over, or up to where the window or the span ends. */
struct gs_exact_pause {
    pid_t tid; /* who asked for it */
    uint8_t kind;
    bool gc; /* a world that was stopped for a collection */
    uint64_t begin_ns, end_ns;
    const struct gs_gilstat_place *place; /* of who asked; NULL: nobody looked in time */
};

/* Where a thread was seen: between these moments, so that it is told of a pause in which both lie. */
struct gs_exact_sight {
    uint64_t from_ns, to_ns;
    bool collects;
    struct gs_gilstat_cause cause;
};
enum { GS_SIGHTS = 32 /* that are remembered: pauses are told some time after they were */ };

struct gs_exact_pauses {
    struct gs_pauses sums;
    struct gs_exact_pause now[GS_ADDRESSES_MOST][GS_PAUSES]; /* begin_ns 0: there is none */
    uint64_t begin_ns;                                       /* of the window */
    struct gs_exact_sight sights[GS_SIGHTS];
    unsigned sight_count; /* of all that there were */
    void *context;
    void (*over)(void *context, const struct gs_exact_pause *pause); /* in the order of their ends; NULL: nobody asks */
};

/* A window begins: what goes on is told by its end. */
void gs_exact_pauses_begin(struct gs_exact_pauses *pauses, uint64_t ns);
/* A GS_ACT_TAKE, GS_ACT_DROP or GS_ACT_CHANGE, in the order of time. GS_NO_MEMORY or GS_OK. */
enum gs_status gs_exact_pauses_event(struct gs_exact_pauses *pauses, const struct gs_event *event) GS_MUST_CHECK;
/* Who pauses the others was looked at. */
void gs_exact_pauses_see(struct gs_exact_pauses *pauses, const struct gs_exact_sight *sight);
/* What goes on counts up to now, and goes on. */
enum gs_status gs_exact_pauses_cut(struct gs_exact_pauses *pauses, uint64_t ns) GS_MUST_CHECK;
/* The figures of a span in which so much was traced; gs_gilstat_fini frees them. */
enum gs_status gs_exact_pauses_finish(struct gs_exact_pauses *pauses, uint64_t traced_ns,
                                      const struct gs_gil_addresses *addresses, struct gs_gilstat *stat) GS_MUST_CHECK;

#endif
