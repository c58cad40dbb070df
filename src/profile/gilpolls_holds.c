/* From poll to poll: does a hold go on, did it end, were there others in between that no poll has seen? */
#include "profile/gilpolls_parts.h"

enum { MOVED_MOST = 1 << 28 /* in an hour, which is more than any gap */ };

uint64_t gs_gilpolls_moved(const struct gs_polled_gil *gil, const struct gs_sampled_gil *now)
{
    uint64_t moved = now->switches - gil->switches;
    return gil->any && gil->has_switches && now->counted && moved <= MOVED_MOST ? moved : 0;
}

/* What was not charged yet of a hold that is long. */
static void charge(struct gs_gilpolls *polls, struct gs_polled_gil *gil, uint32_t thread, uint64_t time_ns,
                   uint64_t whole_ns)
{
    struct gs_gilsum_part part = {.place = gil->place.function ? &gil->place : NULL,
                                  .native = gil->native.function ? &gil->native : NULL,
                                  .ns = time_ns - gil->charged_ns,
                                  .hold = gil->hold,
                                  .whole_ns = whole_ns,
                                  .waiters = gil->most_waiters};
    gs_gilsum_hog(polls->sum, thread, &part);
    gil->charged_ns = time_ns;
}

void gs_gilpolls_end_hold(struct gs_gilpolls *polls, struct gs_polled_gil *gil, uint64_t time_ns)
{
    uint32_t at = gil->held && gil->hold ? gs_gilpolls_find(polls, gil->holder) : GS_NOBODY;
    uint32_t thread = at == GS_NOBODY ? GS_NOBODY : polls->list[at].sum;
    uint64_t ns = time_ns > gil->begin_ns ? time_ns - gil->begin_ns : 0;
    if (thread == GS_NOBODY)
        return;
    gs_gilsum_hold(polls->sum, thread, ns, 1);
    if (ns >= polls->long_ns && gil->has_switches && time_ns > gil->charged_ns)
        charge(polls, gil, thread, time_ns, ns);
}

void gs_gilpolls_charge(struct gs_gilpolls *polls, struct gs_polled_gil *gil, const struct gs_place *place,
                        const struct gs_place *native, uint64_t time_ns)
{
    uint32_t at = gil->held && gil->hold ? gs_gilpolls_find(polls, gil->holder) : GS_NOBODY;
    if (place) {
        gil->place = *place;
        gil->native = native ? *native : (struct gs_place){0};
    }
    if (gil->waiters > gil->most_waiters)
        gil->most_waiters = gil->waiters;
    /* What was before its place is known is charged to the place too. */
    if (at == GS_NOBODY || !gil->place.function || !gil->has_switches || time_ns - gil->begin_ns < polls->long_ns ||
        polls->list[at].sum == GS_NOBODY)
        return;
    charge(polls, gil, polls->list[at].sum, time_ns, time_ns - gil->begin_ns);
}

/* Who may have had it between two polls, beside those that had it at them. */
struct others {
    uint32_t waiter, other; /* one of them */
    size_t waiters, others;
};

static struct others look_for_others(const struct gs_gilpolls *polls, const struct gs_polled_gil *gil, uint32_t before,
                                     uint32_t now)
{
    struct others found = {GS_NOBODY, GS_NOBODY, 0, 0};
    for (size_t i = 0; i < polls->count; i++) {
        const struct gs_polled *polled = &polls->list[i];
        if (polled->gil != (uint32_t)(gil - polls->gils) || polled->number == before || polled->number == now ||
            polled->sum == GS_NOBODY)
            continue;
        found.others++;
        found.other = (uint32_t)i;
        if (polled->word == GS_WAITS || (polled->any && polled->before == GS_WAITS)) {
            found.waiters++;
            found.waiter = (uint32_t)i;
        }
    }
    return found;
}

/* A hold that lay between two polls, if it is known whose; its length is a guess, but less than the time between. */
static void note_unseen(struct gs_gilpolls *polls, struct gs_polled_gil *gil, uint32_t at, uint64_t ns, uint64_t times)
{
    if (times == 0)
        return;
    if (at == GS_NOBODY || polls->list[at].sum == GS_NOBODY) {
        gil->unplaced += times;
        return;
    }
    gs_gilsum_at(polls->sum, polls->list[at].sum)->takes += times;
    gs_gilsum_hold(polls->sum, polls->list[at].sum, ns, times);
}

/* All but the last of several hand-overs, which nobody has seen: if only one thread can have been the other one, it
 * took turns with those that had it at the polls. */
static void note_turns(struct gs_gilpolls *polls, struct gs_polled_gil *gil, uint32_t now, uint64_t part_ns)
{
    uint64_t unseen = gil->moved - 1;
    struct others found = look_for_others(polls, gil, gil->last, now);
    uint32_t third = found.waiters == 1                        ? found.waiter
                     : found.waiters == 0 && found.others == 1 ? found.other
                                                               : GS_NOBODY;
    if (gil->last == now) { /* A, X, A, X, A */
        note_unseen(polls, gil, third, part_ns, (unseen + 1) / 2);
        note_unseen(polls, gil, third == GS_NOBODY ? GS_NOBODY : gs_gilpolls_find(polls, now), part_ns, unseen / 2);
    } else if (unseen == 1) { /* A, X, B */
        note_unseen(polls, gil, third, part_ns, 1);
    } else { /* A, B, A, B, if nobody else wanted it */
        bool two = found.waiters == 0 && unseen % 2 == 0;
        note_unseen(polls, gil, two ? gs_gilpolls_find(polls, now) : GS_NOBODY, part_ns, unseen - unseen / 2);
        note_unseen(polls, gil, two ? gs_gilpolls_find(polls, gil->last) : GS_NOBODY, part_ns, unseen / 2);
    }
}

static void note_takes(struct gs_gilpolls *polls, struct gs_polled_gil *gil, const struct gs_sampled_gil *now,
                       uint32_t holder, uint64_t part_ns)
{
    if (gil->moved == 0)
        return;
    gil->total += gil->moved;
    if (gil->moved > 1)
        note_turns(polls, gil, now->last, part_ns);
    if (holder == GS_NOBODY)
        note_unseen(polls, gil, gs_gilpolls_find(polls, now->last), part_ns, 1);
    else if (polls->list[holder].sum != GS_NOBODY)
        gs_gilsum_at(polls->sum, polls->list[holder].sum)->takes++;
}

/* The part of a gap that each hold in it gets. After a late poll a guess is no longer than a slot: it would be taken
 * for a long hold. */
static uint64_t part_of(const struct gs_gilpolls *polls, uint64_t gap_ns, uint64_t moved)
{
    uint64_t part_ns = gap_ns / (moved + 2 - (moved > 0));
    double slot_ns = 1e9 / polls->rate_hz;
    return slot_ns >= 1 && (double)part_ns > slot_ns ? (uint64_t)slot_ns : part_ns;
}

void gs_gilpolls_step(struct gs_gilpolls *polls, struct gs_polled_gil *gil, const struct gs_sampled_gil *now,
                      uint32_t holder, uint64_t time_ns, uint64_t gap_ns)
{
    bool held = now->state == GS_GIL_HELD;
    uint32_t number = holder == GS_NOBODY ? GS_NOBODY : polls->list[holder].number;
    bool changed = !gil->any || held != gil->held || number != gil->holder;
    gil->moved = gs_gilpolls_moved(gil, now);
    if (changed || gil->moved > 0) {
        uint64_t part_ns = part_of(polls, gap_ns, gil->moved);
        if (gil->any) {
            gs_gilpolls_end_hold(polls, gil, time_ns - gap_ns + part_ns);
            note_takes(polls, gil, now, holder, part_ns);
        }
        gil->begin_ns = gil->charged_ns = gil->any ? time_ns - part_ns : time_ns;
        gil->hold = ++polls->holds;
        gil->place = gil->native = (struct gs_place){0};
        gil->most_waiters = 0;
    }
    gil->was = gil->any ? gil->holder : GS_NOBODY;
    gil->was_held = gil->any && gil->held;
    gil->any = true;
    gil->held = held;
    gil->holder = number;
    gil->has_switches = now->counted;
    gil->switches = now->switches;
    gil->last = now->last;
}
