/* Holds: how long, whose, and what was done in them. */
#include "base/least.h"
#include "gil/feed_gils.h"
#include "gil/hold_place.h"

/* What was not charged yet of a hold that is long. */
static void charge(struct gs_feed_gils *gils, struct gs_feed_gil *gil, uint64_t time_ns, uint64_t whole_ns)
{
    struct gs_account_part part = {.place = gil->place.function ? &gil->place : NULL,
                                   .native = gil->native.function ? &gil->native : NULL,
                                   .called = gil->called.function ? &gil->called : NULL,
                                   .ns = time_ns - gil->charged_ns,
                                   .hold = gil->hold,
                                   .whole_ns = whole_ns,
                                   .waiters = gil->most_waiters};
    gs_account_hog(gils->account, gil->holder->row, &part);
    gil->charged_ns = time_ns;
}

/* Of the holder that it had in the last sample; or cut there by the end of the span. */
static void end_hold(struct gs_feed_gils *gils, struct gs_feed_gil *gil, const struct gs_hold_span *span)
{
    uint64_t ns = span->to_ns > span->from_ns ? span->to_ns - span->from_ns : 0;
    if (!gil->holder || gil->holder->row == GS_FEED_NO_ROW)
        return;
    gs_account_hold(gils->account, gil->holder->row, ns, 1);
    if (ns >= gils->long_ns && gil->track.follow.last.counted && span->to_ns > gil->charged_ns)
        charge(gils, gil, span->to_ns, ns);
}

static void cut_hold(struct gs_feed_gils *gils, struct gs_feed_gil *gil)
{
    struct gs_hold_span span;
    if (gs_hold_now(&gil->track.follow, &span))
        end_hold(gils, gil, &span);
}

/* Charges a hold that lasts long, as far as it has come, to where it is spent. */
static void charge_long(struct gs_feed_gils *gils, struct gs_feed_gil *gil, const struct gs_sample *sample)
{
    const struct gs_thread_sample *holder = gs_sample_holder(sample, (size_t)(gil - gils->list));
    struct gs_hold_call call;
    const struct gs_place *place = holder ? gs_hold_place(sample->stacks, holder->stack, &call) : NULL;
    struct gs_hold_span span;
    if (place) {
        gil->place = *place;
        gil->native = call.native ? *call.native : (struct gs_place){0};
        gil->called = call.called ? *call.called : (struct gs_place){0};
    }
    gil->most_waiters = (uint32_t)gs_most(gil->track.waiters, gil->most_waiters);
    /* What was before its place is known is charged to the place too. */
    if (gs_hold_now(&gil->track.follow, &span) && gil->holder && gil->holder->row != GS_FEED_NO_ROW &&
        gil->place.function && gil->track.follow.last.counted && span.to_ns - span.from_ns >= gils->long_ns)
        charge(gils, gil, span.to_ns, span.to_ns - span.from_ns);
}

/* Who may have had it between two samples, beside those that had it at them. */
struct others {
    struct gs_feed_thread *waiter, *other; /* one of them */
    size_t waiters, others;
};

static struct others look_for_others(const struct gs_feed_gils *gils, const struct gs_feed_gil *gil,
                                     const struct gs_feed_thread *before, const struct gs_feed_thread *now)
{
    struct others found = {NULL, NULL, 0, 0};
    for (size_t i = 0; i < gils->threads->count; i++) {
        struct gs_feed_thread *native = gils->threads->list[i];
        if (native->gil != (uint32_t)(gil - gils->list) || native == before || native == now ||
            native->row == GS_FEED_NO_ROW)
            continue;
        found.others++;
        found.other = native;
        if (native->word == GS_WAITS || (native->any && native->before == GS_WAITS)) {
            found.waiters++;
            found.waiter = native;
        }
    }
    return found;
}

/* A hold that lay between two samples, if it is known whose; its length is a guess, but less than the time between. */
static void note_unseen(struct gs_feed_gils *gils, struct gs_feed_gil *gil, const struct gs_feed_thread *native,
                        uint64_t ns, uint64_t times)
{
    if (times == 0)
        return;
    if (!native || native->row == GS_FEED_NO_ROW) {
        gil->unplaced += times;
        return;
    }
    gs_account_at(gils->account, native->row)->takes += times;
    gs_account_hold(gils->account, native->row, ns, times);
}

/* All but the last of several hand-overs, which nobody has seen: if only one thread can have been the other one, it
 * took turns with those that had it at the samples. */
static void note_turns(struct gs_feed_gils *gils, struct gs_feed_gil *gil, const struct gs_feed_thread *now,
                       uint64_t part_ns)
{
    uint64_t unseen = gil->step.moved - 1;
    struct others found = look_for_others(gils, gil, gil->last, now);
    const struct gs_feed_thread *third = found.waiters == 1                        ? found.waiter
                                         : found.waiters == 0 && found.others == 1 ? found.other
                                                                                   : NULL;
    if (gil->last == now) { /* A, X, A, X, A */
        note_unseen(gils, gil, third, part_ns, (unseen + 1) / 2);
        note_unseen(gils, gil, third ? now : NULL, part_ns, unseen / 2);
    } else if (unseen == 1) { /* A, X, B */
        note_unseen(gils, gil, third, part_ns, 1);
    } else { /* A, B, A, B, if nobody else wanted it */
        bool two = found.waiters == 0 && unseen % 2 == 0;
        note_unseen(gils, gil, two ? now : NULL, part_ns, unseen - unseen / 2);
        note_unseen(gils, gil, two ? gil->last : NULL, part_ns, unseen / 2);
    }
}

static void note_takes(struct gs_feed_gils *gils, struct gs_feed_gil *gil, const struct gs_feed_thread *last,
                       const struct gs_feed_thread *holder, uint64_t part_ns)
{
    if (gil->step.moved == 0)
        return;
    if (gil->step.moved > 1)
        note_turns(gils, gil, last, part_ns);
    if (!holder)
        note_unseen(gils, gil, last, part_ns, 1);
    else if (holder->row != GS_FEED_NO_ROW)
        gs_account_at(gils->account, holder->row)->takes++;
}

/* ---- from sample to sample ---- */

bool gs_feed_gils_begin(struct gs_feed_gils *gils, const struct gs_sample *sample, bool *moved)
{
    size_t count = gs_least(sample->gil_count, GS_GILS_MOST);
    bool lost = false;
    *moved = false;
    for (size_t i = count; i < gils->count; i++) {
        cut_hold(gils, &gils->list[i]);
        gils->list[i] = (struct gs_feed_gil){.holder = NULL};
    }
    gils->count = count;
    for (size_t i = 0; i < count; i++) {
        struct gs_account_gil *row = gs_account_gil_at(gils->account, (uint32_t)i);
        const struct gs_gil_track *track = &gils->list[i].track;
        struct gs_gil_look look = gs_gil_look(&sample->gils[i], 0, sample->time_ns);
        bool late;
        lost |= gs_gil_track_lost(track, &look.hold, &gils->rule, &late);
        *moved |= late;
        row->interpreter = sample->gils[i].interpreter;
        row->state = sample->gils[i].state;
    }
    return lost;
}

static void step_gil(struct gs_feed_gils *gils, struct gs_feed_gil *gil, const struct gs_sample *sample,
                     uint64_t gap_ns, bool lost)
{
    size_t number = (size_t)(gil - gils->list);
    const struct gs_sampled_gil *now = &sample->gils[number];
    struct gs_feed_thread *holder = now->holder_at < sample->thread_count ? gils->threads->at[now->holder_at] : NULL;
    struct gs_feed_thread *last = gs_feed_threads_of(gils->threads, now->last);
    struct gs_gil_look look = gs_gil_look(now, holder ? holder->serial : 0, sample->time_ns);
    bool any = gil->track.follow.any && !lost;
    struct gs_account_gil *row = gs_account_gil_at(gils->account, (uint32_t)number);
    gs_gil_track_step(&gil->track, &look, &gils->rule, lost, &row->sum, &gil->step);
    gil->was = any ? gil->holder : NULL;
    if (gil->step.ended)
        end_hold(gils, gil, &gil->step.hold);
    if (any)
        note_takes(gils, gil, last, holder, gs_hold_part_ns(gap_ns, gil->step.moved, &gils->rule));
    else
        gil->unplaced += gil->step.moved;
    if (!gil->step.goes_on) {
        gil->charged_ns = gil->track.follow.begin_ns;
        gil->hold = ++gils->holds;
        gil->place = gil->native = gil->called = (struct gs_place){0};
        gil->most_waiters = 0;
    }
    gil->holder = holder;
    gil->last = last;
}

void gs_feed_gils_step(struct gs_feed_gils *gils, const struct gs_sample *sample, uint64_t gap_ns, bool lost)
{
    for (size_t i = 0; i < gils->count; i++)
        step_gil(gils, &gils->list[i], sample, gap_ns, lost);
}

void gs_feed_gils_charge(struct gs_feed_gils *gils, const struct gs_sample *sample)
{
    for (size_t i = 0; i < gils->count; i++)
        charge_long(gils, &gils->list[i], sample);
}

void gs_feed_gils_leave(struct gs_feed_gils *gils, const struct gs_feed_thread *thread)
{
    for (size_t i = 0; i < gils->count; i++) {
        struct gs_feed_gil *gil = &gils->list[i];
        gil->holder = gil->holder == thread ? NULL : gil->holder;
        gil->was = gil->was == thread ? NULL : gil->was;
        gil->last = gil->last == thread ? NULL : gil->last;
    }
}

void gs_feed_gils_forget(struct gs_feed_gils *gils)
{
    for (size_t i = 0; i < gils->count; i++)
        gils->list[i].place = gils->list[i].native = gils->list[i].called = (struct gs_place){0};
}

void gs_feed_gils_cut(struct gs_feed_gils *gils)
{
    for (size_t i = 0; i < gils->count; i++) {
        struct gs_account_gil *row = gs_account_gil_at(gils->account, (uint32_t)i);
        cut_hold(gils, &gils->list[i]);
        row->switches =
            gils->list[i].track.follow.last.counted ? gs_count((uint64_t)row->sum.moved) : (struct gs_count){0};
    }
}
