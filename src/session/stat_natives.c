/* The kernel's times of all threads, without those that the samples tell of. */
#include <string.h>

#include "session/stat_natives.h"

void gs_stat_natives_begin(struct gs_stat_natives *span, const struct gs_target *target)
{
    *span = (struct gs_stat_natives){.target = target, .pid = target->pid};
    if (gs_why_natives_begin(&span->natives, target) != GS_OK)
        span->target = NULL;
    if (!gs_target_clock_ns(target, &span->cpu_ns))
        span->cpu_ns = 0;
}

/* What the process had beyond the threads that have rows: also of threads that ended. */
static double rest_of(struct gs_stat_natives *span, const struct gs_gilstat *stat, uint64_t begin_ns)
{
    uint64_t cpu_ns, before_ns = span->cpu_ns;
    double rows = 0;
    if (!gs_target_clock_ns(span->target, &cpu_ns))
        cpu_ns = 0;
    span->cpu_ns = cpu_ns;
    if (cpu_ns == 0 || before_ns == 0 || span->natives.ns <= begin_ns)
        return 0;
    for (size_t i = 0; i < stat->thread_count; i++) {
        if (!stat->threads[i].on_cpu.known)
            return 0;
        rows += stat->threads[i].on_cpu.value;
    }
    return (double)(cpu_ns - before_ns) / (double)(span->natives.ns - begin_ns) - rows;
}

void gs_stat_natives_fill(struct gs_stat_natives *span, struct gs_gilstat *stat)
{
    struct gs_gilstat_natives *filled = &stat->natives;
    uint64_t begin_ns = span->natives.ns;
    if (!span->target || gs_why_natives_end(&span->natives, span->target, NULL) != GS_OK || !span->natives.known)
        return;
    *filled = (struct gs_gilstat_natives){.known = true};
    for (size_t i = 0; i < span->natives.count; i++) {
        span->natives.list[i].python = gs_gilstat_find(stat, span->natives.list[i].tid) != NULL;
        filled->threads += !span->natives.list[i].python;
    }
    filled->on_cpu = gs_why_natives_ran(&span->natives);
    double rest = rest_of(span, stat, begin_ns);
    if (rest > filled->on_cpu + 0.02) /* which the moments of both readings do not explain */
        filled->on_cpu = rest;
    const struct gs_why_native *one = gs_why_natives_next(&span->natives, NULL);
    for (; one && filled->named < GS_NATIVES_NAMED; one = gs_why_natives_next(&span->natives, one)) {
        struct gs_gilstat_native *named = &filled->busiest[filled->named++];
        *named = (struct gs_gilstat_native){.tid = one->tid, .on_cpu = one->ran};
        memcpy(named->name, one->name, sizeof named->name);
    }
}

void gs_stat_natives_fini(struct gs_stat_natives *span)
{
    gs_why_natives_fini(&span->natives);
}
