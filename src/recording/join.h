/* Several recordings played as one: in the order of time, with the processes and threads that go on from one to the
 * next known again. */
#ifndef GS_RECORDING_JOIN_H
#define GS_RECORDING_JOIN_H

#include "recording/recording.h"

struct gs_join;

/* NULL: out of memory. */
struct gs_join *gs_join_new(void);
void gs_join_free(struct gs_join *join);
/* Another recording, which is owned from now on, also on failure; name: for messages. */
enum gs_status gs_join_add(struct gs_join *join, struct gs_recording *recording, const char *name,
                           struct gs_err *err) GS_MUST_CHECK;

/* As gs_recording_play of one recording; of several, from_ns and to_ns count from the beginning of the first. What a
 * run that was divided into recordings plays is what it would have played undivided. Recordings of one machine lie
 * where they were in time, those of several where their clocks say that they were; the rate and the host are the first
 * one's, and figures of quality are added up. */
enum gs_status gs_join_play(struct gs_join *join, struct gs_sink *sink, uint64_t from_ns, uint64_t to_ns,
                            struct gs_err *err) GS_MUST_CHECK;

/* Once played: the recordings in their order. */
size_t gs_join_count(const struct gs_join *join);
const char *gs_join_name(const struct gs_join *join, size_t i);
const struct gs_recording_state *gs_join_state(const struct gs_join *join, size_t i);
/* How long nothing was recorded before this one; 0 for the first. */
uint64_t gs_join_gap_ns(const struct gs_join *join, size_t i);

#endif
