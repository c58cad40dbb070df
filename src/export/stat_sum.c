/* Figures of one process out of those of its threads and GILs, and of all out of each. */
#include "export/stat_sum.h"

static void add(struct gs_figure *sum, struct gs_figure more)
{
    sum->value += more.value;
    sum->known = sum->known && more.known;
}

struct gs_stat_sum gs_stat_sum_of(const struct gs_gilstat *stat, const char *program)
{
    struct gs_stat_sum sum = {
        .pid = stat->pid, .program = program, .processes = 1, .threads = stat->thread_count, .on_cpu = gs_figure(0)};
    for (size_t i = 0; i < stat->thread_count; i++)
        add(&sum.on_cpu, stat->threads[i].on_cpu);
    sum.on_cpu.value += stat->natives.on_cpu;
    if (stat->gil_count == 0)
        return sum;
    const struct gs_gilstat_gil *gil = &stat->gils[0];
    sum.held = gil->held;
    sum.contended = gil->contended;
    sum.waiting = gil->mean_waiters;
    sum.longest_hold_us = gil->longest_hold_us;
    if (gil->switches.known && stat->seconds > 0)
        sum.switches_per_second = gs_figure((double)gil->switches.value / stat->seconds);
    return sum;
}

struct gs_stat_sum gs_stat_sum_all(const struct gs_stat_sum *sums, size_t count)
{
    struct gs_stat_sum all = {.held = gs_figure(0),
                              .waiting = gs_figure(0),
                              .switches_per_second = gs_figure(0),
                              .on_cpu = gs_figure(0),
                              .longest_hold_us = gs_count(0)};
    for (size_t i = 0; i < count; i++) {
        all.processes += sums[i].processes;
        all.threads += sums[i].threads;
        add(&all.held, sums[i].held);
        add(&all.waiting, sums[i].waiting);
        add(&all.switches_per_second, sums[i].switches_per_second);
        add(&all.on_cpu, sums[i].on_cpu);
        all.longest_hold_us.known = all.longest_hold_us.known && sums[i].longest_hold_us.known;
        if (sums[i].longest_hold_us.value > all.longest_hold_us.value)
            all.longest_hold_us.value = sums[i].longest_hold_us.value;
    }
    return all;
}
