/* A GIL that has time to spare, and yet whoever asks for it waits so long that it costs them most of their time. */
#include <stdlib.h>

#include "diagnose/why_rules.h"

#define COST_SHARE  0.50 /* of the time that they are active they wait, */
#define COST_TURN   0.80 /* each time for so much of an interval, after which whoever has it is asked to let go, */
#define INTERVAL_NS 5e6  /* sys.getswitchinterval() unless it was set */
#define COST_MEAN   0.50 /* and so many do so on average */
#define ONE_WAITS   0.05 /* of the watched time: a thread that waits less is none of those */
#define TURNS_LEAST 20   /* fewer waits than this are none to judge by */
#define OWN_MOST    0.80 /* where less of it is the GIL's own, that is said */
enum { TOLD_MOST = 3 };

/* What waiting for one GIL costs. */
struct cost {
    double waits_ns, active_ns, turns; /* own_*: without what is the machine's */
    double own_waits_ns, own_active_ns;
    uint64_t longest_ns;
    size_t count;
};

static const struct gs_why_thread *sum_on(const struct gs_judging *j, size_t i, uint32_t gil)
{
    const struct gs_case *c = j->c;
    const struct gs_thread *thread = &c->snapshot->threads[i];
    if (j->told[i] || c->snapshot->interpreters[thread->interpreter].gil != gil || !gs_why_watch_speaks(c->snapshot, i))
        return NULL;
    return gs_why_watch_find(c->watch, thread);
}

/* For so long it wanted to go on: it ran, or waited for the GIL. */
static double active_ns(const struct gs_why_thread *sum)
{
    double runs_ns = (double)sum->runs_ns, holds_ns = (double)sum->word_ns[GS_HOLDS];
    return (double)sum->word_ns[GS_WAITS] + (runs_ns > holds_ns ? runs_ns : holds_ns);
}

/* The share of the time that it is held for which its holder runs: where others have the processors each hold takes
 * longer, which is not the GIL's fault. What waiters lack of a processor counts for nothing: one that waits for a turn
 * loses no time by it. */
static double run_share(const struct gs_judging *j, uint32_t gil)
{
    double ran = 0, held = 0;
    for (size_t i = 0; i < j->c->snapshot->thread_count; i++) {
        const struct gs_why_thread *sum = sum_on(j, i, gil);
        double has = sum ? (double)sum->word_ns[GS_HOLDS] / (double)j->c->watch->weighed_ns : 0;
        double had_cpu = gs_case_ran(j->c, i);
        held += has;
        ran += had_cpu >= 0 && had_cpu < has ? had_cpu : has;
    }
    return held > 0 ? ran / held : 1;
}

static struct cost cost_of(const struct gs_judging *j, uint32_t gil, bool *crowd)
{
    const struct gs_case *c = j->c;
    double runs = run_share(j, gil);
    struct cost cost = {0};
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_why_thread *sum = sum_on(j, i, gil);
        double waits_ns = sum ? (double)sum->word_ns[GS_WAITS] : 0;
        crowd[i] = sum && waits_ns >= ONE_WAITS * (double)c->watch->weighed_ns;
        if (!crowd[i])
            continue;
        double own_ns = runs * ((double)sum->blocked_ns < waits_ns ? (double)sum->blocked_ns : waits_ns);
        cost.waits_ns += waits_ns;
        cost.active_ns += active_ns(sum);
        cost.own_waits_ns += own_ns;
        cost.own_active_ns += own_ns + runs * (active_ns(sum) - waits_ns);
        cost.turns += sum->waits + sum->unseen_turns;
        cost.longest_ns = sum->longest_wait_ns > cost.longest_ns ? sum->longest_wait_ns : cost.longest_ns;
        cost.count++;
    }
    return cost;
}

static double interval_ns(const struct gs_gil *gil)
{
    return gil->has_interval && gil->interval_us > 0 ? (double)gil->interval_us * 1000 : INTERVAL_NS;
}

static bool is_dear(const struct gs_case *c, uint32_t gil, const struct cost *cost)
{
    double least_ns = COST_TURN * interval_ns(&c->snapshot->gils[gil]);
    return cost->count >= 2 && cost->turns >= TURNS_LEAST && cost->own_waits_ns >= COST_SHARE * cost->own_active_ns &&
           cost->own_waits_ns >= least_ns * cost->turns &&
           cost->own_waits_ns >= COST_MEAN * (double)c->watch->weighed_ns;
}

/* Those who have it longest, and where they are: they are who the others wait for. */
static void tell_holders(struct gs_judging *j, struct gs_verdict *v, uint32_t gil)
{
    const struct gs_case *c = j->c;
    uint64_t below_ns = UINT64_MAX;
    for (int told = 0; told < TOLD_MOST; told++) {
        const struct gs_why_thread *most = NULL;
        size_t at = 0;
        for (size_t i = 0; i < c->snapshot->thread_count; i++) {
            const struct gs_why_thread *sum = sum_on(j, i, gil);
            if (sum && sum->word_ns[GS_HOLDS] < below_ns && sum->word_ns[GS_HOLDS] > 0 &&
                (!most || sum->word_ns[GS_HOLDS] > most->word_ns[GS_HOLDS])) {
                most = sum;
                at = i;
            }
        }
        if (!most)
            return;
        below_ns = most->word_ns[GS_HOLDS];
        gs_why_evidence(j, v, "%s had it %.0f %% of the time and waited %.0f %%, now in %s.",
                        gs_said_thread(c, &c->snapshot->threads[at]).words,
                        100 * (double)below_ns / (double)c->watch->weighed_ns,
                        100 * (double)most->word_ns[GS_WAITS] / (double)c->watch->weighed_ns,
                        gs_said_stack(c, &c->snapshot->threads[at]).words);
    }
}

static void tell_contended(struct gs_judging *j, uint32_t gil, const bool *crowd, const struct cost *cost)
{
    const struct gs_case *c = j->c;
    const struct gs_why_gil *sum = &c->watch->gils[gil];
    double share = cost->waits_ns / cost->active_ns;
    struct gs_verdict *v = gs_why_say(
        j, GS_WHY_gil_contended, false,
        "Waiting for the GIL costs %zu threads %.0f %% of the time in which they have something to do: %s each time "
        "they ask for it, %s at worst.",
        cost->count, 100 * share, gs_said_us((uint64_t)(cost->waits_ns / cost->turns / 1000)).words,
        gs_said_us(cost->longest_ns / 1000).words);
    gs_why_evidence(
        j, v,
        "The GIL itself is free for %.0f %% of the time; somebody waits for it %.0f %%, and %.1f threads do "
        "on average. What they do takes %.1f times as long as it would alone.",
        100 * (1 - gs_why_gil_held(sum)), 100 * gs_why_gil_contended(sum),
        cost->waits_ns / (double)c->watch->weighed_ns, share < 1 ? 1 / (1 - share) : 0);
    if (cost->own_waits_ns < OWN_MOST * cost->waits_ns)
        gs_why_evidence(
            j, v,
            "The machine has more to do than it can: about %.0f %% of that time they would have waited for a "
            "processor.",
            100 * (1 - cost->own_waits_ns / cost->waits_ns));
    gs_why_evidence(j, v, "They are %s.", gs_said_threads(c, crowd).words);
    tell_holders(j, v, gil);
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        if (crowd[i])
            gs_why_concerns(j, v, i);
    }
    gs_why_advise(
        j, v,
        "More processes with fewer threads each serve the same at once; or move what computes out of this one. "
        "gilspy record -p %d -m blame -o blame.svg shows which code the others wait for.",
        (int)c->target->pid);
    gs_why_basis(j, v, "shares of %s looks in %s.", gs_said_number(c->watch->samples).words,
                 gs_said_us(gs_case_watched_ns(c) / 1000).words);
}

/* That it is full says more. */
static bool is_saturated(const struct gs_judging *j, uint32_t gil)
{
    const struct gs_snapshot *s = j->c->snapshot;
    for (size_t i = 0; i < j->why->count; i++) {
        const struct gs_verdict *v = &j->why->list[i];
        for (size_t k = 0; k < s->thread_count && v->kind == GS_WHY_gil_saturated; k++) {
            if (s->threads[k].tid == v->threads[0] && s->interpreters[s->threads[k].interpreter].gil == gil)
                return true;
        }
    }
    return false;
}

void gs_why_find_contended(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    bool *crowd = calloc(c->snapshot->thread_count + 1, sizeof *crowd);
    if (c->target->postmortem || c->stopped || gs_case_watched_ns(c) < GS_WHY_HANGS_NS || !crowd) {
        free(crowd);
        return;
    }
    for (uint32_t gil = 0; gil < c->snapshot->gil_count && gil < GS_GILS_MOST; gil++) {
        struct cost cost = cost_of(j, gil, crowd);
        if (is_dear(c, gil, &cost) && !is_saturated(j, gil))
            tell_contended(j, gil, crowd, &cost);
    }
    free(crowd);
}
