/* What snapshots of some seconds add up to: how long each hold of a GIL lasted, who waited, who stayed where. */
#ifndef GS_DIAGNOSE_WHY_WATCH_H
#define GS_DIAGNOSE_WHY_WATCH_H

#include "gil/gil_track.h"
#include "gilspy/snapshot.h"

/* How a hold was spent for the most part. */
enum gs_why_spent { GS_WHY_RUNNING, GS_WHY_ASLEEP, GS_WHY_COLLECTING, GS_WHY_SPENT_COUNT };

#define GS_WHY_LONG_NS UINT64_C(50000000) /* a hold that is longer counts */

/* One thread has one GIL without a break: as far as that can be told, see `proven`. */
struct gs_why_hold {
    pid_t tid;
    uint64_t begin_ns, end_ns; /* as gil/hold.h has it; of one that goes on: last seen */
    uint64_t ended_ns;         /* seen to be over, 0: not yet */
    uint64_t spent_ns[GS_WHY_SPENT_COUNT], contended_ns;
    uint64_t switches;
    uint32_t looks, asked; /* how often seen, and in how many of these it was asked to let go */
    uint32_t waiters;      /* the most at once */
    uint32_t gil;
    gs_addr frame, code; /* the innermost frame; */
    int32_t instr;
    bool one_place;              /* it was there all the time */
    bool counted;                /* the GIL counts its switches: the same number all the time */
    struct gs_activity activity; /* while it was last seen asleep */
};

/* A native thread, whatever states it has; of one whose tid is not known: its state. */
struct gs_why_thread {
    uint64_t key; /* its tid, which is below all addresses, or the address of its state */
    pid_t tid;
    uint64_t first_ns, last_ns;
    uint64_t word_ns[GS_UNKNOWN + 1], runs_ns;
    uint64_t blocked_ns;       /* it waited while another one had the GIL: not on its way to take it */
    uint64_t unknown_moved_ns; /* unknown, and it ran Python code since the look before: it had the GIL in between */
    /* How often it was seen to begin to wait, and about how often it had its turn between two looks that both saw it
     * wait: then it moved, or the GIL changed hands there and back. */
    uint32_t waits;
    double unseen_turns, turns_at_wait; /* of which so many when it began to wait for this one */
    uint64_t longest_wait_ns;           /* for one turn */
    uint64_t collecting_ns;             /* for which it collected garbage, */
    uint64_t stopping_ns;               /* stopped all others for something else, or waited for them to stop, */
    uint64_t late_ns;                   /* and others waited for it to stop */
    /* The innermost frame and what it sleeps on, and since when these did not change. */
    gs_addr frame, code;
    int32_t instr;
    struct gs_activity activity;
    uint64_t here_ns;
    uint64_t ran_on_ns; /* when it was last seen to have run Python code */
    /* Its long holds, by how they were spent. */
    struct gs_why_hold longest[GS_WHY_SPENT_COUNT];
    uint64_t long_ns[GS_WHY_SPENT_COUNT], long_contended_ns[GS_WHY_SPENT_COUNT];
    uint32_t long_count[GS_WHY_SPENT_COUNT];
    uint8_t word;
    uint64_t wait_ns; /* since when it waits for this turn */
};

struct gs_why_gil {
    struct gs_gil_track track;
    struct gs_gil_sum sum;
    struct gs_why_hold now; /* tid 0: nobody has it */
    uint64_t passed;        /* how often it changed hands since the look before the last one */
    bool has_switches;
};

struct gs_why_watch {
    struct gs_why_thread *threads; /* by key */
    size_t thread_count, room;
    struct gs_why_gil gils[GS_GILS_MOST];
    uint64_t first_ns, last_ns, samples;
    uint64_t weighed_ns; /* what the samples stand for: less than the time between them where they were late */
    struct gs_why_spell {
        uint64_t ns, longest_ns;
        uint64_t since_ns;           /* it goes on; 0: not */
    } collecting, stopped, stopping; /* garbage is collected; a thread stops all others; as in gs_why_thread */
    uint64_t finalizing_ns;
};

/* It collects garbage. */
static inline bool gs_why_watch_collects(const struct gs_thread *thread)
{
    return thread->frame_count > 0 && thread->frames[0].kind == GS_FRAME_GC;
}

/* A thread of it waits for others to stop, or has stopped them for something else than to collect. */
static inline bool gs_why_watch_stopping(const struct gs_interpreter *interpreter)
{
    return interpreter->world.requested && (!interpreter->world.stopped || !interpreter->collecting_garbage);
}

/* Adds a snapshot. GS_NO_MEMORY or GS_OK. */
enum gs_status gs_why_watch_add(struct gs_why_watch *watch, const struct gs_snapshot *snapshot) GS_MUST_CHECK;
/* Ends the holds that go on: what was seen of them counts. */
void gs_why_watch_end(struct gs_why_watch *watch);
void gs_why_watch_fini(struct gs_why_watch *watch);

/* NULL: it was not seen. */
const struct gs_why_thread *gs_why_watch_find(const struct gs_why_watch *watch, const struct gs_thread *thread);
/* Of the states of one native thread in the snapshot the one that says the most of it; true for its only one. */
bool gs_why_watch_speaks(const struct gs_snapshot *snapshot, size_t thread);
/* Time for which the thread has not moved, up to the end. */
uint64_t gs_why_watch_still_ns(const struct gs_why_watch *watch, const struct gs_thread *thread);

/* The same where it may have slept, woken up and slept again in C code. */
uint64_t gs_why_watch_in_c_ns(const struct gs_why_watch *watch, const struct gs_thread *thread);

/* Shares of the time that is known. */
static inline double gs_why_gil_held(const struct gs_why_gil *gil)
{
    return gil->sum.watched_ns > 0 ? (double)gil->sum.held_ns / (double)gil->sum.watched_ns : 0;
}

static inline double gs_why_gil_contended(const struct gs_why_gil *gil)
{
    return gil->sum.asked_ns > 0 ? (double)gil->sum.contended_ns / (double)gil->sum.asked_ns : 0;
}

#endif
