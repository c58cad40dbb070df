/* The figures of a span beside those of its GIL spans. */
#include "base/clock.h"
#include "profile/exact_span.h"

void gs_exact_span_begin(struct gs_exact_span *span, const struct gs_exact_threads *threads, struct gs_tracer *tracer,
                         const struct gs_gil_spans *gil_spans, uint64_t now_ns)
{
    struct gs_tracer_numbers numbers;
    gs_tracer_numbers(tracer, &numbers);
    *span = (struct gs_exact_span){.begin_ns = now_ns,
                                   .events = numbers.events,
                                   .lost = numbers.lost,
                                   .traps = numbers.traps,
                                   .cpu_us = gs_clock_cpu_us() + numbers.guard_us,
                                   .violations = gs_gil_spans_violations(gil_spans)};
    gs_exact_threads_switches(threads, &gs_tracer_setup(tracer)->addresses, span->switches);
}

bool gs_exact_span_lost(const struct gs_exact_span *span, struct gs_tracer *tracer)
{
    struct gs_tracer_numbers numbers;
    gs_tracer_numbers(tracer, &numbers);
    return numbers.lost > span->lost;
}

/* Between windows nobody counts but the GIL itself. */
static void fill_switches(const struct gs_exact_span *span, const struct gs_exact_threads *threads,
                          const struct gs_gil_addresses *addresses, struct gs_gilstat *stat)
{
    struct gs_count now[GS_SPOTS_MOST];
    gs_exact_threads_switches(threads, addresses, now);
    for (size_t i = 0; i < stat->gil_count && i < GS_SPOTS_MOST; i++) {
        bool known = now[i].known && span->switches[i].known;
        stat->gils[i].switches = known ? gs_count(now[i].value - span->switches[i].value) : (struct gs_count){0};
    }
}

void gs_exact_span_fill(const struct gs_exact_span *span, const struct gs_exact_threads *threads,
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
