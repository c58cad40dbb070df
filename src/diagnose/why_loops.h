/* Event loops of asyncio from look to look: for how long each stands in one callback. Told by frames: base_events.py's
 * _run_once, events.py's Handle._run below it, and the callback that this calls (Lib/asyncio, 3.4 to 3.15). uvloop has
 * no such frames: asyncio/runners.py's run is known, and that the loop goes on by its clock. */
#ifndef GS_DIAGNOSE_WHY_LOOPS_H
#define GS_DIAGNOSE_WHY_LOOPS_H

#include "diagnose/why.h"

#define GS_LOOP_LONG_NS UINT64_C(100000000) /* a stay that is longer counts: asyncio's slow_callback_duration */

/* What else the loop has to do, -1: not readable. descriptors: but for the one that wakes it. */
struct gs_loop_waiting {
    int64_t ready, timers, descriptors;
};

/* The longest stay in one callback. Texts are UTF-8 as the target has them. */
struct gs_loop_stay {
    uint64_t ns;
    bool proven; /* it was one handle of the loop all the time */
    bool goes_on;
    char callback[240], stack[400]; /* where it was, in words */
    struct gs_activity activity;
    struct gs_loop_waiting waiting;
};

struct gs_why_loop {
    pid_t tid;
    uint32_t read; /* as of gs_thread */
    bool uvloop;   /* the loop is none of Python code */
    /* The callback that it is in, 0: none; since when; the handle, or the clock of uvloop, 0: not read yet. */
    gs_addr frame, code, handle;
    uint64_t since_ns, last_ns;
    uint32_t proofs; /* looks that found the handle, or the whole stack, as it was */
    bool noted;      /* this stay has become long: `now` says where it was then */
    struct gs_loop_stay now, longest;
    uint64_t long_ns; /* all long stays */
    uint32_t long_count;
};

enum { GS_LOOPS_MOST = 64, GS_LOOP_CODES = 512 };

struct gs_why_loops {
    struct gs_why_loop list[GS_LOOPS_MOST];
    size_t count; /* further ones are not followed */
    struct {
        gs_addr code;
        uint8_t role;
    } codes[GS_LOOP_CODES]; /* which of the functions above a code is, by a hash of its address */
    uint64_t asked_ns;      /* when it was looked last which threads run uvloop; */
    bool asks;              /* in this look it is */
};

/* Adds a look; of c python, snapshot and lookup count. */
void gs_why_loops_add(struct gs_why_loops *loops, const struct gs_case *c);
/* Ends the stays that go on: what was seen of them counts. */
void gs_why_loops_end(struct gs_why_loops *loops);

#endif
