/* The same work on each of many things, in a few processes beside one another: one thing that takes for ever, or that
 * the work dies of, holds nobody up. */
#ifndef GS_BASE_PARALLEL_H
#define GS_BASE_PARALLEL_H

#include <stdint.h>
#include <stdio.h>

#include "base/isolated.h"

struct gs_parallel_work {
    const void *context;
    size_t count; /* things, which have numbers from 0 on */
    /* In a child process, which has no descriptors but ours: what it writes to `out` is the result for thing `i`. */
    void (*work)(const void *context, size_t i, FILE *out);
    /* In this one, in the order in which things are done. bytes: the whole result of one that is GS_ISOLATED_DONE, and
     * a terminating 0 behind it; they are gone when this returns. What it returns other than GS_OK ends all. */
    enum gs_status (*done)(void *result, size_t i, enum gs_isolated outcome, const char *bytes, size_t len);
    void *result;
    uint64_t patience_ns; /* for one thing: whoever takes longer is left behind as GS_ISOLATED_LATE */
    size_t workers;       /* processes at once, at most */
};

/* Returns when each thing was told by `done`. GS_NO_MEMORY, GS_FAILED (no processes can be begun), what `done`
 * returned. */
enum gs_status gs_parallel_run(const struct gs_parallel_work *work) GS_MUST_CHECK;

#endif
