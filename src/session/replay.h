/* A recording played in the time in which it was made: its samples come when they came, or faster, slower, from
 * elsewhere on, or not at all for a while. */
#ifndef GS_SESSION_REPLAY_H
#define GS_SESSION_REPLAY_H

#include "recording/join.h"

struct gs_replay;

struct gs_replay_calls {
    void *context;
    /* As tick of struct gs_sampling_calls; woken: a signal came, or there is something to read on standard input. */
    uint64_t (*tick)(void *context, uint64_t now_ns, bool woken);
    /* A sink that takes all from the beginning: the first one, and another one each time that it went back. NULL: out
     * of memory. The one before is not used any more. */
    struct gs_sink *(*anew)(void *context);
};

struct gs_replay_part {
    uint64_t from_ns, to_ns;   /* of the recording, as gs_join_play has them */
    uint64_t begin_ns, end_ns; /* of that part, on the recording's CLOCK_MONOTONIC */
};

/* The recordings must outlive it, and must be such that can be played twice. NULL: out of memory. */
struct gs_replay *gs_replay_new(struct gs_join *recordings, const struct gs_replay_part *part,
                                const struct gs_replay_calls *calls);
void gs_replay_free(struct gs_replay *replay);
/* Plays until tick ends it or a signal does; behind the last sample time stands still. The sink gets
 * no end. */
enum gs_status gs_replay_run(struct gs_replay *replay, struct gs_err *err) GS_MUST_CHECK;

/* The moment that it is at, on the recording's CLOCK_MONOTONIC, and what clocks on walls showed then. */
uint64_t gs_replay_now_ns(const struct gs_replay *replay);
int64_t gs_replay_realtime_ns(const struct gs_replay *replay);
/* A step faster, or slower. */
void gs_replay_faster(struct gs_replay *replay, bool faster);
/* How much faster than it was; paused or not. */
double gs_replay_speed(const struct gs_replay *replay);
void gs_replay_pause(struct gs_replay *replay, bool pause);
/* So far forward, or back when it is negative. */
void gs_replay_skip(struct gs_replay *replay, int64_t by_ns);

#endif
