/* The figures of a span of exact tracing: what was summed up, and what it is worth. */
#include <string.h>

#include "base/clock.h"
#include "profile/exact_parts.h"

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

void gs_exact_begin_span(struct gs_exact *exact, uint64_t now_ns)
{
    struct gs_tracer_numbers numbers;
    gs_tracer_numbers(exact->tracer, &numbers);
    exact->span_ns = now_ns;
    exact->traced_ns = 0;
    exact->events = numbers.events;
    exact->lost = numbers.lost;
    exact->traps = numbers.traps;
    exact->cpu_us = gs_clock_cpu_us() + numbers.guard_us;
    exact->violations = gs_turns_violations(exact->turns);
    count_switches(exact, exact->switches);
}

static void set_on_cpu(void *context, pid_t tid, uint32_t number)
{
    struct gs_exact *exact = context;
    struct gs_account_thread *thread = gs_account_at(exact->sum, number);
    uint64_t ran_ns, whole_ns = exact->until_ns - exact->span_ns;
    if (number >= exact->ran_room || exact->ran_ns[number] == UINT64_MAX || whole_ns == 0 ||
        !gs_target_ran_ns(exact->python->target, tid, &ran_ns) || ran_ns < exact->ran_ns[number])
        return;
    thread->on_cpu = gs_figure((double)(ran_ns - exact->ran_ns[number]) / (double)whole_ns);
}

/* Between windows time goes on, too. */
void gs_exact_note_time(struct gs_exact *exact)
{
    if (!exact->on && !exact->gone && !exact->ended)
        exact->until_ns = gs_clock_ns();
}

static void fill(struct gs_exact *exact, struct gs_gilstat *stat)
{
    const struct gs_python *python = exact->python;
    struct gs_tracer_numbers numbers;
    double whole_ns = (double)(exact->until_ns - exact->span_ns);
    gs_tracer_numbers(exact->tracer, &numbers);
    uint64_t events = numbers.events - exact->events;
    if (numbers.lost > exact->lost)
        gs_exact_note_holes(exact);
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
    stat->lost_at_least = numbers.traps > exact->traps;
    stat->violations = gs_count(gs_turns_violations(exact->turns) - exact->violations);
    stat->quality = *gs_reader_quality(exact->reader);
    if (whole_ns > 0)
        stat->overhead = gs_figure(((double)(gs_clock_cpu_us() + numbers.guard_us - exact->cpu_us) * 1000 +
                                    (double)events * (double)gs_tracer_setup(exact->tracer)->trap_ns) /
                                   whole_ns);
}

static void fill_counts(const struct gs_exact *exact, struct gs_gilstat *stat)
{
    stat->counting = exact->counting;
    stat->counted = gs_exact_counted(exact);
    if (!exact->counts)
        return;
    stat->counts = gs_gilcounts_all(exact->counts);
    for (size_t i = 0; i < stat->thread_count; i++)
        stat->threads[i].counts = gs_gilcounts_of(exact->counts, stat->threads[i].tid);
}

enum gs_status gs_exact_figures(struct gs_exact *exact, struct gs_gilstat *stat)
{
    static const struct gs_account_knows all = {true, true, true, true};
    *stat = (struct gs_gilstat){0};
    gs_exact_note_time(exact);
    if (exact->on && !exact->torn)
        gs_exact_cut_window(exact, exact->until_ns);
    if (!exact->gone)
        gs_exact_refresh_names(exact);
    gs_turn_feed_each(exact->figures, set_on_cpu, exact);
    gs_turn_feed_judge(exact->figures, exact->until_ns - exact->span_ns);
    enum gs_status status = gs_account_finish(exact->sum, exact->traced_ns, &all, stat);
    fill(exact, stat);
    fill_counts(exact, stat);
    add_switches(exact, stat);
    return status;
}

void gs_exact_next_span(struct gs_exact *exact)
{
    gs_account_clear(exact->sum);
    gs_turn_feed_clear(exact->figures);
    if (exact->counts)
        gs_gilcounts_clear(exact->counts);
    gs_exact_begin_span(exact, exact->until_ns);
    exact->beginning = true;
    for (size_t i = 0; exact->snapshot && i < exact->snapshot->thread_count; i++) {
        if (exact->snapshot->threads[i].tid)
            gs_turn_feed_meet(exact->figures, exact->snapshot->threads[i].tid);
    }
    exact->beginning = false;
}

void gs_exact_numbers(struct gs_exact *exact, struct gs_tracer_numbers *numbers)
{
    gs_tracer_numbers(exact->tracer, numbers);
}
