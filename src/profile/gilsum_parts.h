/* What a gs_gilsum consists of, for gilsum.c and gilsum_finish.c. */
#ifndef GS_PROFILE_GILSUM_PARTS_H
#define GS_PROFILE_GILSUM_PARTS_H

#include "profile/gilsum.h"

struct gs_gilsum_pair {
    uint32_t waiter, holder; /* numbers of threads */
    uint64_t ns;             /* 0: an empty slot */
};

enum { GS_GILSUM_NATIVES = 8 };

struct gs_gilsum_hog {
    uint32_t thread, place; /* place 0: not known */
    struct {
        uint32_t place; /* 0: none of C */
        uint64_t ns;
    } natives[GS_GILSUM_NATIVES]; /* the first C functions that were met there */
    uint32_t native_count;
    uint64_t ns, longest_ns, holds;
    uint64_t last_hold; /* its number */
    uint32_t waiters;
};

struct gs_gilsum {
    struct gs_gilsum_thread *threads;
    size_t thread_count, thread_room, left_out;
    uint32_t vacant[GS_GILSUM_ENDED]; /* threads whose slots are free */
    size_t vacant_count, ended_count; /* ended_count: those that have rows of their own */
    uint32_t folded;                  /* the row of all the others that have ended, UINT32_MAX: there is none */
    struct gs_gilsum_gil gils[GS_GILSUM_GILS];
    size_t gil_count;
    struct gs_gilsum_pair *pairs; /* open addressing */
    size_t pair_count, pair_slots;
    struct gs_gilsum_hog *hogs;
    size_t hog_count, hog_room;
    struct gs_stacks *places; /* of the hogs */
};

#endif
