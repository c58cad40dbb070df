/* The error of shares: what neighbouring samples tell, what long gaps hide, and what looking itself changes. */
#include <math.h>

#include "gil/bounds.h"

#define QUANTILE 1.96 /* of a normal distribution: 95 % lie within so many deviations */
#define CHANCE   4    /* deviations, squared */
#define RARE     2    /* gaps, squared: holds that are rare and short may all have been missed */

/* What of a thread's share in long gaps is not known, beyond what jumps tell. The longest are taken for what was the
 * rule, from which averages of this length stray the less, the shorter it stays with what it does. */
static double late_ns2(const struct gs_bounds_span *span, double has, double jumps)
{
    double stays_ns = (double)span->ns / (jumps + 1);
    return has * (1 - has) * (span->late_ns2 / 2 + fmin(span->lost_ns2, 2 * stays_ns * span->lost_ns));
}

/* Where the GIL is handed over all the time, looking at it changes who has it: the thread whose processor we take is
 * left out meanwhile. How much what is seen differs with the processor that we look from tells how much, as far as that
 * is not by chance: the stays on processors are so many draws. */
static double looking(const struct gs_bounds_span *span, const struct gs_bounds_thread *thread)
{
    double sum_ns = 0, has_ns = 0, squares = 0;
    for (size_t i = 0; i < GS_BOUNDS_PROCESSORS; i++) {
        sum_ns += (double)span->from_ns[i];
        has_ns += (double)thread->has_from_ns[i];
    }
    if (sum_ns <= 0)
        return 0;
    double share = has_ns / sum_ns, chance = CHANCE * share * (1 - share) / (double)(span->stays + 1);
    for (size_t i = 0; i < GS_BOUNDS_PROCESSORS; i++) {
        double from_ns = (double)span->from_ns[i];
        double off = from_ns > 0 ? (double)thread->has_from_ns[i] / from_ns - share : 0;
        squares += from_ns / sum_ns * off * off;
    }
    return squares > chance ? sqrt(squares - chance) : 0;
}

double gs_bounds(const struct gs_bounds_span *span, const struct gs_bounds_thread *thread)
{
    double all = (double)span->ns, gap = span->samples > 0 ? all / (double)span->samples : 0;
    if (gap <= 0)
        return 1; /* nobody has looked */
    double jumps = thread->error_ns2 * 2 / (gap * gap), has = fmin((double)thread->has_ns / all, 1);
    double error = sqrt(thread->error_ns2 + RARE * gap * gap + late_ns2(span, has, jumps));
    double seen = span->counted ? 0 : looking(span, thread);
    return fmin(QUANTILE * error / all + seen, 1);
}
