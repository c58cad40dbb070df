/* The parts of a tracer, for the sources of this folder. */
#ifndef GS_TRACE_TRACER_PARTS_H
#define GS_TRACE_TRACER_PARTS_H

#include "trace/perf_watchpoints.h"
#include "trace/guard.h"
#include "trace/site.h"

enum { GS_TRACER_SITES = 256 /* instructions; a Python has about ten */, GS_TRACER_CODES = 4 };

/* A record of the kernel, as far as it tells whether another one is the same. */
struct gs_told {
    uint64_t id;
    gs_addr ip, addr;
    uint64_t time_ns;
};

/* A thread that may be watched twice. */
struct gs_late {
    pid_t tid;
    struct gs_told store, told[GS_GAUGES]; /* the last record of a watch, and of each gauge */
};

/* A file that has instructions which store to the words. */
struct gs_code_file {
    char *path; /* owned: maps are read anew */
    int fd;
};

struct gs_tracer {
    const struct gs_python *python;
    struct gs_guard *guard; /* NULL: there is nothing to watch */
    struct gs_watchpoints_facts facts;
    struct gs_tracer_setup setup;
    struct gs_site sites[GS_TRACER_SITES];
    size_t site_count, site_last;
    struct gs_event *held; /* not handed on yet */
    size_t held_count, held_room;
    struct gs_late *late;
    struct gs_code_file codes[GS_TRACER_CODES];
    size_t code_count;
    uint64_t round_ns;       /* when the last round of drains began, */
    uint64_t until_ns;       /* and the one before: what is older has come */
    uint64_t whole_since_ns; /* when every thread was watched: what some did before tells nothing */
    uint64_t whole_ns; /* in the ring that is read: the record before the next one; 0: it is known what is missing */
    enum gs_status failed; /* the guard has ended */
    bool on;
    uint64_t seen;   /* samples of watches, */
    uint64_t others; /* and what else the kernel told of its threads */
    uint64_t lost, throttled, unclear, traps, lapses;
    struct gs_guard_numbers counted; /* by the guard, when it was asked last */
};

/* Makes the next record of a ring an event, and holds it. whole_ns: when the record before it came, in the same ring;
 * 0: what is missing before it is known already. */
enum gs_status gs_tracer_record(struct gs_tracer *tracer, const struct gs_perf_record *record,
                                uint64_t whole_ns) GS_MUST_CHECK;
/* The guard took a trap away then, which was an event; no other of that GIL came between. */
enum gs_status gs_tracer_hold_trap(struct gs_tracer *tracer, uint64_t time_ns) GS_MUST_CHECK;
/* From then on events are missing. */
enum gs_status gs_tracer_hold_lost(struct gs_tracer *tracer, uint64_t time_ns) GS_MUST_CHECK;

#endif
