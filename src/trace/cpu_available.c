/* Looks at the kernel's own account of each thread, seldom enough to cost nothing. */
#include <stdlib.h>

#include "base/clock.h"
#include "trace/cpu_available.h"

enum {
    EVERY_NS = 50000000,
    REST = 100 /* times as long as a look takes */
};

static const double share_least = 0.01;

void gs_cpu_available_init(struct gs_cpu_available *available, const struct gs_target *target)
{
    *available = (struct gs_cpu_available){.target = target, .share = 1};
}

static bool add_up(const struct gs_target *target, uint64_t *kept_ns)
{
    struct gs_task *tasks;
    size_t count;
    *kept_ns = 0;
    if (gs_target_tasks(target, &tasks, &count) != GS_OK)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t ns;
        if (gs_target_kept_ns(target, tasks[i].tid, &ns))
            *kept_ns += ns;
    }
    free(tasks);
    return true;
}

/* Threads that are kept from running at the same time count as one after the other: then what the process got tells
 * more. */
double gs_cpu_available_judge(uint64_t passed_ns, uint64_t cpu_ns, uint64_t kept_ns)
{
    uint64_t could_ns = kept_ns < passed_ns ? passed_ns - kept_ns : 0;
    could_ns = cpu_ns > could_ns ? cpu_ns : could_ns;
    double share = could_ns < passed_ns ? (double)could_ns / (double)passed_ns : 1;
    return share > share_least ? share : share_least;
}

double gs_cpu_available_share(struct gs_cpu_available *available, uint64_t now_ns)
{
    struct gs_cpu_available last = *available;
    if (now_ns < available->next_ns)
        return available->share;
    available->looked =
        add_up(available->target, &available->kept_ns) && gs_target_clock_ns(available->target, &available->cpu_ns);
    available->time_ns = gs_clock_ns();
    uint64_t rest_ns = REST * (available->time_ns - now_ns);
    available->next_ns = available->time_ns + (rest_ns > EVERY_NS ? rest_ns : EVERY_NS);
    if (!available->looked || !last.looked || available->time_ns <= last.time_ns)
        return available->share;
    /* a thread that has ended takes its part out of the sum */
    uint64_t kept_ns = available->kept_ns > last.kept_ns ? available->kept_ns - last.kept_ns : 0;
    available->share =
        gs_cpu_available_judge(available->time_ns - last.time_ns, available->cpu_ns - last.cpu_ns, kept_ns);
    return available->share;
}
