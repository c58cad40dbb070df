/* What exact tracing sees, one after the other. */
#ifndef GS_TRACE_EVENT_H
#define GS_TRACE_EVENT_H

#include <stdint.h>
#include <sys/types.h>

enum gs_act {
    GS_ACT_TAKE,    /* of a GIL; without one, `what` is an enum gs_pause_kind that begins, */
    GS_ACT_DROP,    /* or ends */
    GS_ACT_CHANGE,  /* one of these two */
    GS_ACT_WAIT,    /* it begins to wait for it; or it goes on, the interval is over */
    GS_ACT_ON,      /* the thread gets a processor, */
    GS_ACT_PREEMPT, /* loses it, though it could go on, */
    GS_ACT_OFF,     /* or leaves it */
    GS_ACT_BORN,
    GS_ACT_ENDED,
    GS_ACT_STATE, /* it is about to leave the processor in the state `what`, a letter as in /proc/PID/stat */
    GS_ACT_WAKE, /* it is made ready to run, by the thread `other` (of any process), 0: by the kernel, as for a timer */
    GS_ACT_COUNT, /* a gauge counted on: `what` is an enum gs_gauge */
    GS_ACT_LOST   /* from here on events are missing; tid 0 */
};

enum gs_pause_kind {
    GS_PAUSE_WORLD, /* all threads are to stop, until they may go on */
    GS_PAUSE_GC,    /* a collection of garbage; one that begins while another goes on does nothing */
    GS_PAUSES
};

struct gs_event {
    uint64_t time_ns; /* CLOCK_MONOTONIC */
    pid_t tid, other;
    uint8_t act;  /* enum gs_act */
    uint8_t lock; /* which GIL, or world, in the order of gs_gil_addresses */
    uint16_t cpu;
    uint8_t what;
};

#endif
