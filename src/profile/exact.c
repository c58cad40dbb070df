/* Exact tracing from its beginning to its end: within what it may cost, and what it is worth. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/least.h"
#include "gil/exact_feed.h"
#include "gilspy/snapshot.h"
#include "profile/exact.h"
#include "profile/exact_threads.h"
#include "trace/cpu_available.h"
#include "trace/governor.h"
#include "trace/tracer.h"

struct exact_looks {
    struct gs_exact_eye eye;
    uint64_t long_ns; /* a hold from this length on is looked at */
    struct {
        uint64_t since_ns, seen_ns; /* the hold in which the holder's stack was read last, and when */
    } last[GS_ADDRESSES_MOST];
    uint64_t owed_ns, paid_ns; /* our CPU time for looks at pauses that is not paid back yet, up to when it was */
    uint64_t next_ns;          /* when it is looked at who has the GIL, UINT64_MAX: when something else is done */
};

/* The hold that goes on. */
enum {
    AGAIN_NS = 20000000,  /* from look to look at a hold, or at a pause */
    SOONEST_NS = 5000000, /* so soon, and so late, it is asked again who has the GIL, when somebody has */
    LATEST_NS = 10000000,
    PAUSES_SHARE = 50,          /* one part of so many of the time is for looks at pauses, */
    PAUSES_CREDIT_NS = 10000000 /* and so much more */
};

/* As far as is known by now: of what is not handed on yet the order may still change. */
static pid_t find_holder(const struct gs_tracer *tracer, const struct gs_gil_spans *gil_spans, unsigned lock,
                         uint64_t *since_ns)
{
    const struct gs_event *last = gs_tracer_latest(tracer, lock, 0);
    if (!last)
        return gs_gil_spans_holder(gil_spans, lock, since_ns);
    *since_ns = last->time_ns;
    return last->act == GS_ACT_DROP ? 0 : last->tid;
}

/* When to look at this hold, at the soonest. */
static uint64_t look_at(struct exact_looks *looks, unsigned lock, pid_t tid, uint64_t since_ns,
                        struct gs_exact_feed *feed, const struct gs_snapshot **snapshot)
{
    uint64_t now_ns = gs_clock_ns(), due_ns = since_ns + looks->long_ns / 2;
    struct gs_exact_seen seen;
    if (looks->last[lock].since_ns == since_ns)
        due_ns = gs_most(looks->last[lock].seen_ns + AGAIN_NS, due_ns);
    if (now_ns < due_ns || !looks->eye.see || !looks->eye.see(looks->eye.context, tid, &seen, snapshot))
        return due_ns;
    struct gs_hold_call call = {seen.native.function ? &seen.native : NULL, seen.called.function ? &seen.called : NULL};
    gs_exact_feed_see(feed, lock, tid, since_ns, now_ns, &seen.place, &call);
    looks->last[lock].since_ns = since_ns;
    looks->last[lock].seen_ns = now_ns;
    return now_ns + AGAIN_NS;
}

/* What whoever has a GIL for long does, and when to look again. */
static void exact_looks_take(struct exact_looks *looks, const struct gs_tracer *tracer,
                             const struct gs_gil_spans *gil_spans, struct gs_exact_feed *feed,
                             const struct gs_snapshot **snapshot)
{
    looks->next_ns = UINT64_MAX;
    for (unsigned lock = 0; lock < gs_gil_addresses_gils(&gs_tracer_setup(tracer)->addresses); lock++) {
        uint64_t since_ns;
        pid_t tid = find_holder(tracer, gil_spans, lock, &since_ns);
        if (!tid)
            continue;
        uint64_t due_ns = look_at(looks, lock, tid, since_ns, feed, snapshot), now_ns = gs_clock_ns();
        due_ns = gs_least(gs_most(due_ns, now_ns + SOONEST_NS), now_ns + LATEST_NS);
        looks->next_ns = gs_least(looks->next_ns, due_ns);
    }
}

/* Who asked for a pause that goes on, as far as is known by now; 0: none does. */
static pid_t find_requester(const struct gs_tracer *tracer, const struct gs_exact_pauses *pauses, unsigned lock,
                            enum gs_pause_kind kind, uint64_t *since_ns)
{
    const struct gs_event *last = gs_tracer_latest(tracer, lock, kind);
    const struct gs_exact_pause *now = &pauses->now[lock][kind];
    *since_ns = last ? last->time_ns : now->begin_ns;
    if (last)
        return last->act == GS_ACT_DROP ? 0 : last->tid;
    return now->begin_ns ? now->tid : 0;
}

/* Where many pauses follow each other not each one is looked at. */
static bool may_look(struct exact_looks *looks, uint64_t now_ns)
{
    looks->owed_ns -= gs_least(looks->owed_ns, (now_ns - looks->paid_ns) / PAUSES_SHARE);
    looks->paid_ns = now_ns;
    return looks->owed_ns < PAUSES_CREDIT_NS;
}

static void see_requester(struct exact_looks *looks, pid_t tid, struct gs_exact_pauses *pauses,
                          const struct gs_snapshot **snapshot)
{
    struct gs_exact_sight sight = {.from_ns = gs_clock_ns(), .cause.tid = tid};
    struct gs_exact_seen seen;
    uint64_t before_us = gs_clock_cpu_us();
    bool known = looks->eye.see && looks->eye.see(looks->eye.context, tid, &seen, snapshot);
    sight.to_ns = gs_clock_ns();
    looks->owed_ns += (gs_clock_cpu_us() - before_us) * 1000;
    if (!known)
        return;
    sight.collects = seen.collects;
    gs_gilstat_keep_place(&sight.cause.place, &seen.place);
    if (seen.native.function)
        snprintf(sight.cause.why, sizeof sight.cause.why, "%s", seen.native.function);
    gs_exact_pauses_see(pauses, &sight);
}

/* Where those are who pause all others; a stopped world tells of the collection that it is for, too. */
static void exact_looks_at_pauses(struct exact_looks *looks, const struct gs_tracer *tracer,
                                  struct gs_exact_pauses *pauses, const struct gs_snapshot **snapshot)
{
    const struct gs_gil_addresses *addresses = &gs_tracer_setup(tracer)->addresses;
    for (unsigned lock = 0; addresses->none && lock < addresses->count; lock++) {
        uint64_t since_ns, now_ns = gs_clock_ns();
        pid_t tid = find_requester(tracer, pauses, lock, GS_PAUSE_WORLD, &since_ns);
        if (!tid)
            tid = find_requester(tracer, pauses, lock, GS_PAUSE_GC, &since_ns);
        if (!tid)
            continue;
        uint64_t due_ns = looks->last[lock].since_ns == since_ns ? looks->last[lock].seen_ns + AGAIN_NS : now_ns;
        if (now_ns >= due_ns && may_look(looks, now_ns)) {
            see_requester(looks, tid, pauses, snapshot);
            looks->last[lock].since_ns = since_ns;
            looks->last[lock].seen_ns = now_ns;
        }
        looks->next_ns = gs_least(looks->next_ns, gs_most(due_ns, now_ns + AGAIN_NS));
    }
}

/* As it was when the span began. */
struct exact_span {
    uint64_t begin_ns;
    uint64_t events, lost, traps, cpu_us, violations;
    struct gs_count switches[GS_ADDRESSES_MOST];
};

/* The figures of a span beside those of its GIL spans. */
static void exact_span_begin(struct exact_span *span, const struct gs_exact_threads *threads, struct gs_tracer *tracer,
                             const struct gs_gil_spans *gil_spans, uint64_t now_ns)
{
    struct gs_tracer_numbers numbers;
    gs_tracer_numbers(tracer, &numbers);
    *span = (struct exact_span){.begin_ns = now_ns,
                                .events = numbers.events,
                                .lost = numbers.lost,
                                .traps = numbers.traps,
                                .cpu_us = gs_clock_cpu_us() + numbers.guard_us,
                                .violations = gs_gil_spans_violations(gil_spans)};
    gs_exact_threads_switches(threads, &gs_tracer_setup(tracer)->addresses, span->switches);
}

/* Events were lost in it. */
static bool exact_span_lost(const struct exact_span *span, struct gs_tracer *tracer)
{
    struct gs_tracer_numbers numbers;
    gs_tracer_numbers(tracer, &numbers);
    return numbers.lost > span->lost;
}

/* Between windows nobody counts but the GIL itself. */
static void fill_switches(const struct exact_span *span, const struct gs_exact_threads *threads,
                          const struct gs_gil_addresses *addresses, struct gs_gilstat *stat)
{
    struct gs_count now[GS_ADDRESSES_MOST];
    gs_exact_threads_switches(threads, addresses, now);
    for (size_t i = 0; i < stat->gil_count && i < GS_ADDRESSES_MOST; i++) {
        bool known = now[i].known && span->switches[i].known;
        stat->gils[i].switches = known ? gs_count(now[i].value - span->switches[i].value) : (struct gs_count){0};
    }
}

/* Of what happened up to until_ns: what a feed of spans does not know. */
static void exact_span_fill(const struct exact_span *span, const struct gs_exact_threads *threads,
                            struct gs_tracer *tracer, const struct gs_gil_spans *gil_spans, uint64_t until_ns,
                            struct gs_gilstat *stat)
{
    const struct gs_tracer_setup *setup = gs_tracer_setup(tracer);
    struct gs_tracer_numbers numbers;
    double whole_ns = (double)(until_ns - span->begin_ns);
    gs_tracer_numbers(tracer, &numbers);
    uint64_t events = numbers.events - span->events;
    stat->pid = threads->python->target->pid;
    stat->python = threads->python->version;
    if (setup->addresses.none && stat->gil_count > 0)
        stat->gils[0].state = GS_GIL_DISABLED;
    if (stat->method == GS_METHOD_WINDOWS)
        fill_switches(span, threads, &setup->addresses, stat);
    stat->seconds = whole_ns / 1e9;
    stat->events = gs_count(events);
    stat->events_lost = gs_count(numbers.lost - span->lost);
    stat->lost_at_least = numbers.traps > span->traps;
    stat->violations = gs_count(gs_gil_spans_violations(gil_spans) - span->violations);
    stat->quality = *gs_reader_quality(threads->reader);
    if (whole_ns > 0)
        stat->overhead = gs_figure(((double)(gs_clock_cpu_us() + numbers.guard_us - span->cpu_us) * 1000 +
                                    (double)events * (double)setup->trap_ns) /
                                   whole_ns);
}

enum {
    CHECK_NS = 50000000, /* how often it is asked whether the process is still there */
    WHY_BYTES = 240
};

static const uint64_t pause_most_ns = 5 * GS_NS_PER_S; /* windows further apart tell nothing */

struct gs_exact {
    struct gs_exact_window window;
    struct exact_looks looks;
    struct exact_span span;
    struct gs_tracer *tracer;
    struct gs_governor governor;
    struct gs_cpu_available available;
    uint64_t checked_ns, next_ns;
    bool counting; /* counters are wanted */
    size_t born;   /* interpreters that are not traced */
    bool over, ended;
    char why[WHY_BYTES];
};

/* ---- windows ---- */

static enum gs_status begin_window(struct gs_exact *exact)
{
    uint64_t took_ns;
    enum gs_status status = gs_exact_window_begin(&exact->window, &took_ns);
    gs_governor_begun(&exact->governor, took_ns);
    return status;
}

static enum gs_status govern(struct gs_exact *exact)
{
    uint64_t now_ns = gs_clock_ns();
    enum gs_status status = GS_OK;
    if (exact->governor.most > 0)
        exact->governor.could = gs_cpu_available_share(&exact->available, now_ns);
    bool on = gs_governor_judge(&exact->governor, now_ns, gs_tracer_cost_ns(exact->tracer));
    if (exact->window.on && !on) {
        status = gs_exact_window_end(&exact->window);
        if (!exact->why[0])
            snprintf(
                exact->why, sizeof exact->why,
                "to trace it all the time would cost it too much: in the %.0f ms before the first pause %.1f %% of "
                "the time in which it could run, more than --max-overhead %g%%",
                exact->governor.busy_ns / 1e6, 100 * gs_governor_busy_cost(&exact->governor),
                100 * exact->governor.most);
        if (gs_governor_hopeless(&exact->governor, pause_most_ns)) {
            snprintf(exact->why, sizeof exact->why,
                     "even windows of exact tracing would cost it more than --max-overhead %g%%",
                     100 * exact->governor.most);
            exact->over = true;
            gs_tracer_end(exact->tracer);
        }
    } else if (!exact->window.on && on) {
        status = begin_window(exact);
    }
    exact->next_ns = gs_governor_next_ns(&exact->governor, gs_clock_ns());
    return status;
}

/* Whatever is not exact has a reason. */
static void tell_holes(struct gs_exact *exact)
{
    if (exact->window.holes && !exact->why[0])
        snprintf(exact->why, sizeof exact->why,
                 "events were lost, and the times in which they were are left out (see events_lost)");
}

/* ---- the source ---- */

static void count_born(struct gs_exact *exact)
{
    const struct gs_gil_addresses *then = &gs_tracer_setup(exact->tracer)->addresses;
    struct gs_gil_addresses now;
    struct gs_err err;
    if (gs_gil_addresses_find(&now, exact->window.threads.python, &err) || now.none != then->none)
        return;
    size_t count = now.count + now.left_out, known = then->count + then->left_out;
    if (count > known)
        exact->born = gs_most(exact->born, count - known);
}

size_t gs_exact_born(const struct gs_exact *exact)
{
    return exact->born;
}

static enum gs_status check(struct gs_exact *exact)
{
    uint64_t now_ns = gs_clock_ns();
    if (now_ns - exact->checked_ns < CHECK_NS)
        return GS_OK;
    exact->checked_ns = now_ns;
    enum gs_status status = gs_target_check(exact->window.threads.python->target);
    exact->window.gone = status != GS_OK;
    if (!status)
        count_born(exact);
    return status;
}

enum gs_status gs_exact_open(struct gs_exact **out, const struct gs_exact_subject *subject,
                             const struct gs_exact_options *options, struct gs_err *err)
{
    struct gs_exact *exact = calloc(1, sizeof *exact);
    struct gs_tracer_options tracer_options = {.switches = options->switches, .counters = options->counters};
    *out = NULL;
    if (!exact)
        return gs_fail(err, GS_NO_MEMORY, "cannot trace: out of memory");
    struct gs_exact_window *window = &exact->window;
    window->threads =
        (struct gs_exact_threads){.python = subject->python, .reader = subject->reader, .names = subject->names};
    exact->looks = (struct exact_looks){.eye = subject->eye, .long_ns = options->long_us * 1000, .next_ns = UINT64_MAX};
    exact->counting = options->counters;
    if (options->tap)
        window->tap = *options->tap;
    enum gs_status status = gs_tracer_open(&exact->tracer, subject->python, &tracer_options, err);
    if (status) {
        gs_exact_close(exact);
        return status;
    }
    status = gs_exact_window_make(window, exact->tracer, exact->looks.long_ns, options->counters);
    window->beginning = true;
    gs_exact_threads_expect(&window->threads);
    gs_governor_init(&exact->governor, options->max_overhead, gs_clock_ns());
    gs_cpu_available_init(&exact->available, subject->python->target);
    if (!status)
        status = begin_window(exact);
    window->beginning = false;
    if (status) {
        gs_exact_close(exact);
        return gs_fail(err, status, "cannot trace: %s", gs_status_text(status));
    }
    exact_span_begin(&exact->span, &window->threads, exact->tracer, window->gil_spans, window->begin_ns);
    exact->checked_ns = window->begin_ns;
    exact->next_ns = gs_governor_next_ns(&exact->governor, window->begin_ns);
    *out = exact;
    return GS_OK;
}

void gs_exact_name(struct gs_exact *exact, pid_t tid, char *name, size_t size)
{
    uint64_t ident = 0;
    bool main;
    gs_exact_threads_name(&exact->window.threads, tid, name, size, &ident, &main);
}

void gs_exact_close(struct gs_exact *exact)
{
    if (!exact)
        return;
    gs_tracer_close(exact->tracer);
    gs_exact_window_fini(&exact->window);
    free(exact);
}

const struct gs_tracer_setup *gs_exact_setup(const struct gs_exact *exact)
{
    return gs_tracer_setup(exact->tracer);
}

uint64_t gs_exact_next_ns(const struct gs_exact *exact)
{
    return exact->next_ns;
}

int gs_exact_wake_fd(const struct gs_exact *exact)
{
    return exact->window.on ? gs_tracer_wake_fd(exact->tracer) : -1;
}

uint32_t gs_exact_counted(const struct gs_exact *exact)
{
    return exact->window.counts ? gs_gilcounts_known(&gs_tracer_setup(exact->tracer)->gauges) : 0;
}

const char *gs_exact_hopeless(const struct gs_exact *exact)
{
    return exact->over ? exact->why : NULL;
}

/* What the governor does not wait for. */
static void come_sooner(struct gs_exact *exact)
{
    exact->next_ns = gs_least(exact->next_ns, exact->window.threads.names_ns);
    if (exact->window.on)
        exact->next_ns = gs_least(exact->next_ns, exact->looks.next_ns);
}

static enum gs_status take_events(struct gs_exact *exact)
{
    struct gs_exact_window *window = &exact->window;
    enum gs_status status = gs_exact_window_drain(window);
    tell_holes(exact);
    if (!status && window->torn) {
        status = gs_exact_window_end(window);
        status = status ? status : begin_window(exact);
    }
    if (!status)
        status = gs_exact_window_reach(window);
    if (!status)
        exact_looks_take(&exact->looks, exact->tracer, window->gil_spans, window->feed, &window->threads.snapshot);
    if (!status)
        exact_looks_at_pauses(&exact->looks, exact->tracer, &window->pauses, &window->threads.snapshot);
    return status;
}

enum gs_status gs_exact_step(struct gs_exact *exact)
{
    struct gs_exact_window *window = &exact->window;
    enum gs_status status = window->on ? take_events(exact) : GS_OK;
    if (!status)
        status = check(exact);
    if (gs_status_class(status) == GS_CLASS_GONE) {
        enum gs_status ended = gs_exact_window_end(window);
        return ended ? ended : status;
    }
    if (!status)
        status = govern(exact);
    if (!status && gs_clock_ns() >= window->threads.names_ns)
        gs_exact_threads_refresh(&window->threads, window->feed);
    come_sooner(exact);
    return status;
}

/* Between windows time goes on, too. */
static void note_time(struct gs_exact *exact)
{
    if (!exact->window.on && !exact->window.gone && !exact->ended)
        exact->window.until_ns = gs_clock_ns();
}

enum gs_status gs_exact_end(struct gs_exact *exact)
{
    note_time(exact);
    exact->ended = true;
    enum gs_status status = gs_exact_window_end(&exact->window);
    gs_tracer_end(exact->tracer);
    return status;
}

/* ---- figures ---- */

static void fill_counts(const struct gs_exact *exact, struct gs_gilstat *stat)
{
    stat->counting = exact->counting;
    stat->counted = gs_exact_counted(exact);
    if (!exact->window.counts)
        return;
    stat->counts = gs_gilcounts_all(exact->window.counts);
    for (size_t i = 0; i < stat->thread_count; i++)
        stat->threads[i].counts = gs_gilcounts_of(exact->window.counts, stat->threads[i].tid);
}

enum gs_status gs_exact_figures(struct gs_exact *exact, struct gs_gilstat *stat)
{
    struct gs_exact_window *window = &exact->window;
    *stat = (struct gs_gilstat){0};
    note_time(exact);
    enum gs_status status = gs_exact_window_cut(window);
    if (!window->gone)
        gs_exact_threads_refresh(&window->threads, window->feed);
    if (!status)
        status = gs_exact_feed_finish(window->feed, window->until_ns - exact->span.begin_ns, stat);
    if (!status)
        status = gs_exact_pauses_finish(&window->pauses, gs_exact_feed_traced_ns(window->feed),
                                        &gs_tracer_setup(exact->tracer)->addresses, stat);
    window->holes = window->holes || exact_span_lost(&exact->span, exact->tracer);
    tell_holes(exact);
    stat->method = exact->governor.paused || window->holes ? GS_METHOD_WINDOWS : GS_METHOD_EXACT;
    stat->why = exact->why[0] ? exact->why : NULL;
    stat->exact_seconds = (double)gs_exact_feed_traced_ns(window->feed) / 1e9;
    stat->long_us = exact->looks.long_ns / 1000;
    exact_span_fill(&exact->span, &window->threads, exact->tracer, window->gil_spans, window->until_ns, stat);
    fill_counts(exact, stat);
    return status;
}

void gs_exact_next_span(struct gs_exact *exact)
{
    struct gs_exact_window *window = &exact->window;
    const struct gs_snapshot *snapshot = window->threads.snapshot;
    gs_exact_feed_next(window->feed);
    gs_pauses_next(&window->pauses.sums);
    if (window->counts)
        gs_gilcounts_clear(window->counts);
    exact_span_begin(&exact->span, &window->threads, exact->tracer, window->gil_spans, window->until_ns);
    window->beginning = true;
    for (size_t i = 0; snapshot && i < snapshot->thread_count; i++) {
        if (snapshot->threads[i].tid)
            gs_exact_feed_meet(window->feed, snapshot->threads[i].tid, true);
    }
    window->beginning = false;
}

void gs_exact_numbers(struct gs_exact *exact, struct gs_tracer_numbers *numbers)
{
    gs_tracer_numbers(exact->tracer, numbers);
}
