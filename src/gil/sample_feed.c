/* Samples of one process, taken in one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/room.h"
#include "gil/bounds.h"
#include "gil/hold.h"
#include "gil/hold_place.h"
#include "gil/sample_feed.h"

#define NOBODY UINT32_MAX

enum {
    RAN_NS = 1000000000,    /* how often times on processors are read, for those that end */
    RAN_SOON_NS = 50000000, /* the same of a thread that is in the samples no more, which may have ended */
    QUARTER = 4,
    PLACED = 20 /* of so many hand-overs at most one may be to nobody knows whom */
};

/* One native thread. */
struct native {
    pid_t tid;
    uint64_t serial; /* from 1 on: what holds know it by */
    uint32_t row;    /* in the account; NOBODY: not there */
    char *name;
    bool main;
    bool any;             /* it was in a sample before */
    bool ended;           /* it is in the samples no more, and will not be */
    uint8_t word, before; /* enum gs_gil_word: now, and in the sample before (if any) */
    uint32_t gil;
    uint64_t sample;   /* number of the last one that had it, */
    uint64_t seen_ns;  /* and when that was */
    uint64_t waits_ns; /* waits since; 0: does not */
    bool ran_known;
    uint64_t ran_begin_ns, ran_ns;   /* on a processor: when the span began, and as last read, */
    uint64_t ran_from_ns, ran_at_ns; /* and when these were read */
};

/* One thread state: its number in the samples, and whose it is. */
struct state {
    uint32_t number;
    struct native *native;
    uint64_t sample; /* as in native */
};

/* One GIL, as it was in the last sample. */
struct gil {
    struct gs_hold_follow follow;
    struct native *holder, *was; /* in the last sample, and in the one before; NULL: nobody, or not known */
    struct native *last;         /* that took it last */
    bool was_held;
    uint32_t waiters, were_waiting;
    uint64_t moved;           /* hand-overs since the sample before */
    uint64_t hold;            /* number of the hold that goes on */
    uint64_t charged_ns;      /* of it, up to when it was charged to places */
    uint32_t most_waiters;    /* for it */
    struct gs_place place;    /* last seen in it: of Python (function NULL: nothing was), */
    struct gs_place native;   /* and the C function that it called (function NULL: none) */
    uint64_t total, unplaced; /* hand-overs in the span; of these, to nobody knows whom */
};

struct gs_sample_feed {
    pid_t pid;
    char python[48];
    struct gs_sample_feed_options options;
    struct gs_hold_rule rule;
    uint64_t long_ns;
    bool over; /* the process is no more what it was */
    struct gs_account *account;
    struct native **natives;
    size_t native_count, native_room;
    struct state *states; /* by number */
    size_t state_count, state_room;
    struct native **at; /* of the threads of this sample */
    size_t at_room;
    struct gil gils[GS_GILS_MOST];
    size_t gil_count;
    uint64_t samples; /* since the beginning */
    struct gs_bounds_span span;
    uint64_t missed_ns;       /* further time, in which samples came so late that nothing is known of it */
    uint64_t last_ns, ran_ns; /* of the last sample; when times on processors were last read */
    uint64_t holds, serials;  /* numbers given out */
    uint32_t from;            /* the last sample's processor, as in struct gs_sample */
    bool left_out;            /* there were more GILs than are looked at */
};

struct gs_sample_feed *gs_sample_feed_new(const struct gs_sampled_process *process,
                                          const struct gs_sample_feed_options *options)
{
    struct gs_sample_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return NULL;
    feed->pid = process->pid;
    snprintf(feed->python, sizeof feed->python, "%s", process->python);
    feed->options = *options;
    feed->rule = gs_hold_rule(options->rate_hz);
    feed->long_ns = options->long_us * 1000;
    feed->account = gs_account_new();
    if (!feed->account) {
        free(feed);
        return NULL;
    }
    return feed;
}

static void free_native(struct native *native)
{
    free(native->name);
    free(native);
}

void gs_sample_feed_free(struct gs_sample_feed *feed)
{
    if (!feed)
        return;
    for (size_t i = 0; i < feed->native_count; i++)
        free_native(feed->natives[i]);
    free(feed->natives);
    free(feed->states);
    free(feed->at);
    gs_account_free(feed->account);
    free(feed);
}

void gs_sample_feed_forget(struct gs_sample_feed *feed)
{
    for (size_t i = 0; i < feed->gil_count; i++)
        feed->gils[i].place = feed->gils[i].native = (struct gs_place){0};
}

void gs_sample_feed_over(struct gs_sample_feed *feed, pid_t pid)
{
    feed->over = feed->over || feed->pid == pid;
}

uint64_t gs_sample_feed_count(const struct gs_sample_feed *feed)
{
    return feed->span.samples;
}

/* ---- threads ---- */

static int by_number(const void *key, const void *element)
{
    uint32_t number = *(const uint32_t *)key, other = ((const struct state *)element)->number;
    return (number > other) - (number < other);
}

/* NULL: there is none. */
static struct state *find_state(const struct gs_sample_feed *feed, uint32_t number)
{
    return feed->state_count > 0 ? bsearch(&number, feed->states, feed->state_count, sizeof *feed->states, by_number)
                                 : NULL;
}

static struct native *native_of(const struct gs_sample_feed *feed, uint32_t number)
{
    const struct state *state = number == GS_NO_THREAD ? NULL : find_state(feed, number);
    return state ? state->native : NULL;
}

static enum gs_status rename_native(struct gs_sample_feed *feed, struct native *native, const char *name)
{
    char *copy = strdup(name);
    if (!copy)
        return GS_NO_MEMORY;
    free(native->name);
    native->name = copy;
    if (native->row != NOBODY)
        gs_account_rename(feed->account, native->row, name);
    return GS_OK;
}

/* The native thread that this is a state of; one whose tid is not known is of a thread of its own. */
static struct native *find_native(struct gs_sample_feed *feed, const struct gs_sampled_thread *thread)
{
    for (size_t i = feed->native_count; thread->tid > 0 && i-- > 0;) {
        if (feed->natives[i]->tid == thread->tid)
            return feed->natives[i];
    }
    if (!gs_room((void **)&feed->natives, &feed->native_room, feed->native_count + 1, sizeof *feed->natives))
        return NULL;
    struct native *native = calloc(1, sizeof *native);
    char *name = strdup(thread->name);
    if (!native || !name) {
        free(native);
        free(name);
        return NULL;
    }
    *native = (struct native){.tid = thread->tid,
                              .serial = ++feed->serials,
                              .row = NOBODY,
                              .name = name,
                              .main = thread->main,
                              .word = GS_UNKNOWN};
    return feed->natives[feed->native_count++] = native;
}

enum gs_status gs_sample_feed_thread(struct gs_sample_feed *feed, uint32_t number,
                                     const struct gs_sampled_thread *thread)
{
    const struct state *known = find_state(feed, number);
    if (known)
        return rename_native(feed, known->native, thread->name);
    if (feed->state_count > 0 && feed->states[feed->state_count - 1].number > number)
        return GS_FAILED;
    struct native *native = find_native(feed, thread);
    if (!native || !gs_room((void **)&feed->states, &feed->state_room, feed->state_count + 1, sizeof *feed->states))
        return GS_NO_MEMORY;
    feed->states[feed->state_count++] = (struct state){.number = number, .native = native};
    return GS_OK;
}

/* False: it has ended, or nobody can be asked. */
static bool note_ran(struct gs_sample_feed *feed, struct native *native, uint64_t now_ns)
{
    uint64_t ran_ns;
    if (!feed->options.ran || feed->over || !feed->options.ran(feed->pid, native->tid, &ran_ns))
        return false;
    if (!native->ran_known) {
        /* One that was born since the sample before had none until then; what another had, as a program that execs or a
         * thread that only now calls Python, is not of this span. */
        native->ran_begin_ns = ran_ns <= now_ns - feed->last_ns && feed->samples > 1 ? 0 : ran_ns;
        native->ran_from_ns = now_ns;
    }
    native->ran_known = true;
    native->ran_ns = ran_ns;
    native->ran_at_ns = now_ns;
    return true;
}

/* A thread that has ended, or the end of a span: what is known of it only now goes into the account. */
static void close_native(struct gs_sample_feed *feed, struct native *native)
{
    if (native->row == NOBODY)
        return;
    if (native->waits_ns > 0)
        gs_account_wait(feed->account, native->row, feed->last_ns - native->waits_ns);
    struct gs_account_thread *thread = gs_account_at(feed->account, native->row);
    if (!native->ran_known || native->ran_ns < native->ran_begin_ns || native->ran_at_ns <= native->ran_from_ns)
        return;
    thread->ran_ns = gs_count(thread->ran_ns.value + native->ran_ns - native->ran_begin_ns);
    thread->unread_ns = native->seen_ns > native->ran_at_ns ? native->seen_ns - native->ran_at_ns : 0;
}

/* ---- one sample ---- */

/* Of the words of a thread's states the one that says the most. */
static bool says_more(uint8_t word, uint8_t than)
{
    static const uint8_t rank[] = {[GS_NONE] = 0, [GS_WITHOUT] = 1, [GS_UNKNOWN] = 2, [GS_WAITS] = 3, [GS_HOLDS] = 4};
    return rank[word] > rank[than];
}

static void take_state(struct gs_sample_feed *feed, const struct gs_sample *sample, struct state *state,
                       const struct gs_thread_sample *thread)
{
    struct native *native = state->native;
    bool first = native->sample != feed->samples;
    state->sample = feed->samples;
    if (native->row == NOBODY) {
        note_ran(feed, native, sample->time_ns);
        native->row = gs_account_add(feed->account, native->tid, native->name, native->main);
    }
    if (first) {
        native->before = native->word;
        native->sample = feed->samples;
        native->seen_ns = sample->time_ns;
    }
    if (!first && !says_more(thread->gil, native->word))
        return;
    native->word = thread->gil;
    native->gil = thread->lock;
    if (native->row != NOBODY)
        gs_account_at(feed->account, native->row)->gil = native->gil;
}

/* A thread that has no state in this sample does without the GIL, if it is there at all. */
static void take_absent(struct gs_sample_feed *feed, struct native *native, uint64_t now_ns)
{
    bool just = native->sample + 1 == feed->samples, asked = feed->options.ran && !feed->over;
    if (asked && now_ns - native->ran_at_ns >= (just ? RAN_SOON_NS : RAN_NS))
        asked = note_ran(feed, native, now_ns);
    native->ended = !asked;
    native->before = native->word;
    native->word = native->ended ? native->word : GS_WITHOUT;
}

/* Finds the threads of the sample, and who holds and how many wait. */
static enum gs_status arrange(struct gs_sample_feed *feed, const struct gs_sample *sample)
{
    if (!gs_room((void **)&feed->at, &feed->at_room, sample->thread_count + 1, sizeof *feed->at))
        return GS_NO_MEMORY;
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *thread = &sample->threads[i];
        struct state *state = i < feed->state_count && feed->states[i].number == thread->thread
                                  ? &feed->states[i]
                                  : find_state(feed, thread->thread);
        feed->left_out |= thread->lock >= feed->gil_count;
        feed->at[i] = state && thread->lock < feed->gil_count ? state->native : NULL;
        if (feed->at[i])
            take_state(feed, sample, state, thread);
    }
    for (size_t i = 0; i < feed->native_count; i++) {
        if (feed->natives[i]->any && feed->natives[i]->sample != feed->samples)
            take_absent(feed, feed->natives[i], sample->time_ns);
    }
    return GS_OK;
}

/* The wait that the thread is in, or was until now. got: it had the GIL meanwhile. */
static void step_wait(struct gs_sample_feed *feed, struct native *native, bool got, uint64_t middle_ns)
{
    bool ends = native->word == GS_HOLDS || native->word == GS_WITHOUT || native->word == GS_NONE;
    if (native->waits_ns > 0 && (ends || (got && native->word == GS_WAITS))) {
        gs_account_wait(feed->account, native->row, middle_ns > native->waits_ns ? middle_ns - native->waits_ns : 0);
        native->waits_ns = 0;
    }
    if (native->word == GS_WAITS && native->waits_ns == 0)
        native->waits_ns = middle_ns;
}

static void blame(struct gs_sample_feed *feed, const struct native *waiter, const struct native *holder, uint64_t ns)
{
    if (holder && holder->row != NOBODY && holder != waiter)
        gs_account_blame(feed->account, waiter->row, holder->row, ns);
}

/* Half of the gap is for what the thread did at its beginning, half for what it does now. */
static void step_native(struct gs_sample_feed *feed, struct native *native, uint64_t time_ns, uint64_t gap_ns)
{
    const struct gil *gil = &feed->gils[native->gil];
    struct gs_account_thread *row = gs_account_at(feed->account, native->row);
    if (feed->from)
        row->bounds.has_from_ns[feed->from % GS_BOUNDS_PROCESSORS] += native->word == GS_HOLDS ? gap_ns : 0;
    uint64_t half_ns = gap_ns / 2, rest_ns = gap_ns - half_ns;
    bool had = native->any && native->before == GS_HOLDS, has = native->word == GS_HOLDS;
    if (native->any && native->before == GS_WITHOUT && native->word == GS_WITHOUT) { /* as most do */
        gs_account_spend(row, GS_WITHOUT, gap_ns);
        return;
    }
    if (native->any)
        gs_account_spend(row, native->before, half_ns);
    gs_account_spend(row, native->word, rest_ns);
    if (had != has)
        row->bounds.error_ns2 += (double)gap_ns * (double)gap_ns / 2; /* see sample_feed.h */
    if (native->any && native->before == GS_WAITS && gil->was_held)
        blame(feed, native, gil->was, half_ns);
    if (native->word == GS_WAITS && gil->follow.last.held)
        blame(feed, native, gil->holder, rest_ns);
    step_wait(feed, native, gil->moved > 0 && gil->last == native, time_ns - half_ns);
    native->any = true;
}

static void drop(struct gs_sample_feed *feed, struct native *native, uint64_t gap_ns)
{
    if (native->row != NOBODY) {
        gs_account_spend(gs_account_at(feed->account, native->row), native->before, gap_ns / 2);
        close_native(feed, native);
        gs_account_ended(feed->account, native->row);
    }
    for (size_t i = 0; i < feed->gil_count; i++) {
        struct gil *gil = &feed->gils[i];
        gil->holder = gil->holder == native ? NULL : gil->holder;
        gil->was = gil->was == native ? NULL : gil->was;
        gil->last = gil->last == native ? NULL : gil->last;
    }
    free_native(native);
}

/* States that this sample has no more, and threads that have ended. */
static void drop_ended(struct gs_sample_feed *feed, uint64_t gap_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < feed->state_count; i++) {
        const struct state *state = &feed->states[i];
        if (state->sample == feed->samples || state->sample == 0)
            feed->states[kept++] = *state;
    }
    feed->state_count = kept;
    kept = 0;
    for (size_t i = 0; i < feed->native_count; i++) {
        struct native *native = feed->natives[i];
        if (native->ended)
            drop(feed, native, gap_ns);
        else
            feed->natives[kept++] = native;
    }
    feed->native_count = kept;
}

/* ---- holds ---- */

/* What was not charged yet of a hold that is long. */
static void charge(struct gs_sample_feed *feed, struct gil *gil, uint64_t time_ns, uint64_t whole_ns)
{
    struct gs_account_part part = {.place = gil->place.function ? &gil->place : NULL,
                                   .native = gil->native.function ? &gil->native : NULL,
                                   .ns = time_ns - gil->charged_ns,
                                   .hold = gil->hold,
                                   .whole_ns = whole_ns,
                                   .waiters = gil->most_waiters};
    gs_account_hog(feed->account, gil->holder->row, &part);
    gil->charged_ns = time_ns;
}

/* Of the holder that it had in the last sample; or cut there by the end of the span. */
static void end_hold(struct gs_sample_feed *feed, struct gil *gil, const struct gs_hold_span *span)
{
    uint64_t ns = span->to_ns > span->from_ns ? span->to_ns - span->from_ns : 0;
    if (!gil->holder || gil->holder->row == NOBODY)
        return;
    gs_account_hold(feed->account, gil->holder->row, ns, 1);
    if (ns >= feed->long_ns && gil->follow.last.counted && span->to_ns > gil->charged_ns)
        charge(feed, gil, span->to_ns, ns);
}

static void cut_hold(struct gs_sample_feed *feed, struct gil *gil)
{
    struct gs_hold_span span;
    if (gs_hold_now(&gil->follow, &span))
        end_hold(feed, gil, &span);
}

/* Charges a hold that lasts long, as far as it has come, to where it is spent. */
static void charge_long(struct gs_sample_feed *feed, struct gil *gil, const struct gs_sample *sample)
{
    const struct gs_thread_sample *holder = gs_sample_holder(sample, (size_t)(gil - feed->gils));
    const struct gs_place *native, *place = holder ? gs_hold_place(sample->stacks, holder->stack, &native) : NULL;
    struct gs_hold_span span;
    if (place) {
        gil->place = *place;
        gil->native = native ? *native : (struct gs_place){0};
    }
    gil->most_waiters = (uint32_t)gs_most(gil->waiters, gil->most_waiters);
    /* What was before its place is known is charged to the place too. */
    if (gs_hold_now(&gil->follow, &span) && gil->holder && gil->holder->row != NOBODY && gil->place.function &&
        gil->follow.last.counted && span.to_ns - span.from_ns >= feed->long_ns)
        charge(feed, gil, span.to_ns, span.to_ns - span.from_ns);
}

/* Who may have had it between two samples, beside those that had it at them. */
struct others {
    struct native *waiter, *other; /* one of them */
    size_t waiters, others;
};

static struct others look_for_others(const struct gs_sample_feed *feed, const struct gil *gil,
                                     const struct native *before, const struct native *now)
{
    struct others found = {NULL, NULL, 0, 0};
    for (size_t i = 0; i < feed->native_count; i++) {
        struct native *native = feed->natives[i];
        if (native->gil != (uint32_t)(gil - feed->gils) || native == before || native == now || native->row == NOBODY)
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
static void note_unseen(struct gs_sample_feed *feed, struct gil *gil, const struct native *native, uint64_t ns,
                        uint64_t times)
{
    if (times == 0)
        return;
    if (!native || native->row == NOBODY) {
        gil->unplaced += times;
        return;
    }
    gs_account_at(feed->account, native->row)->takes += times;
    gs_account_hold(feed->account, native->row, ns, times);
}

/* All but the last of several hand-overs, which nobody has seen: if only one thread can have been the other one, it
 * took turns with those that had it at the samples. */
static void note_turns(struct gs_sample_feed *feed, struct gil *gil, const struct native *now, uint64_t part_ns)
{
    uint64_t unseen = gil->moved - 1;
    struct others found = look_for_others(feed, gil, gil->last, now);
    const struct native *third = found.waiters == 1                        ? found.waiter
                                 : found.waiters == 0 && found.others == 1 ? found.other
                                                                           : NULL;
    if (gil->last == now) { /* A, X, A, X, A */
        note_unseen(feed, gil, third, part_ns, (unseen + 1) / 2);
        note_unseen(feed, gil, third ? now : NULL, part_ns, unseen / 2);
    } else if (unseen == 1) { /* A, X, B */
        note_unseen(feed, gil, third, part_ns, 1);
    } else { /* A, B, A, B, if nobody else wanted it */
        bool two = found.waiters == 0 && unseen % 2 == 0;
        note_unseen(feed, gil, two ? now : NULL, part_ns, unseen - unseen / 2);
        note_unseen(feed, gil, two ? gil->last : NULL, part_ns, unseen / 2);
    }
}

static void note_takes(struct gs_sample_feed *feed, struct gil *gil, const struct native *last,
                       const struct native *holder, uint64_t part_ns)
{
    if (gil->moved == 0)
        return;
    gil->total += gil->moved;
    if (gil->moved > 1)
        note_turns(feed, gil, last, part_ns);
    if (!holder)
        note_unseen(feed, gil, last, part_ns, 1);
    else if (holder->row != NOBODY)
        gs_account_at(feed->account, holder->row)->takes++;
}

static struct gs_hold_look look_of(const struct gs_sampled_gil *gil, const struct native *holder, uint64_t time_ns)
{
    return (struct gs_hold_look){.ns = time_ns,
                                 .holder = holder ? holder->serial : 0,
                                 .held = gil->state == GS_GIL_HELD,
                                 .counted = gil->counted,
                                 .switches = gil->switches};
}

/* Goes on with the hold of a GIL, or ends it and begins another. lost: nobody knows what was since the sample before.
 */
static void step_gil(struct gs_sample_feed *feed, struct gil *gil, const struct gs_sample *sample, uint64_t gap_ns,
                     bool lost)
{
    const struct gs_sampled_gil *now = &sample->gils[gil - feed->gils];
    struct native *holder = now->holder_at < sample->thread_count ? feed->at[now->holder_at] : NULL;
    struct native *last = native_of(feed, now->last);
    struct gs_hold_look look = look_of(now, holder, sample->time_ns);
    struct gs_hold_span ended;
    bool any = gil->follow.any, goes_on = gs_hold_same(&gil->follow, &look);
    gil->moved = gs_hold_moved(&gil->follow, &look);
    gil->was = any && !lost ? gil->holder : NULL;
    gil->was_held = any && !lost && gil->follow.last.held;
    if (gs_hold_step(&gil->follow, &look, &feed->rule, &ended))
        end_hold(feed, gil, &ended);
    if (any && !lost)
        note_takes(feed, gil, last, holder, gs_hold_part_ns(gap_ns, gil->moved, &feed->rule));
    else
        gil->unplaced += gil->moved;
    gil->total += any && lost ? gil->moved : 0;
    if (!goes_on) {
        gil->charged_ns = gil->follow.begin_ns;
        gil->hold = ++feed->holds;
        gil->place = gil->native = (struct gs_place){0};
        gil->most_waiters = 0;
    }
    gil->holder = holder;
    gil->last = last;
    gil->were_waiting = lost ? 0 : gil->waiters;
    gil->waiters = now->waiters;
}

/* ---- from sample to sample ---- */

/* The sample came so late that what was before it is not known, unless the GIL was in the same hands all the time. */
static bool lost_track(const struct gs_sample_feed *feed, const struct gs_sample *sample, uint64_t gap_ns, bool *moved)
{
    bool lost = false;
    *moved = false;
    for (size_t i = 0; i < feed->gil_count; i++) {
        const struct gs_hold_look *last = &feed->gils[i].follow.last;
        const struct gs_sampled_gil *now = &sample->gils[i];
        bool same = last->counted && last->switches == now->switches && last->held == (now->state == GS_GIL_HELD);
        lost |= !feed->gils[i].follow.any || !same;
        *moved |= feed->gils[i].follow.any && !same;
    }
    return lost && gap_ns > feed->rule.lost_ns && feed->samples > 1;
}

/* After a gap of which nothing is known everything begins anew, but for the hand-overs, which are counted. */
static void break_off(struct gs_sample_feed *feed, uint64_t gap_ns)
{
    for (size_t i = 0; i < feed->native_count; i++) {
        struct native *native = feed->natives[i];
        if (native->waits_ns > 0 && native->row != NOBODY)
            gs_account_wait(feed->account, native->row, feed->last_ns - native->waits_ns);
        native->waits_ns = 0;
        native->any = native->any && native->sample + 1 == feed->samples;
    }
    feed->missed_ns += gap_ns;
    feed->span.lost_ns += (double)gap_ns;
    feed->span.lost_ns2 += (double)gap_ns * (double)gap_ns;
}

/* A gap that is longer than usual says less of what was in it, unless nothing changed hands. */
static void note_late(struct gs_sample_feed *feed, uint64_t gap_ns, bool moved)
{
    const double usual = 2;
    if (moved && (double)gap_ns * feed->options.rate_hz > usual * 1e9)
        feed->span.late_ns2 += (double)gap_ns * (double)gap_ns;
}

static void set_gils(struct gs_sample_feed *feed, const struct gs_sample *sample)
{
    size_t count = gs_least(sample->gil_count, GS_GILS_MOST);
    for (size_t i = count; i < feed->gil_count; i++) {
        cut_hold(feed, &feed->gils[i]);
        feed->gils[i] = (struct gil){.holder = NULL};
    }
    feed->gil_count = count;
    for (size_t i = 0; i < count; i++) {
        struct gs_account_gil *row = gs_account_gil_at(feed->account, (uint32_t)i);
        row->interpreter = sample->gils[i].interpreter;
        row->state = sample->gils[i].state;
    }
}

static void note_processor(struct gs_sample_feed *feed, uint32_t processor, uint64_t gap_ns)
{
    feed->span.stays += processor && processor != feed->from;
    feed->from = processor;
    if (processor)
        feed->span.from_ns[processor % GS_BOUNDS_PROCESSORS] += gap_ns;
}

static void step_gils(struct gs_sample_feed *feed, const struct gs_sample *sample, uint64_t gap_ns, bool lost)
{
    for (size_t i = 0; i < feed->gil_count; i++) {
        struct gil *gil = &feed->gils[i];
        step_gil(feed, gil, sample, gap_ns, lost);
        if (gap_ns == 0)
            continue;
        gs_account_gil(feed->account, (uint32_t)i, gil->was_held, gil->were_waiting, gap_ns / 2);
        gs_account_gil(feed->account, (uint32_t)i, gil->follow.last.held, gil->waiters, gap_ns - gap_ns / 2);
    }
}

enum gs_status gs_sample_feed_add(struct gs_sample_feed *feed, const struct gs_sample *sample)
{
    bool moved;
    uint64_t gap_ns = feed->samples > 0 && sample->time_ns > feed->last_ns ? sample->time_ns - feed->last_ns : 0;
    set_gils(feed, sample);
    feed->samples++;
    bool lost = lost_track(feed, sample, gap_ns, &moved);
    if (lost)
        break_off(feed, gap_ns);
    gap_ns = lost ? 0 : gap_ns;
    note_late(feed, gap_ns, moved);
    note_processor(feed, sample->processor, gap_ns);
    enum gs_status status = arrange(feed, sample);
    if (status)
        return status;
    step_gils(feed, sample, gap_ns, lost);
    for (size_t i = 0; i < feed->native_count; i++) {
        struct native *native = feed->natives[i];
        if (native->row != NOBODY && !native->ended && native->sample > 0)
            step_native(feed, native, sample->time_ns, gap_ns);
    }
    for (size_t i = 0; i < feed->gil_count; i++)
        charge_long(feed, &feed->gils[i], sample);
    drop_ended(feed, gap_ns);
    feed->last_ns = gs_most(feed->last_ns, sample->time_ns);
    if (sample->time_ns - feed->ran_ns >= RAN_NS) {
        feed->ran_ns = sample->time_ns;
        for (size_t i = 0; i < feed->native_count; i++)
            note_ran(feed, feed->natives[i], sample->time_ns);
    }
    feed->span.samples++;
    feed->span.ns += gap_ns;
    return GS_OK;
}

/* ---- the end of a span ---- */

/* The share of all that was watched, or, where the whole process has ended since its times were last read, of what was
 * watched until then. What a thread did that ended by itself after that is not known, unless it was next to nothing. */
static struct gs_figure on_cpu(const struct gs_account_thread *thread, double all)
{
    const double nothing = 0.01;
    double unread = (double)thread->unread_ns;
    if (!thread->ran_ns.known || (unread > nothing * all && !thread->to_the_end) || unread >= all)
        return (struct gs_figure){0};
    return gs_figure((double)thread->ran_ns.value / (thread->to_the_end ? all - unread : all));
}

/* What is a matter of the whole span: also of threads that have ended. */
static void set_figures(struct gs_sample_feed *feed)
{
    double all = (double)(feed->span.ns + feed->missed_ns);
    for (size_t i = 0; i < gs_account_count(feed->account); i++) {
        struct gs_account_thread *thread = gs_account_at(feed->account, (uint32_t)i);
        thread->bounds.has_ns = thread->word_ns[GS_HOLDS];
        thread->half_width = gs_bounds(&feed->span, &thread->bounds);
        thread->on_cpu = on_cpu(thread, all);
    }
}

/* Times that samples have seen make up for those that none has. */
static void fill_in(const struct gs_sample_feed *feed, struct gs_gilstat *stat)
{
    double factor = feed->span.ns > 0 ? 1 + (double)feed->missed_ns / (double)feed->span.ns : 1;
    for (size_t i = 0; i < stat->thread_count; i++)
        stat->threads[i].wait_us.value = (uint64_t)((double)stat->threads[i].wait_us.value * factor);
    for (size_t i = 0; i < stat->blame_count; i++)
        stat->blame[i].us = (uint64_t)((double)stat->blame[i].us * factor);
}

static void cut_span(struct gs_sample_feed *feed)
{
    for (size_t i = 0; i < feed->gil_count; i++) {
        struct gil *gil = &feed->gils[i];
        cut_hold(feed, gil);
        gs_account_gil_at(feed->account, (uint32_t)i)->switches =
            gil->follow.last.counted ? gs_count(gil->total) : (struct gs_count){0};
    }
    for (size_t i = 0; i < feed->native_count; i++) {
        struct native *native = feed->natives[i];
        note_ran(feed, native, feed->last_ns);
        native->seen_ns = feed->last_ns;
        close_native(feed, native);
        if (native->row != NOBODY)
            gs_account_at(feed->account, native->row)->to_the_end = true;
    }
}

enum gs_status gs_sample_feed_finish(struct gs_sample_feed *feed, struct gs_gilstat *stat)
{
    const struct gil *main = &feed->gils[0];
    feed->span.counted = feed->gil_count > 0 && main->follow.last.counted;
    bool slow = feed->span.counted && QUARTER * main->total <= feed->span.samples;
    struct gs_account_knows knows = {.takes = slow && PLACED * main->unplaced <= main->total + PLACED,
                                     .waits = slow,
                                     .holds = slow,
                                     .longest = feed->span.counted};
    cut_span(feed);
    set_figures(feed);
    *stat = (struct gs_gilstat){.pid = feed->pid,
                                .python = feed->python,
                                .method = GS_METHOD_SAMPLED,
                                .seconds = (double)(feed->span.ns + feed->missed_ns) / 1e9,
                                .rate_hz = feed->options.rate_hz,
                                .long_us = feed->long_ns / 1000,
                                .gils_left_out = feed->left_out,
                                .quality = {.samples = feed->span.samples}};
    enum gs_status status = gs_account_finish(feed->account, feed->span.ns, &knows, stat);
    fill_in(feed, stat);
    return status;
}

void gs_sample_feed_next(struct gs_sample_feed *feed)
{
    gs_account_clear(feed->account);
    for (size_t i = 0; i < feed->native_count; i++) {
        struct native *native = feed->natives[i];
        native->row = native->any ? gs_account_add(feed->account, native->tid, native->name, native->main) : NOBODY;
        native->ran_begin_ns = native->ran_ns;
        native->ran_from_ns = native->ran_at_ns;
    }
    for (size_t i = 0; i < feed->gil_count; i++)
        feed->gils[i].total = feed->gils[i].unplaced = 0;
    feed->span = (struct gs_bounds_span){0};
    feed->missed_ns = 0;
    feed->ran_ns = feed->last_ns;
}
