/* Looks at the kernel's own account of each thread, seldom enough to cost nothing. */
#include <stdlib.h>

#include "base/clock.h"
#include "trace/leeway.h"

enum {
    EVERY_NS = 50000000,
    REST = 100 /* times as long as a look takes */
};

static const double share_least = 0.01;

void gs_leeway_init(struct gs_leeway *leeway, const struct gs_target *target)
{
    *leeway = (struct gs_leeway){.target = target, .share = 1};
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
double gs_leeway_judge(uint64_t passed_ns, uint64_t cpu_ns, uint64_t kept_ns)
{
    uint64_t could_ns = kept_ns < passed_ns ? passed_ns - kept_ns : 0;
    could_ns = cpu_ns > could_ns ? cpu_ns : could_ns;
    double share = could_ns < passed_ns ? (double)could_ns / (double)passed_ns : 1;
    return share > share_least ? share : share_least;
}

double gs_leeway_share(struct gs_leeway *leeway, uint64_t now_ns)
{
    struct gs_leeway last = *leeway;
    if (now_ns < leeway->next_ns)
        return leeway->share;
    leeway->looked = add_up(leeway->target, &leeway->kept_ns) && gs_target_clock_ns(leeway->target, &leeway->cpu_ns);
    leeway->time_ns = gs_clock_ns();
    uint64_t rest_ns = REST * (leeway->time_ns - now_ns);
    leeway->next_ns = leeway->time_ns + (rest_ns > EVERY_NS ? rest_ns : EVERY_NS);
    if (!leeway->looked || !last.looked || leeway->time_ns <= last.time_ns)
        return leeway->share;
    /* a thread that has ended takes its part out of the sum */
    uint64_t kept_ns = leeway->kept_ns > last.kept_ns ? leeway->kept_ns - last.kept_ns : 0;
    leeway->share = gs_leeway_judge(leeway->time_ns - last.time_ns, leeway->cpu_ns - last.cpu_ns, kept_ns);
    return leeway->share;
}
