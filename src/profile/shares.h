/* Which share of the time each thread held the GIL, waited for it, or did without, from samples. */
#ifndef GS_PROFILE_SHARES_H
#define GS_PROFILE_SHARES_H

#include "gilspy/snapshot.h"

struct gs_share {
    pid_t tid;
    struct gs_thread thread;          /* as in the last sample; its frames belong to the reader */
    uint64_t word_ns[GS_UNKNOWN + 1]; /* time per enum gs_gil_word */
    uint64_t first_ns, since_ns;      /* seen first; in its present word since */
    uint64_t sample;                  /* the number of the last sample that had it */
};

struct gs_shares {
    struct gs_share *list; /* by tid: those of the last sample */
    size_t count, room;
    uint64_t samples, first_ns, last_ns;
    uint64_t watched_ns;                    /* time that samples stand for */
    uint64_t missed_ns;                     /* gaps too long to be charged to anything */
    uint64_t held_ns;                       /* time in which somebody held the main GIL */
    uint64_t waiters_ns;                    /* summed up over the waiters */
    uint64_t first_switches, last_switches; /* of the main GIL, where it counts them */
    bool has_switches;
    bool stale; /* the last sample is valid no longer: there are no frames */
};

/* Adds a sample, which weighs the time since the one before it; more than max_gap_ns weighs nothing. */
enum gs_status gs_shares_add(struct gs_shares *shares, const struct gs_snapshot *snapshot,
                             uint64_t max_gap_ns) GS_MUST_CHECK;
/* The snapshot that was added last is valid no longer. */
void gs_shares_drop_frames(struct gs_shares *shares);
void gs_shares_fini(struct gs_shares *shares);

/* Shares of the watched time, 0 to 1. */
double gs_shares_held(const struct gs_shares *shares);
double gs_share_of(const struct gs_share *share, enum gs_gil_word word);
/* Hand-overs of the main GIL in a second; 0 where it counts none. */
double gs_shares_switches_hz(const struct gs_shares *shares);

#endif
