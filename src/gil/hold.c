/* From look to look: does a hold go on, did it end, and when? */
#include "base/least.h"
#include "gil/hold.h"

enum {
    MOVED_MOST = 1 << 28, /* hand-overs in an hour, which is more than any gap */
    LOST_NS = 50000000,
    LOST_SLOTS = 2
};

struct gs_hold_rule gs_hold_rule(double rate_hz)
{
    double slot_ns = rate_hz > 0 ? 1e9 / rate_hz : 0;
    bool slots = slot_ns >= 1 && slot_ns < 1e18;
    return (struct gs_hold_rule){.most_ns = slots ? (uint64_t)slot_ns : UINT64_MAX,
                                 .lost_ns = gs_most(LOST_NS, slots ? LOST_SLOTS * (uint64_t)slot_ns : 0)};
}

uint64_t gs_hold_moved(const struct gs_hold_follow *follow, const struct gs_hold_look *now)
{
    uint64_t moved = now->switches - follow->last.switches;
    return follow->any && follow->last.counted && now->counted && moved <= MOVED_MOST ? moved : 0;
}

bool gs_hold_same(const struct gs_hold_follow *follow, const struct gs_hold_look *now)
{
    const struct gs_hold_look *last = &follow->last;
    return follow->any && now->held == last->held && now->holder == last->holder && !now->moved &&
           gs_hold_moved(follow, now) == 0;
}

uint64_t gs_hold_part_ns(uint64_t gap_ns, uint64_t moved, const struct gs_hold_rule *rule)
{
    return gs_least(gap_ns / (moved > 0 ? moved + 1 : 2), rule->most_ns);
}

bool gs_hold_now(const struct gs_hold_follow *follow, struct gs_hold_span *span)
{
    *span = (struct gs_hold_span){
        .holder = follow->last.holder, .from_ns = follow->begin_ns, .to_ns = follow->last.ns, .at_least = true};
    return follow->any && follow->last.held;
}

bool gs_hold_step(struct gs_hold_follow *follow, const struct gs_hold_look *now, const struct gs_hold_rule *rule,
                  struct gs_hold_span *ended)
{
    uint64_t gap_ns = follow->any && now->ns > follow->last.ns ? now->ns - follow->last.ns : 0;
    if (gs_hold_same(follow, now)) {
        follow->last = *now;
        return false;
    }
    bool lost = gap_ns > rule->lost_ns, was_held = gs_hold_now(follow, ended);
    uint64_t part_ns = lost ? 0 : gs_hold_part_ns(gap_ns, gs_hold_moved(follow, now), rule);
    ended->to_ns += part_ns;
    ended->doubt_ns = part_ns;
    ended->at_least = follow->at_least || lost;
    follow->at_least = !follow->any || lost;
    follow->begin_ns = now->ns - part_ns;
    follow->last = *now;
    follow->any = true;
    return was_held;
}
