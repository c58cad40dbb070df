/* A thread that went from one interpreter to another has a state in each: users see one thread. */
#ifndef GS_SAMPLE_MERGE_H
#define GS_SAMPLE_MERGE_H

#include "gilspy/snapshot.h"

struct gs_merge;

/* NULL: out of memory. */
struct gs_merge *gs_merge_new(void);
void gs_merge_free(struct gs_merge *merge);

/* The threads of a snapshot, none twice: of those with several states the one that tells most, with the frames of all.
 * In the order of the snapshot. The result holds until the next call, and as long as the snapshot. NULL: out of memory.
 */
const struct gs_thread *gs_merge_threads(struct gs_merge *merge, const struct gs_snapshot *snapshot, size_t *count);
/* The states of a thread of that result, as indexes into the snapshot's threads. */
const uint32_t *gs_merge_states(const struct gs_merge *merge, size_t thread, size_t *count);

#endif
