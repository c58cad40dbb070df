/* A hard budget of time over each second. */
#include <string.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/least.h"

/* Of a second's budget so much is to be used, so much comes by and by, and so much may be saved up for a while that
 * needs more. */
static const double wanted = 0.88, steady = 0.92, saved = 0.25;

enum { MEAN_S = 2 /* what samples cost of late is known of so many seconds */ };

static double second_ns(const struct gs_budget *budget)
{
    return budget->share * (double)GS_NS_PER_S;
}

void gs_budget_init(struct gs_budget *budget, double share, uint64_t now_ns)
{
    *budget = (struct gs_budget){.share = share < 1 ? share : 0,
                                 .slice = now_ns / (GS_NS_PER_S / GS_BUDGET_SLICES),
                                 .credited_ns = now_ns,
                                 .begun_ns = now_ns,
                                 .asked_ns = now_ns,
                                 .random = (uint32_t)now_ns | 1};
    budget->credit_ns = saved * second_ns(budget);
}

/* Slices that are older than a second count no more, and what one stop took once fades. */
static void advance(struct gs_budget *budget, uint64_t now_ns)
{
    uint64_t slice = now_ns / (GS_NS_PER_S / GS_BUDGET_SLICES), passed = slice - budget->slice;
    if (passed > GS_BUDGET_SLICES) {
        memset(budget->slice_ns, 0, sizeof budget->slice_ns);
        budget->used_ns = 0;
    }
    for (uint64_t i = 0; passed <= GS_BUDGET_SLICES && i < passed; i++) {
        uint64_t *oldest = &budget->slice_ns[(budget->slice + i + 1) % (GS_BUDGET_SLICES + 1)];
        budget->used_ns -= *oldest;
        *oldest = 0;
    }
    for (uint64_t i = 0; i < passed && budget->longest_ns > 0; i++)
        budget->longest_ns = budget->longest_ns >= 1 ? budget->longest_ns * (1 - 1.0 / GS_BUDGET_SLICES) : 0;
    budget->slice = slice;
    double most = saved * second_ns(budget), earned = (double)(now_ns - budget->credited_ns) * budget->share * steady;
    budget->credit_ns = budget->credit_ns + earned < most ? budget->credit_ns + earned : most;
    budget->credited_ns = now_ns;
}

/* One stop more, of a length that is to be expected, keeps within the second; or the second is as good as its budget
 * gets, and one stop is more than that. */
static bool fits(const struct gs_budget *budget)
{
    return budget->used_ns == 0 || (double)budget->used_ns + budget->longest_ns <= second_ns(budget);
}

/* xorshift: a random number from 0 to 1 for whom to leave out, nothing more. */
static double roll(struct gs_budget *budget)
{
    budget->random ^= budget->random << 13;
    budget->random ^= budget->random >> 17;
    budget->random ^= budget->random << 5;
    return budget->random / 4294967296.0;
}

/* The mean of late: each value counts for the time that it stands for. */
static void fold_in(const struct gs_budget *budget, double *mean, double value, uint64_t since_ns, uint64_t now_ns)
{
    uint64_t span_ns = gs_least(now_ns - budget->begun_ns, MEAN_S * GS_NS_PER_S);
    *mean += since_ns < span_ns ? (value - *mean) * (double)since_ns / (double)span_ns : value - *mean;
}

/* The chance for each sample with which they take what is wanted, as far as those of the last seconds tell. It changes
 * slowly: where it followed what each sample took, states that are dear would be seen too rarely, or too often. */
static double chance(struct gs_budget *budget, uint64_t now_ns)
{
    uint64_t since_ns = now_ns - budget->asked_ns;
    fold_in(budget, &budget->apart_ns, (double)since_ns, since_ns, now_ns);
    budget->asked_ns = now_ns;
    double most = wanted * budget->share * budget->apart_ns, full = saved * second_ns(budget) / 2;
    double usual = budget->cost_ns <= most ? 1 : most / budget->cost_ns;
    return usual * (budget->credit_ns < full ? budget->credit_ns / full : 1);
}

bool gs_budget_admits(struct gs_budget *budget, uint64_t now_ns)
{
    if (budget->share <= 0)
        return true;
    advance(budget, now_ns);
    double of_all = chance(budget, now_ns);
    if (!fits(budget) || roll(budget) >= of_all)
        return false;
    if (budget->admitted_ns > 0)
        fold_in(budget, &budget->cost_ns, (double)budget->spent_ns, now_ns - budget->admitted_ns, now_ns);
    budget->spent_ns = 0;
    budget->admitted_ns = now_ns;
    return true;
}

bool gs_budget_allows(const struct gs_budget *budget)
{
    return budget->share <= 0 || fits(budget);
}

void gs_budget_spend(struct gs_budget *budget, uint64_t now_ns, uint64_t spent_ns)
{
    if (budget->share <= 0)
        return;
    advance(budget, now_ns);
    budget->slice_ns[budget->slice % (GS_BUDGET_SLICES + 1)] += spent_ns;
    budget->used_ns += spent_ns;
    budget->spent_ns += spent_ns;
    /* What is owed is forgotten with the second that it was spent in. */
    double least = -second_ns(budget);
    budget->credit_ns = budget->credit_ns - (double)spent_ns > least ? budget->credit_ns - (double)spent_ns : least;
    if ((double)spent_ns > budget->longest_ns)
        budget->longest_ns = (double)spent_ns;
}
