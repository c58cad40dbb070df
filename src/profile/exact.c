/* The loop's body of stat --exact and trace: windows begin with a look at the process, then events say the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/room.h"
#include "cmd/exact.h"
#include "cmd/exact_holds.h"
#include "profile/gilexact.h"
#include "trace/governor.h"
#include "trace/leeway.h"

enum {
    CHECK_NS = 50000000,  /* how often it is asked whether the process is still there */
    NAMES_NS = 100000000, /* how often names are looked for, when somebody new has come */
    TAKE_ATTEMPTS = 20,   /* of a look at the process */
    WHY_BYTES = 160
};

static const uint64_t pause_most_ns = 5 * GS_NS_PER_S; /* windows further apart tell nothing */

struct gs_exact {
    struct gs_look *look;
    struct gs_exact_tap tap;
    struct gs_tracer *tracer;
    struct gs_turns *turns;
    struct gs_gilsum *sum;
    struct gs_gilexact *figures;
    struct gs_governor governor;
    struct gs_leeway leeway;
    const struct gs_snapshot *snapshot; /* of the reader; NULL: none that holds */
    uint64_t long_ns;
    uint64_t *ran_ns; /* by thread of the sum: processor time when the span began */
    size_t ran_room;
    bool nameless; /* somebody was met whom the last snapshot did not have */
    uint64_t names_ns, checked_ns, next_ns;
    uint64_t span_ns;   /* when the span of the figures began */
    uint64_t window_ns; /* when the window, or the part of it in this span, began */
    uint64_t until_ns;  /* up to where events were handed on */
    uint64_t traced_ns; /* in windows of this span that have ended, */
    uint64_t traced_all_ns;
    uint64_t ended_ns;             /* when a thread ended last */
    uint64_t events, lost, cpu_us; /* at the beginning of the span */
    uint64_t violations;
    struct gs_count switches[GS_SPOTS_MOST];
    bool on, gone, over, ended, beginning; /* beginning: who is met now was there when the span began */
    bool torn, holes; /* torn: events were lost in this window, of which nothing counts any more; holes: in any */
    char why[WHY_BYTES];
};

/* ---- names ---- */

static const struct gs_thread *find_thread(const struct gs_exact *exact, pid_t tid)
{
    for (size_t i = 0; exact->snapshot && i < exact->snapshot->thread_count; i++) {
        if (exact->snapshot->threads[i].tid == tid)
            return &exact->snapshot->threads[i];
    }
    return NULL;
}

static void name_of(struct gs_exact *exact, pid_t tid, char *name, size_t size, bool *main)
{
    const struct gs_thread *thread = find_thread(exact, tid);
    const char *known = thread ? gs_names_get(exact->look->names, thread->ident) : NULL;
    char comm[16] = "";
    *main = thread ? thread->main : tid == exact->look->target->pid;
    if (!known) {
        gs_target_comm(exact->look->target, tid, comm);
        known = comm;
    }
    snprintf(name, size, "%s", known);
}

/* Somebody is met for the first time in this span. */
static void find_name(void *context, pid_t tid, char *name, size_t size, bool *main)
{
    struct gs_exact *exact = context;
    size_t number = gs_gilsum_count(exact->sum); /* that it will have */
    name_of(exact, tid, name, size, main);
    exact->nameless = exact->nameless || !find_thread(exact, tid);
    if (!gs_room((void **)&exact->ran_ns, &exact->ran_room, number + 1, sizeof *exact->ran_ns))
        return;
    exact->ran_ns[number] = 0; /* born since */
    if (exact->beginning && !gs_target_ran_ns(exact->look->target, tid, &exact->ran_ns[number]))
        exact->ran_ns[number] = UINT64_MAX;
}

static void rename_one(void *context, pid_t tid, uint32_t number)
{
    struct gs_exact *exact = context;
    const struct gs_thread *thread = find_thread(exact, tid);
    const char *name = thread ? gs_names_get(exact->look->names, thread->ident) : NULL;
    if (name && strcmp(name, gs_gilsum_at(exact->sum, number)->name) != 0)
        gs_gilsum_rename(exact->sum, number, name);
}

/* ---- looking at the process ---- */

static void look_again(struct gs_exact *exact)
{
    enum gs_status status = GS_LOST;
    exact->snapshot = NULL;
    for (int i = 0; i < TAKE_ATTEMPTS && gs_status_class(status) == GS_CLASS_LOST; i++) {
        gs_reader_full_census(exact->look->reader);
        status = gs_reader_take(exact->look->reader, &exact->snapshot);
    }
    if (status)
        exact->snapshot = NULL;
}

static void refresh_names(struct gs_exact *exact)
{
    look_again(exact);
    for (size_t i = 0; exact->snapshot && i < exact->snapshot->interpreter_count; i++)
        gs_names_refresh(exact->look->names, exact->snapshot->interpreters[i].addr);
    gs_gilexact_each(exact->figures, rename_one, exact);
    exact->nameless = false;
    exact->names_ns = gs_clock_ns();
}

/* Which of the watched GILs the thread's interpreter is on. */
static unsigned lock_of(const struct gs_exact *exact, const struct gs_thread *thread)
{
    const struct gs_spots *spots = &gs_tracer_setup(exact->tracer)->spots;
    const struct gs_snapshot *snapshot = exact->snapshot;
    uint32_t gil = snapshot->interpreters[thread->interpreter].gil;
    for (unsigned i = 0; i < spots->count; i++) {
        for (size_t k = 0; k < snapshot->interpreter_count; k++) {
            if (snapshot->interpreters[k].id == spots->list[i].interpreter && snapshot->interpreters[k].gil == gil)
                return i;
        }
    }
    return GS_SPOTS_MOST;
}

/* One thread may have states in several interpreters: what it does with the GIL in any of them counts. */
static bool says_more(enum gs_gil_word word)
{
    return word == GS_HOLDS || word == GS_WAITS;
}

static enum gs_status tell_states(struct gs_exact *exact)
{
    const struct gs_snapshot *snapshot = exact->snapshot;
    enum gs_status status = GS_OK;
    for (int round = 0; snapshot && round < 2; round++) {
        for (size_t i = 0; i < snapshot->thread_count && !status; i++) {
            const struct gs_thread *thread = &snapshot->threads[i];
            unsigned lock = lock_of(exact, thread);
            if (!thread->tid || says_more(thread->gil) != (round == 1))
                continue;
            gs_gilexact_meet(exact->figures, thread->tid);
            if (!gs_tracer_setup(exact->tracer)->spots.none)
                status =
                    gs_turns_tell(exact->turns, thread->tid, lock, lock == GS_SPOTS_MOST ? GS_UNKNOWN : thread->gil);
        }
    }
    return status;
}

/* What is known of the first moment is a look that was taken while events came already: see turns.h. */
static enum gs_status begin_window(struct gs_exact *exact)
{
    gs_tracer_begin(exact->tracer);
    look_again(exact);
    exact->window_ns = exact->until_ns = gs_clock_ns();
    gs_turns_start(exact->turns, exact->window_ns);
    exact->on = true;
    exact->torn = false;
    return tell_states(exact);
}

/* ---- the hold that goes on ---- */

static void see_holds(struct gs_exact *exact)
{
    uint64_t now_ns = gs_clock_ns(), since_ns;
    for (unsigned lock = 0; lock < gs_tracer_setup(exact->tracer)->spots.count; lock++) {
        struct gs_seen_hold seen;
        pid_t tid = gs_turns_holder(exact->turns, lock, &since_ns);
        if (!tid || now_ns - since_ns < exact->long_ns / 2 || !gs_exact_look(exact->look, tid, &seen, &exact->snapshot))
            continue;
        gs_gilexact_see(exact->figures, lock, tid, since_ns, now_ns, &seen.place,
                        seen.native.function ? &seen.native : NULL);
    }
}

/* ---- events and turns ---- */

/* The part of the window that lies in this span ends. */
static void end_part(struct gs_exact *exact, uint64_t end_ns)
{
    uint64_t ns = end_ns > exact->window_ns ? end_ns - exact->window_ns : 0;
    exact->traced_ns += ns;
    gs_gilexact_window(exact->figures, ns);
    if (exact->tap.window && ns)
        exact->tap.window(exact->tap.context, exact->window_ns, end_ns);
    exact->window_ns = end_ns;
}

/* What threads do from here on until the next look at them is not known. */
static void tear_window(struct gs_exact *exact, uint64_t ns)
{
    if (exact->torn)
        return;
    ns = ns > exact->window_ns ? ns : exact->window_ns;
    gs_turns_stop(exact->turns, ns);
    end_part(exact, ns);
    exact->torn = exact->holes = true;
    if (!exact->why[0])
        snprintf(exact->why, sizeof exact->why,
                 "events were lost, and the times in which they were are left out (see events_lost)");
}

static enum gs_status take_event(void *context, const struct gs_event *event)
{
    struct gs_exact *exact = context;
    if (event->act == GS_ACT_LOST)
        tear_window(exact, event->time_ns);
    if (exact->torn)
        return GS_OK;
    if (event->act == GS_ACT_ENDED && event->time_ns > exact->ended_ns)
        exact->ended_ns = event->time_ns;
    enum gs_status status = gs_turns_event(exact->turns, event);
    if (!status && exact->tap.event && event->time_ns > exact->window_ns)
        status = exact->tap.event(exact->tap.context, event);
    return status;
}

static void take_turn(void *context, const struct gs_turn *turn)
{
    struct gs_exact *exact = context;
    gs_gilexact_turn(exact->figures, turn);
    if (exact->tap.turn)
        exact->tap.turn(exact->tap.context, turn);
}

static void take_moment(void *context, unsigned lock, pid_t holder, uint32_t waiters, uint64_t begin_ns,
                        uint64_t end_ns)
{
    struct gs_exact *exact = context;
    gs_gilexact_moment(exact->figures, lock, holder, waiters, end_ns - begin_ns);
    if (exact->tap.moment && lock < gs_tracer_setup(exact->tracer)->spots.count)
        exact->tap.moment(exact->tap.context, lock, holder, waiters, begin_ns, end_ns);
}

static void take_blame(void *context, pid_t waiter, pid_t holder, uint64_t ns)
{
    gs_gilexact_blame(((struct gs_exact *)context)->figures, waiter, holder, ns);
}

/* ---- windows ---- */

static enum gs_status end_window(struct gs_exact *exact)
{
    struct gs_event_sink sink = {exact, take_event};
    uint64_t end_ns;
    if (!exact->on)
        return GS_OK;
    exact->on = false;
    enum gs_status status = gs_tracer_pause(exact->tracer, &sink, &end_ns);
    if (exact->gone && exact->ended_ns > exact->window_ns)
        end_ns = exact->ended_ns;
    if (!exact->torn) {
        gs_turns_stop(exact->turns, end_ns);
        end_part(exact, end_ns);
    }
    exact->until_ns = end_ns;
    return status;
}

static enum gs_status govern(struct gs_exact *exact)
{
    uint64_t now_ns = gs_clock_ns();
    enum gs_status status = GS_OK;
    if (exact->governor.most > 0)
        exact->governor.could = gs_leeway_share(&exact->leeway, now_ns);
    bool on = gs_governor_judge(&exact->governor, now_ns, gs_tracer_seen(exact->tracer));
    if (exact->on && !on) {
        status = end_window(exact);
        if (!exact->why[0])
            snprintf(exact->why, sizeof exact->why,
                     "to trace it all the time would cost it %.0f %%, more than --max-overhead %g%%",
                     100 * gs_governor_window_cost(&exact->governor), 100 * exact->governor.most);
        if (gs_governor_hopeless(&exact->governor, pause_most_ns)) {
            snprintf(exact->why, sizeof exact->why,
                     "even windows of exact tracing would cost it more than --max-overhead %g%%",
                     100 * exact->governor.most);
            exact->over = true;
        }
    } else if (!exact->on && on) {
        status = begin_window(exact);
    }
    exact->next_ns = gs_governor_next_ns(&exact->governor, gs_clock_ns());
    return status;
}

/* ---- the source ---- */

static enum gs_status check(struct gs_exact *exact)
{
    uint64_t now_ns = gs_clock_ns();
    if (now_ns - exact->checked_ns < CHECK_NS)
        return GS_OK;
    exact->checked_ns = now_ns;
    enum gs_status status = gs_target_check(exact->look->target);
    exact->gone = status != GS_OK;
    return status;
}

/* How often each GIL has changed hands by its own count, as far as it has one. */
static void count_switches(const struct gs_exact *exact, struct gs_count counts[GS_SPOTS_MOST])
{
    const struct gs_snapshot *snapshot = exact->snapshot;
    const struct gs_spots *spots = &gs_tracer_setup(exact->tracer)->spots;
    memset(counts, 0, GS_SPOTS_MOST * sizeof *counts);
    for (size_t i = 0; snapshot && i < snapshot->interpreter_count; i++) {
        const struct gs_gil *gil = &snapshot->gils[snapshot->interpreters[i].gil];
        for (size_t k = 0; k < spots->count; k++) {
            if (spots->list[k].interpreter == snapshot->interpreters[i].id && gil->has_switches)
                counts[k] = gs_count(gil->switches);
        }
    }
}

static bool in_windows(const struct gs_exact *exact)
{
    return exact->governor.paused || exact->holes;
}

/* Between windows nobody counts but the GIL itself. */
static void add_switches(struct gs_exact *exact, struct gs_gilstat *stat)
{
    struct gs_count now[GS_SPOTS_MOST];
    count_switches(exact, now);
    for (size_t i = 0; i < stat->gil_count && i < GS_SPOTS_MOST && in_windows(exact); i++) {
        struct gs_count *switches = &stat->gils[i].switches;
        *switches = now[i].known && exact->switches[i].known ? gs_count(now[i].value - exact->switches[i].value)
                                                             : (struct gs_count){0};
    }
}

static void begin_span(struct gs_exact *exact, uint64_t now_ns)
{
    struct gs_tracer_numbers numbers;
    gs_tracer_numbers(exact->tracer, &numbers);
    exact->span_ns = now_ns;
    exact->traced_ns = 0;
    exact->events = numbers.events;
    exact->lost = numbers.lost;
    exact->cpu_us = gs_clock_cpu_us();
    exact->violations = gs_turns_violations(exact->turns);
    count_switches(exact, exact->switches);
}

enum gs_status gs_exact_open(struct gs_exact **out, struct gs_look *look, const struct gs_exact_options *options,
                             struct gs_err *err)
{
    struct gs_exact *exact = calloc(1, sizeof *exact);
    struct gs_tracer_options tracer_options = {.switches = options->switches};
    *out = NULL;
    if (!exact)
        return gs_fail(err, GS_NO_MEMORY, "cannot trace: out of memory");
    exact->look = look;
    exact->long_ns = options->long_us * 1000;
    if (options->tap)
        exact->tap = *options->tap;
    enum gs_status status = gs_tracer_open(&exact->tracer, look->python, &tracer_options, err);
    if (status) {
        gs_exact_close(exact);
        return status;
    }
    const struct gs_tracer_setup *setup = gs_tracer_setup(exact->tracer);
    struct gs_turns_calls calls = {exact, take_turn, take_moment, take_blame};
    struct gs_gilexact_names names = {exact, find_name};
    exact->turns = gs_turns_new(&calls);
    exact->sum = gs_gilsum_new();
    if (exact->sum)
        exact->figures = gs_gilexact_new(exact->sum, &setup->spots, exact->long_ns, &names);
    if (!exact->turns || !exact->figures)
        status = GS_NO_MEMORY;
    exact->beginning = true;
    if (!status)
        status = begin_window(exact);
    exact->beginning = false;
    if (status) {
        gs_exact_close(exact);
        return gs_fail(err, status, "cannot trace: %s", gs_status_text(status));
    }
    begin_span(exact, exact->window_ns);
    gs_governor_init(&exact->governor, options->max_overhead, setup->trap_ns, exact->window_ns);
    gs_leeway_init(&exact->leeway, look->target);
    exact->checked_ns = exact->window_ns;
    exact->next_ns = gs_governor_next_ns(&exact->governor, exact->window_ns);
    *out = exact;
    return GS_OK;
}

void gs_exact_close(struct gs_exact *exact)
{
    if (!exact)
        return;
    gs_tracer_close(exact->tracer);
    gs_turns_free(exact->turns);
    gs_gilexact_free(exact->figures);
    gs_gilsum_free(exact->sum);
    free(exact->ran_ns);
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
    return exact->on ? gs_tracer_wake_fd(exact->tracer) : -1;
}

const char *gs_exact_hopeless(const struct gs_exact *exact)
{
    return exact->over ? exact->why : NULL;
}

enum gs_status gs_exact_step(struct gs_exact *exact)
{
    struct gs_event_sink sink = {exact, take_event};
    enum gs_status status = GS_OK;
    if (exact->on) {
        status = gs_tracer_drain(exact->tracer, &sink, &exact->until_ns);
        if (!status && exact->torn) {
            status = end_window(exact);
            status = status ? status : begin_window(exact);
        }
        if (!status)
            see_holds(exact);
    }
    if (!status)
        status = check(exact);
    if (gs_status_class(status) == GS_CLASS_GONE) {
        enum gs_status ended = end_window(exact);
        return ended ? ended : status;
    }
    if (!status)
        status = govern(exact);
    if (!status && exact->nameless && gs_clock_ns() - exact->names_ns > NAMES_NS)
        refresh_names(exact);
    return status;
}

/* Between windows time goes on, too. */
static void note_time(struct gs_exact *exact)
{
    if (!exact->on && !exact->gone && !exact->ended)
        exact->until_ns = gs_clock_ns();
}

enum gs_status gs_exact_end(struct gs_exact *exact)
{
    note_time(exact);
    exact->ended = true;
    return end_window(exact);
}

/* ---- figures ---- */

static void set_on_cpu(void *context, pid_t tid, uint32_t number)
{
    struct gs_exact *exact = context;
    struct gs_gilsum_thread *thread = gs_gilsum_at(exact->sum, number);
    uint64_t ran_ns, whole_ns = exact->until_ns - exact->span_ns;
    if (number >= exact->ran_room || exact->ran_ns[number] == UINT64_MAX || whole_ns == 0 ||
        !gs_target_ran_ns(exact->look->target, tid, &ran_ns) || ran_ns < exact->ran_ns[number])
        return;
    thread->on_cpu = gs_figure((double)(ran_ns - exact->ran_ns[number]) / (double)whole_ns);
}

static void fill(struct gs_exact *exact, struct gs_gilstat *stat)
{
    const struct gs_python *python = exact->look->python;
    struct gs_tracer_numbers numbers;
    double whole_ns = (double)(exact->until_ns - exact->span_ns);
    gs_tracer_numbers(exact->tracer, &numbers);
    uint64_t events = numbers.events - exact->events;
    stat->pid = python->target->pid;
    stat->python = python->version;
    stat->method = in_windows(exact) ? GS_METHOD_WINDOWS : GS_METHOD_EXACT;
    stat->why = exact->why[0] ? exact->why : NULL;
    if (gs_tracer_setup(exact->tracer)->spots.none && stat->gil_count > 0)
        stat->gils[0].state = GS_GIL_DISABLED;
    stat->seconds = whole_ns / 1e9;
    stat->exact_seconds = (double)exact->traced_ns / 1e9;
    stat->long_us = exact->long_ns / 1000;
    stat->events = gs_count(events);
    stat->events_lost = gs_count(numbers.lost - exact->lost);
    stat->violations = gs_count(gs_turns_violations(exact->turns) - exact->violations);
    stat->quality = *gs_reader_quality(exact->look->reader);
    if (whole_ns > 0)
        stat->overhead = gs_figure(((double)(gs_clock_cpu_us() - exact->cpu_us) * 1000 +
                                    (double)events * (double)gs_tracer_setup(exact->tracer)->trap_ns) /
                                   whole_ns);
}

enum gs_status gs_exact_figures(struct gs_exact *exact, struct gs_gilstat *stat)
{
    static const struct gs_gilsum_knows all = {true, true, true, true};
    *stat = (struct gs_gilstat){0};
    note_time(exact);
    if (exact->on) {
        gs_turns_cut(exact->turns, exact->until_ns);
        end_part(exact, exact->until_ns);
    }
    if (!exact->gone)
        refresh_names(exact);
    gs_gilexact_each(exact->figures, set_on_cpu, exact);
    gs_gilexact_judge(exact->figures, exact->until_ns - exact->span_ns);
    enum gs_status status = gs_gilsum_finish(exact->sum, exact->traced_ns, &all, stat);
    fill(exact, stat);
    add_switches(exact, stat);
    return status;
}

void gs_exact_next_span(struct gs_exact *exact)
{
    gs_gilsum_clear(exact->sum);
    gs_gilexact_clear(exact->figures);
    begin_span(exact, exact->until_ns);
    exact->beginning = true;
    for (size_t i = 0; exact->snapshot && i < exact->snapshot->thread_count; i++) {
        if (exact->snapshot->threads[i].tid)
            gs_gilexact_meet(exact->figures, exact->snapshot->threads[i].tid);
    }
    exact->beginning = false;
}

void gs_exact_numbers(const struct gs_exact *exact, struct gs_tracer_numbers *numbers)
{
    gs_tracer_numbers(exact->tracer, numbers);
}
