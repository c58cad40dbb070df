/* What is traced beside the words of the GIL: what the kernel counts of each thread, and what its scheduler does. */
#ifndef GS_TRACE_GAUGES_H
#define GS_TRACE_GAUGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/perf.h"

enum gs_gauge {
    GS_GAUGE_MINOR_FAULTS, /* page faults without I/O, */
    GS_GAUGE_MAJOR_FAULTS, /* and with */
    GS_GAUGE_CYCLES,       /* these three where the machine has them, a record for each so many */
    GS_GAUGE_INSTRUCTIONS,
    GS_GAUGE_CACHE_MISSES,
    GS_GAUGE_COUNTERS,
    GS_GAUGE_STATES = GS_GAUGE_COUNTERS, /* tracepoint sched_switch: in which state a thread leaves the processor */
    GS_GAUGE_WAKES,                      /* tracepoint sched_waking: who makes it ready to run */
    GS_GAUGES
};

/* A field of a tracepoint. */
struct gs_gauge_field {
    uint16_t offset, bytes;
};

struct gs_gauges {
    struct gs_perf_gauge what[GS_GAUGES];
    bool there[GS_GAUGES];
    struct gs_gauge_field state, wakee;
    bool user_only; /* what happens in the kernel is not counted: we may not see it */
};

/* Which of them can be had here, tried on ourselves. */
void gs_gauges_find(struct gs_gauges *gauges, bool counters, bool scheduler);
/* How many each record of a counter stands for. */
uint64_t gs_gauge_amount(enum gs_gauge gauge);
size_t gs_gauges_count(const struct gs_gauges *gauges);
/* Does without some, the scheduler's first; false: there are none left. */
bool gs_gauges_drop(struct gs_gauges *gauges);
/* The field of that name in the description of a tracepoint (/sys/kernel/tracing/events/.../format); false: there is
 * none that is an integer. */
bool gs_gauge_field(const char *format, const char *name, struct gs_gauge_field *field);

#endif
