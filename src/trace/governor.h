/* How long it may be traced exactly, so that it costs the process no more than a share of its time.
 *
 * What it costs is owed, and paid back by the time that passes, as far as the process could run in it. Where the
 * process changes hands seldom enough, it is traced all the time; otherwise in windows, with pauses between them. */
#ifndef GS_TRACE_GOVERNOR_H
#define GS_TRACE_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

struct gs_governor {
    double most;  /* share of the time that it may cost; 0: any */
    double could; /* share of the time in which it can run: to be set when that changes, 1 at first */
    uint64_t on_ns, last_ns;
    uint64_t cost_ns; /* told so far */
    double owed_ns;   /* what was spent and is not paid back yet */
    double credit_ns; /* how much may be owed before there is a pause */
    /* Since something is owed, in the window that goes on or the last one: what was spent, in how much time, and of
     * that how much it could run in. */
    double busy_spent_ns, busy_ns, busy_could_ns;
    bool on, paused; /* paused: there was a pause, so that it is not all of it */
    uint64_t windows, traced_ns;
};

/* It is on from now on. */
void gs_governor_init(struct gs_governor *governor, double most, uint64_t now_ns);
/* A window has begun, which took so long: where that is much, as with thousands of threads, there are fewer. */
void gs_governor_begun(struct gs_governor *governor, uint64_t took_ns);
/* cost_ns: what all events that there were cost. Returns whether to trace from now on. */
bool gs_governor_judge(struct gs_governor *governor, uint64_t now_ns, uint64_t cost_ns);
/* When to judge again, at the latest. */
uint64_t gs_governor_next_ns(const struct gs_governor *governor, uint64_t now_ns);
/* Even the shortest windows that make sense cost more than that, unless they are further apart than pause_ns. */
bool gs_governor_hopeless(const struct gs_governor *governor, uint64_t pause_ns);
/* The share of the time in which it could run that tracing takes in the busy_ns that are compared with `most`, with
 * what it costs beside the events: when a pause begins, it is more than `most`. */
double gs_governor_busy_cost(const struct gs_governor *governor);

#endif
