/* From poll to poll: does a hold go on, did it end, were there others in between that no poll has seen? */
#include "profile/gilpolls_parts.h"

void gs_gilpolls_end_hold(struct gs_gilpolls *polls, struct gs_polled_gil *gil, uint64_t time_ns)
{
    uint32_t at = gil->held && gil->hold ? gs_gilpolls_find(polls, gil->holder) : GS_NOBODY;
    uint32_t thread = at == GS_NOBODY ? GS_NOBODY : polls->list[at].sum;
    uint64_t ns = time_ns > gil->begin_ns ? time_ns - gil->begin_ns : 0;
    if (thread == GS_NOBODY)
        return;
    gs_gilsum_hold(polls->sum, thread, ns, 1);
    if (ns >= polls->long_ns && gil->has_switches && time_ns > gil->charged_ns) {
        gs_gilsum_hog(polls->sum, thread, gil->place, time_ns - gil->charged_ns, gil->hold, ns, gil->most_waiters);
        gil->charged_ns = time_ns;
    }
}

void gs_gilpolls_charge(struct gs_gilpolls *polls, struct gs_polled_gil *gil, const struct gs_place *place,
                        uint64_t time_ns)
{
    uint32_t at = gil->held && gil->hold ? gs_gilpolls_find(polls, gil->holder) : GS_NOBODY;
    if (place)
        gil->place = place;
    if (gil->waiters > gil->most_waiters)
        gil->most_waiters = gil->waiters;
    /* What was before its place is known is charged to the place too. */
    if (at == GS_NOBODY || !gil->place || !gil->has_switches || time_ns - gil->begin_ns < polls->long_ns ||
        polls->list[at].sum == GS_NOBODY)
        return;
    gs_gilsum_hog(polls->sum, polls->list[at].sum, gil->place, time_ns - gil->charged_ns, gil->hold,
                  time_ns - gil->begin_ns, gil->most_waiters);
    gil->charged_ns = time_ns;
}

/* Of two hand-overs between two polls the first was to somebody else: to whom, if only one thread wanted it or there is
 * only one other thread. */
static uint32_t unseen_taker(const struct gs_gilpolls *polls, const struct gs_polled_gil *gil, pid_t before, pid_t now)
{
    uint32_t waiter = GS_NOBODY, other = GS_NOBODY;
    size_t waiters = 0, others = 0, number = (size_t)(gil - polls->gils);
    for (size_t i = 0; i < polls->count; i++) {
        const struct gs_polled *polled = &polls->list[i];
        if (polled->gil != number || polled->tid == before || polled->tid == now || polled->sum == GS_NOBODY)
            continue;
        others++;
        other = (uint32_t)i;
        if (polled->word == GS_WAITS || (polled->any && polled->before == GS_WAITS)) {
            waiters++;
            waiter = (uint32_t)i;
        }
    }
    return waiters == 1 ? waiter : waiters == 0 && others == 1 ? other : GS_NOBODY;
}

/* A hold that lay between two polls, if it is known whose; its length is a guess, but less than the time between. */
static void note_unseen(struct gs_gilpolls *polls, struct gs_polled_gil *gil, uint32_t at, uint64_t ns, uint64_t times)
{
    if (at == GS_NOBODY || polls->list[at].sum == GS_NOBODY) {
        gil->unplaced += times;
        return;
    }
    gs_gilsum_at(polls->sum, polls->list[at].sum)->takes += times;
    gs_gilsum_hold(polls->sum, polls->list[at].sum, ns, times);
}

static void note_takes(struct gs_gilpolls *polls, struct gs_polled_gil *gil, const struct gs_gil *now, uint32_t holder,
                       uint64_t part_ns)
{
    if (gil->moved == 0)
        return;
    gil->total += gil->moved;
    if (gil->moved == 2)
        note_unseen(polls, gil, unseen_taker(polls, gil, gil->last, now->last), part_ns, 1);
    else if (gil->moved > 2)
        note_unseen(polls, gil, GS_NOBODY, part_ns, gil->moved - 1);
    if (holder == GS_NOBODY)
        note_unseen(polls, gil, gs_gilpolls_by_tid(polls, now->last), part_ns, 1);
    else if (polls->list[holder].sum != GS_NOBODY)
        gs_gilsum_at(polls->sum, polls->list[holder].sum)->takes++;
}

void gs_gilpolls_step(struct gs_gilpolls *polls, struct gs_polled_gil *gil, const struct gs_gil *now, uint32_t holder,
                      uint64_t time_ns, uint64_t gap_ns)
{
    bool held = now->state == GS_GIL_HELD, counted = gil->any && gil->has_switches && now->has_switches;
    uint32_t number = holder == GS_NOBODY ? GS_NOBODY : polls->list[holder].number;
    bool changed = !gil->any || held != gil->held || number != gil->holder;
    gil->moved = counted ? now->switches - gil->switches : 0;
    if (changed || gil->moved > 0) {
        uint64_t part_ns = gap_ns / (gil->moved + 2 - (gil->moved > 0));
        if (gil->any) {
            gs_gilpolls_end_hold(polls, gil, time_ns - gap_ns + part_ns);
            note_takes(polls, gil, now, holder, part_ns);
        }
        gil->begin_ns = gil->charged_ns = gil->any ? time_ns - part_ns : time_ns;
        gil->hold = ++polls->holds;
        gil->place = NULL;
        gil->most_waiters = 0;
    }
    gil->was = gil->any ? gil->holder : GS_NOBODY;
    gil->was_held = gil->any && gil->held;
    gil->any = true;
    gil->held = held;
    gil->holder = number;
    gil->has_switches = now->has_switches;
    gil->switches = now->switches;
    gil->last = now->last;
}
