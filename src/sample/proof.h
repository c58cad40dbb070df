/* What the fields of a GIL prove of the stacks of its threads, as plain values. */
#ifndef GS_SAMPLE_PROOF_H
#define GS_SAMPLE_PROOF_H

#include "python/gil.h"

/* Whoever holds it can be known to be the only one that moves. sharers: interpreters that are on it. */
static inline bool gs_gil_proves(const struct gs_gil_fields *now, uint32_t sharers, bool free_threaded)
{
    return now->has_switches && now->enabled && sharers == 1 && !free_threaded;
}

/* Of a GIL that proves: the thread state had it neither before a reading nor after it, nor in between, so that it did
 * not move. */
static inline bool gs_gil_kept_still(const struct gs_gil_fields *before, const struct gs_gil_fields *after,
                                     gs_addr tstate)
{
    return before->has_switches && after->switches - before->switches <= 1 && tstate != before->last_holder &&
           tstate != after->last_holder;
}

#endif
