/* The locks that the threads of a process sleep for, from sample to sample, and when they are worth a look at the
 * stacks: which tells what they are, who has them, and which sleeper waits for no lock but for a notice. */
#ifndef GS_SAMPLE_STREAM_LOCKS_H
#define GS_SAMPLE_STREAM_LOCKS_H

#include "gilspy/sampler.h"

struct gs_stream_locks;

/* polls: only samples that are due for a look have stacks. NULL: out of memory. */
struct gs_stream_locks *gs_stream_locks_new(const struct gs_lock_looker *looker, uint64_t id, bool polls);
void gs_stream_locks_free(struct gs_stream_locks *locks);

/* The next sample is to be one with stacks. */
bool gs_stream_locks_due(const struct gs_stream_locks *locks, uint64_t now_ns);
/* Fills in what the snapshot has of locks; `at` tells of each of its threads where it is in the sample (GS_NO_THREAD:
 * nowhere); `whole`: it has stacks, and is looked at if that is due. GS_NO_MEMORY. */
enum gs_status gs_stream_locks_take(struct gs_stream_locks *locks, const struct gs_snapshot *snapshot, bool whole,
                                    uint32_t (*at)(const void *context, const struct gs_snapshot *snapshot,
                                                   size_t thread),
                                    const void *context, struct gs_sample *sample) GS_MUST_CHECK;

#endif
