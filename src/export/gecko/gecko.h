/* What a profile for the Firefox Profiler is made of: its processed format, version 60, in which all threads share one
 * table of stacks (github.com/firefox-devtools/profiler: docs-developer/processed-profile-format.md,
 * src/types/profile.ts). */
#ifndef GS_EXPORT_GECKO_GECKO_H
#define GS_EXPORT_GECKO_GECKO_H

#include <stdio.h>

#include "export/format.h"
#include "export/html/holds.h"
#include "export/spill.h"
#include "gil/hold.h"
#include "profile/calltree.h"

enum {
    GS_GECKO_SAMPLES = 1 << 21, /* of all threads, about: what is more is summed up in spans of time */
    GS_GECKO_MARKS = 50000,     /* the longest holds and waits, */
    GS_GECKO_LONG_MS = 20       /* from so long on; twice as long where there are too many */
};

/* What a thread does in a span, beside its node of the tree, as gs_thread_code says. */
enum { GS_GECKO_SHIFT = 5 };

struct gs_gecko_thread {
    uint32_t process;
    pid_t tid;
    const char *name;
    bool main, chosen;
    uint64_t first_ns, last_ns; /* of its samples, from the run's beginning; last_ns 0: none counts */
    struct gs_hold hold;        /* that goes on: what it does most of the time, */
    struct gs_hold wait, by;    /* and the wait: what the holder does; by: who that is, its number + 1 as the leaf */
};

struct gs_gecko_process {
    struct gs_hold_follow *gils;
    size_t gil_count, gil_room;
};

/* A long hold, or a long wait. Times from the run's beginning. */
struct gs_gecko_mark {
    uint32_t thread;
    uint32_t node; /* what the holder did most of the time; 0: it is not known */
    uint32_t by;   /* of a wait: number + 1 of the thread that had the GIL most of the time; 0: it is not known */
    bool wait;
    uint64_t begin_ns, end_ns;
    double waiters; /* of a hold: how many waited on average */
};

struct gs_gecko {
    struct gs_sink sink;
    FILE *out;
    const struct gs_selection *selection;
    struct gs_calltree *tree; /* fixed: spans know its nodes */
    struct gs_spill *spill;   /* its nodes: node << GS_GECKO_SHIFT | code */
    struct gs_run_info run;
    struct gs_gecko_process *processes;
    uint32_t process_count;
    size_t process_room;
    struct gs_gecko_thread *threads;
    uint32_t thread_count;
    size_t thread_room;
    struct gs_gecko_mark *marks;
    size_t mark_count, mark_room;
    uint64_t long_ns;
};

/* Marks what this sample ends, and goes on with the rest; nodes as gs_calltree_find says. */
enum gs_status gs_gecko_follow(struct gs_gecko *gecko, const struct gs_sample *sample,
                               const uint32_t *nodes) GS_MUST_CHECK;
/* What goes on at the end of the run counts as far as it was seen; the marks are sorted by thread, then time. */
enum gs_status gs_gecko_end_marks(struct gs_gecko *gecko) GS_MUST_CHECK;

/* The spill is sorted, the tree finished. */
enum gs_status gs_gecko_write(struct gs_gecko *gecko, const struct gs_run_end *end) GS_MUST_CHECK;

#endif
