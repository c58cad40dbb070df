/* How long one GIL was held, and how many waited for it: the sums that every figure of a GIL is a quotient of. Policies
 * of whoever keeps them: averages as uptime's, or sums in which what is older counts less. */
#ifndef GS_GIL_GIL_SUM_H
#define GS_GIL_GIL_SUM_H

#include "gil/gilstat.h"

struct gs_gil_sum {
    uint64_t watched_ns, held_ns;                /* watched_ns: for which it is known whether somebody had it */
    uint64_t asked_ns, contended_ns, waiters_ns; /* asked_ns: for which it is known who waited; waiters_ns: of all */
    double moved;                                /* hand-overs, */
    uint64_t counted_ns;                         /* in so long a time */
    bool averages;                               /* these are wanted: */
    struct gs_average {
        double value[GS_AVERAGES], weight[GS_AVERAGES];
    } held_avg, wait_avg;
    uint64_t averaged_ns;
};

/* For so long it was held or not; so many waited for it. */
void gs_gil_sum_held(struct gs_gil_sum *sum, bool held, uint64_t ns);
void gs_gil_sum_waiters(struct gs_gil_sum *sum, uint32_t waiters, uint64_t ns);
/* Begins anew, but for the averages. */
void gs_gil_sum_clear(struct gs_gil_sum *sum);
/* What there is counts only so much from now on. */
void gs_gil_sum_decay(struct gs_gil_sum *sum, double factor);

#endif
