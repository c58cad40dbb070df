/* What the fields of a GIL prove of the stacks of its threads, as plain values.
 *
 * On a processor that orders memory weakly (aarch64) the proof rests on these:
 * - The kernel reads the pieces of one reading in their order: it holds the pages of each and lets them go by a counter
 *   (process_vm_rw_single_vec in mm/process_vm_access.c, unpin_user_pages: atomic_sub_and_test orders all around it).
 *   The fields "before" are the first pieces, "after" the last.
 * - A word of 8 bytes at its own alignment is read whole (copy_template.S in arch/arm64/lib aligns what it reads from).
 * - What a thread wrote to its stack before it let go is seen by whoever sees the next count: it unlocks gil->mutex
 *   (release) in drop_gil, the next one locks it (acquire) in take_gil and counts then (CPython: Python/ceval_gil.h
 * from 3.7 to 3.11, Python/ceval_gil.c since).
 * - What a thread writes after it has taken it is not to be seen before its count. Here CPython has a release alone (it
 *   unlocks switch_mutex and gil->mutex at the end of take_gil), which does not hold back the stores that follow. The
 *   count must have left the processor by the time of the last piece, some hundred nanoseconds later; and one look
 *   (`dump`) is confirmed by another reading of the fields after the kernel was asked about the threads
 *   (gs_list_stands). */
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
