/* Down at once, up again slowly. */
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "session/own_cost.h"
#include "target/procfs.h"

enum { CALM = 6 /* looks */ };
#define LEAST_HZ 0.5 /* what is rarer would say nothing */

/* 0: not known. */
static uint64_t resident_bytes(void)
{
    char text[128];
    unsigned long pages;
    if (gs_proc_read(getpid(), "statm", text, sizeof text) <= 0 || sscanf(text, "%*u %lu", &pages) != 1)
        return 0;
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void gs_own_cost_init(struct gs_own_cost *cost, uint64_t now_ns)
{
    cost->rate_hz = cost->wanted_hz;
    cost->looked_ns = now_ns;
    cost->cpu_us = gs_clock_cpu_us();
    cost->bytes = resident_bytes();
}

static void tell(const struct gs_own_cost *cost, bool lower)
{
    if (!lower)
        gs_tell(cost->remarks, "all processes are sampled %.1f times a second again", cost->rate_hz);
    else if (cost->full)
        gs_tell(
            cost->remarks,
            "gilspy has %.0f MB of the %.0f that it may have: all processes are sampled %.1f times a second instead "
            "of %.1f, and no others are begun with",
            (double)cost->bytes / 1048576, (double)cost->bytes_most / 1048576, cost->rate_hz, cost->wanted_hz);
    else
        gs_tell(cost->remarks,
                "gilspy used %.1f %% of a processor of the %.1f that it may: all processes are sampled %.1f times a "
                "second instead of %.1f",
                100 * cost->cpu, 100 * cost->cpu_most, cost->rate_hz, cost->wanted_hz);
}

bool gs_own_cost_judge(struct gs_own_cost *cost, double cpu, uint64_t bytes)
{
    double before_hz = cost->rate_hz, share = cost->cpu_most > 0 ? cpu / cost->cpu_most : 0;
    cost->cpu = cpu;
    cost->bytes = bytes;
    cost->full = bytes > cost->bytes_most;
    cost->calm = share > 0.7 || cost->full ? 0 : cost->calm + 1;
    if (cost->full)
        cost->rate_hz /= 2;
    else if (share > 1)
        cost->rate_hz *= 0.9 / share;
    else if (cost->calm >= CALM)
        cost->rate_hz *= 1.25;
    if (cost->rate_hz < LEAST_HZ)
        cost->rate_hz = LEAST_HZ;
    if (cost->rate_hz > cost->wanted_hz)
        cost->rate_hz = cost->wanted_hz;
    bool lower = cost->rate_hz<before_hz, restored = cost->rate_hz> before_hz && cost->rate_hz == cost->wanted_hz;
    if (lower || restored)
        tell(cost, lower);
    return cost->rate_hz < before_hz || cost->rate_hz > before_hz;
}

bool gs_own_cost_look(struct gs_own_cost *cost, uint64_t now_ns)
{
    uint64_t cpu_us = gs_clock_cpu_us(), bytes = resident_bytes(), since_ns = now_ns - cost->looked_ns;
    if (since_ns < GS_OWN_COST_NS)
        return false;
    if (bytes > cost->bytes_most && malloc_trim(0))
        bytes = resident_bytes();
    double cpu = (double)(cpu_us - cost->cpu_us) * 1000 / (double)since_ns;
    cost->looked_ns = now_ns;
    cost->cpu_us = cpu_us;
    return gs_own_cost_judge(cost, cpu, bytes);
}
