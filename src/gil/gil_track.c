/* From look to look. */
#include "gil/gil_track.h"

bool gs_gil_word_tells(uint8_t word, uint8_t than)
{
    static const uint8_t rank[] = {[GS_NONE] = 0, [GS_WITHOUT] = 1, [GS_UNKNOWN] = 2, [GS_WAITS] = 3, [GS_HOLDS] = 4};
    return rank[word] > rank[than];
}

struct gs_gil_look gs_gil_look(const struct gs_sampled_gil *gil, uint64_t holder, uint64_t time_ns)
{
    return (struct gs_gil_look){.hold = {.ns = time_ns,
                                         .holder = holder,
                                         .held = gil->state == GS_GIL_HELD,
                                         .counted = gil->counted,
                                         .switches = gil->switches},
                                .asked = true,
                                .waiters = gil->waiters};
}

bool gs_gil_track_lost(const struct gs_gil_track *track, const struct gs_hold_look *now,
                       const struct gs_hold_rule *rule, bool *moved)
{
    const struct gs_hold_look *last = &track->follow.last;
    bool same = last->counted && last->switches == now->switches && last->held == now->held;
    *moved = track->follow.any && !same;
    return *moved && now->ns > last->ns && now->ns - last->ns > rule->lost_ns;
}

static void credit_waiters(struct gs_gil_track *track, const struct gs_gil_look *now, struct gs_gil_sum *sum)
{
    uint64_t gap_ns = now->hold.ns > track->asked_ns ? now->hold.ns - track->asked_ns : 0;
    if (track->asked && gap_ns > 0) {
        gs_gil_sum_waiters(sum, track->waiters, gap_ns / 2);
        gs_gil_sum_waiters(sum, now->waiters, gap_ns - gap_ns / 2);
    }
    track->asked = true;
    track->waiters = now->waiters;
    track->asked_ns = now->hold.ns;
}

void gs_gil_track_step(struct gs_gil_track *track, const struct gs_gil_look *now, const struct gs_hold_rule *rule,
                       bool lost, struct gs_gil_sum *sum, struct gs_gil_step *step)
{
    struct gs_hold_follow *follow = &track->follow;
    bool any = follow->any && !lost;
    uint64_t gap_ns = follow->any && now->hold.ns > follow->last.ns ? now->hold.ns - follow->last.ns : 0;
    step->was_held = any && follow->last.held;
    step->moved = gs_hold_moved(follow, &now->hold);
    step->goes_on = gs_hold_same(follow, &now->hold);
    sum->moved += (double)step->moved;
    sum->counted_ns += follow->last.counted && now->hold.counted ? gap_ns : 0;
    if (any && gap_ns > 0) {
        gs_gil_sum_held(sum, step->was_held, gap_ns / 2);
        gs_gil_sum_held(sum, now->hold.held, gap_ns - gap_ns / 2);
    }
    track->asked = track->asked && !lost;
    if (now->asked)
        credit_waiters(track, now, sum);
    step->ended = gs_hold_step(follow, &now->hold, rule, &step->hold);
}
