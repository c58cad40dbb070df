/* Adding up what one GIL did. */
#include <math.h>

#include "gil/gil_sum.h"

/* As the load of a machine is averaged, but not as if there had been nothing before it was watched. */
static void average(struct gs_average *average, double value, double seconds)
{
    for (int i = 0; i < GS_AVERAGES; i++) {
        double share = -expm1(-seconds / gs_average_s[i]);
        average->value[i] += share * (value - average->value[i]);
        average->weight[i] += share * (1 - average->weight[i]);
    }
}

void gs_gil_sum_held(struct gs_gil_sum *sum, bool held, uint64_t ns)
{
    sum->watched_ns += ns;
    sum->held_ns += held ? ns : 0;
    if (!sum->averages)
        return;
    sum->averaged_ns += ns;
    average(&sum->held_avg, held ? 1 : 0, (double)ns / 1e9);
}

void gs_gil_sum_waiters(struct gs_gil_sum *sum, uint32_t waiters, uint64_t ns)
{
    sum->asked_ns += ns;
    sum->contended_ns += waiters > 0 ? ns : 0;
    sum->waiters_ns += waiters * ns;
    if (sum->averages)
        average(&sum->wait_avg, waiters, (double)ns / 1e9);
}

void gs_gil_sum_clear(struct gs_gil_sum *sum)
{
    *sum = (struct gs_gil_sum){.averages = sum->averages,
                               .held_avg = sum->held_avg,
                               .wait_avg = sum->wait_avg,
                               .averaged_ns = sum->averaged_ns};
}

void gs_gil_sum_decay(struct gs_gil_sum *sum, double factor)
{
    uint64_t *times[] = {&sum->watched_ns,   &sum->held_ns,    &sum->asked_ns,
                         &sum->contended_ns, &sum->waiters_ns, &sum->counted_ns};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        *times[i] = (uint64_t)((double)*times[i] * factor);
    sum->moved *= factor;
}
