/* A hard budget of time over each second: how long threads of a target may be stopped.
 *
 * Two rules. Over: no second, wherever it begins, has more than its share (a ring of slices of a second remembers what
 * was spent). Spread: whole samples are admitted at random, with the chance with which those of the last seconds would
 * have taken a little less than the share; and where that is too much by now, a credit runs out that grows with the
 * time. What decides is what was spent before, never what the next sample would show. Times are CLOCK_MONOTONIC, in
 * nanoseconds. */
#ifndef GS_BASE_BUDGET_H
#define GS_BASE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum { GS_BUDGET_SLICES = 64 /* of a second; one more is kept, that which the second begins in */ };

struct gs_budget {
    double share; /* of the time; 0: all of it */
    uint64_t slice_ns[GS_BUDGET_SLICES + 1];
    uint64_t slice;   /* number of the newest, since the clock began */
    uint64_t used_ns; /* in all slices */
    double credit_ns; /* as of credited_ns; below 0: it is owed */
    uint64_t credited_ns;
    double longest_ns;                        /* that is expected of one stop: the longest of late */
    uint64_t begun_ns, asked_ns, admitted_ns; /* when it began, was last asked, and admitted a sample last */
    uint64_t spent_ns;                        /* by that one so far */
    double apart_ns, cost_ns;                 /* how far samples are asked for apart, and what one takes, of late */
    uint32_t random;
};

void gs_budget_init(struct gs_budget *budget, double share, uint64_t now_ns);
/* Whether a sample may begin, which may stop threads. To be asked once for each. */
bool gs_budget_admits(struct gs_budget *budget, uint64_t now_ns);
/* Whether, in a sample that was admitted, one stop more keeps within the second. */
bool gs_budget_allows(const struct gs_budget *budget);
/* A stop that ended now took so long. */
void gs_budget_spend(struct gs_budget *budget, uint64_t now_ns, uint64_t spent_ns);

#endif
