/* A purse: what events cost goes out of it, time fills it again. */
#include "trace/governor.h"

enum {
    SHORTEST_NS = 10000000, /* of a window: two intervals of the GIL, so that who waits is seen to */
    SOONEST_NS = 1000000,
    LATEST_NS = 20000000,
    BEGINS = 50 /* what beginning a window takes is no more of its period than one of so many */
};

/* What else it costs: cold caches, beginning, ending, more work at each change of threads. */
static const double margin = 0.72;
/* Of windows, about: long ones with long pauses would cost too much now and too little then. */
static const double period_ns = 1.5e8, period_most_ns = 1e9;

void gs_governor_init(struct gs_governor *governor, double most, uint64_t now_ns)
{
    *governor = (struct gs_governor){.most = most,
                                     .could = 1,
                                     .on_ns = now_ns,
                                     .last_ns = now_ns,
                                     .credit_ns = most * margin * period_ns,
                                     .on = true,
                                     .windows = 1};
}

void gs_governor_begun(struct gs_governor *governor, uint64_t took_ns)
{
    double least_ns = (double)took_ns * BEGINS;
    double wanted_ns = least_ns < period_ns ? period_ns : least_ns < period_most_ns ? least_ns : period_most_ns;
    governor->credit_ns = governor->most * margin * wanted_ns;
}

bool gs_governor_judge(struct gs_governor *governor, uint64_t now_ns, uint64_t all_ns)
{
    double passed_ns = (double)(now_ns - governor->last_ns);
    double cost_ns = (double)(all_ns - governor->cost_ns);
    governor->cost_ns = all_ns;
    if (governor->on) {
        governor->busy_spent_ns += cost_ns;
        governor->busy_could_ns += passed_ns * governor->could;
        governor->busy_ns += passed_ns;
    }
    governor->last_ns = now_ns;
    if (governor->on)
        governor->traced_ns += (uint64_t)passed_ns;
    if (governor->most <= 0)
        return true;
    governor->owed_ns += cost_ns - governor->most * margin * passed_ns * governor->could;
    if (governor->owed_ns < 0) {
        governor->owed_ns = 0; /* calm times are not saved up for a burst */
        if (governor->on)
            governor->busy_spent_ns = governor->busy_could_ns = governor->busy_ns = 0;
    }
    if (governor->on && governor->owed_ns >= governor->credit_ns && now_ns - governor->on_ns >= SHORTEST_NS) {
        governor->on = false;
        governor->paused = true;
    } else if (!governor->on && governor->owed_ns <= 0) {
        governor->on = true;
        governor->on_ns = now_ns;
        governor->busy_spent_ns = governor->busy_could_ns = governor->busy_ns = 0;
        governor->windows++;
    }
    return governor->on;
}

uint64_t gs_governor_next_ns(const struct gs_governor *governor, uint64_t now_ns)
{
    double left_ns = LATEST_NS;
    if (governor->most > 0 && !governor->on)
        left_ns = governor->owed_ns / (governor->most * margin * governor->could);
    else if (governor->most > 0) /* an event at a time, one after the other */
        left_ns = governor->credit_ns - governor->owed_ns;
    if (governor->on && left_ns > LATEST_NS)
        left_ns = LATEST_NS;
    return now_ns + (left_ns < SOONEST_NS ? SOONEST_NS : (uint64_t)left_ns);
}

bool gs_governor_hopeless(const struct gs_governor *governor, uint64_t pause_ns)
{
    return governor->most > 0 && governor->owed_ns / (governor->most * margin * governor->could) > (double)pause_ns;
}

double gs_governor_busy_cost(const struct gs_governor *governor)
{
    return governor->busy_could_ns > 0 ? governor->busy_spent_ns / governor->busy_could_ns / margin : 0;
}
