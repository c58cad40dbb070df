/* Exact events of one process: who takes and drops its GILs and who begins to wait, each time it is done, by watching
 * the words that the GILs are kept in. No symbols are needed, and nothing stays behind when we end. The watches belong
 * to a process of their own, which keeps their traps from ending the target (guard.h): nobody is stopped for that, but
 * each signal and each new thread makes a stop of some microseconds.
 *
 * The price is a trap for each event (trap.h), in the thread that does it: see governor.h. */
#ifndef GS_TRACE_TRACER_H
#define GS_TRACE_TRACER_H

#include "trace/event.h"
#include "trace/gauges.h"
#include "trace/gil_addresses.h"

struct gs_tracer;

/* Both take a ring for each processor: with very many threads there is none. */
struct gs_tracer_options {
    bool switches; /* who is on a processor too: GS_ACT_ON and those behind it; GS_ACT_STATE and GS_ACT_WAKE where the
                      tracepoints are open to us */
    bool counters; /* the same, and GS_ACT_COUNT */
};

/* How it was set up, for the user. */
struct gs_tracer_setup {
    struct gs_gil_addresses addresses;
    uint64_t trap_ns;        /* what an event costs the thread that does it */
    size_t threads, watches; /* threads that there were, descriptors that it took */
    bool switches;           /* can be had */
    struct gs_gauges gauges; /* which can */
    bool waits_refused;      /* addresses.waits is false because debug registers are in use */
};

struct gs_tracer_numbers {
    uint64_t hits;      /* as the kernel counted them, and traps */
    uint64_t events;    /* that were handed on, or held back still: of takes, drops and waits alone */
    uint64_t lost;      /* the difference: all that went missing */
    uint64_t throttled; /* how often the kernel left out events because there were too many */
    uint64_t traps;     /* lost ones among them of which the kernel does not know: taken away by the guard, at least */
    uint64_t lapses;    /* how often nothing was watched because we did not drain for a second */
    uint64_t stops;     /* that threads made for the guard: each signal that they got, each birth */
    uint64_t guard_us;  /* CPU time of the guard */
    uint64_t unclear;   /* events whose instruction did not tell what it did: it was told from the order */
};

struct gs_event_sink {
    void *context;
    enum gs_status (*event)(void *context, const struct gs_event *event);
};

/* Watches every thread of the process, and those that they start; nothing comes before gs_tracer_enable. python must
 * outlive it. GS_NOT_PERMITTED, GS_GONE, GS_UNGUARDED (another tracer has a
 * thread, ptrace is not permitted), GS_FAILED (no debug registers, too many threads for our descriptors or for the
 * memory that may be locked); err is filled and names what keeps it, and that sampling works. */
enum gs_status gs_tracer_open(struct gs_tracer **tracer, const struct gs_python *python,
                              const struct gs_tracer_options *options, struct gs_err *err) GS_MUST_CHECK;
/* Lets go of the process: nothing comes any more. The numbers stay. */
void gs_tracer_end(struct gs_tracer *tracer);
void gs_tracer_close(struct gs_tracer *tracer);
const struct gs_tracer_setup *gs_tracer_setup(const struct gs_tracer *tracer);

/* Begins: what comes is of the time in which all threads are watched. */
void gs_tracer_begin(struct gs_tracer *tracer);
/* Hands on what has come, in the order of time: all from before *until_ns. What is younger is held back until the next
 * call, as something older may still be under way. What the sink returned; GS_UNGUARDED: the guard has ended. */
enum gs_status gs_tracer_drain(struct gs_tracer *tracer, const struct gs_event_sink *sink,
                               uint64_t *until_ns) GS_MUST_CHECK;
/* The last take or drop of a GIL, or of a pause of that kind (0: of a GIL), that has come and is not handed on yet:
 * something older may still be under way. NULL: there is none. Holds until the next drain. */
const struct gs_event *gs_tracer_latest(const struct gs_tracer *tracer, unsigned lock, unsigned kind);
/* Pauses, and hands on the rest, up to *until_ns. */
enum gs_status gs_tracer_pause(struct gs_tracer *tracer, const struct gs_event_sink *sink,
                               uint64_t *until_ns) GS_MUST_CHECK;
/* Readable when there is much to hand on, so that it has to be done before the time comes, and with each event of a
 * pause. */
int gs_tracer_wake_fd(const struct gs_tracer *tracer);
/* What all events that came so far cost those who did them, about: cheap. */
uint64_t gs_tracer_cost_ns(const struct gs_tracer *tracer);
/* As of now. While it goes on, what is lost is told only as far as the kernel said so; when it is paused, exactly: it
 * is asked about each watch. */
void gs_tracer_numbers(struct gs_tracer *tracer, struct gs_tracer_numbers *numbers);

#endif
