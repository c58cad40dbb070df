/* Threads that get in one another's way, each by itself harmless: a convoy, and a GIL that is too small for all. */
#include <stdlib.h>

#include "diagnose/why_rules.h"

/* Shares of the watched time. */
#define CONVOY_WAITS  0.25 /* an I/O thread waits for its turn this long, */
#define CONVOY_HAS    0.15 /* has it no longer than this, */
#define CONVOY_HOLDER 0.50 /* while others who compute have it for the most part */
#define CONVOY_TURNS  10.0 /* so often it waited at least, and so often a second */
#define DRIVER_AWAKE  0.90 /* who computes runs, is ready to, or waits for the GIL this long, */
#define DRIVER_TURN   0.80 /* and has the GIL at a time for this part of the interval at least */
#define INTERVAL_NS   5e6  /* sys.getswitchinterval() unless it was set */
#define FULL_HELD     0.90
#define FULL_HELD_2   0.50 /* 2.7 lets go for a moment all the time */
#define FIGHT_MOVES   0.25 /* of the looks at one that fights for it saw it move, */
#define FIGHT_SLEEPS  0.01 /* and so many saw it asleep over the GIL */
#define ONE_CORE      1.25
#define FULL_WANTS    0.60 /* a thread that has it or waits for it this long is one of the crowd */
#define FULL_HAS      0.05

static double share(const struct gs_case *c, const struct gs_why_thread *sum, enum gs_gil_word word)
{
    uint64_t weighed_ns = c->watch->weighed_ns;
    return weighed_ns > 0 ? (double)sum->word_ns[word] / (double)weighed_ns : 0;
}

/* The sum of the i-th thread, NULL: nothing to be said of it. */
static const struct gs_why_thread *sum_of(const struct gs_judging *j, size_t i)
{
    const struct gs_case *c = j->c;
    if (c->target->postmortem || c->stopped || gs_case_watched_ns(c) < GS_WHY_HANGS_NS)
        return NULL;
    bool other = j->told[i] || !gs_why_watch_speaks(c->snapshot, i);
    return other ? NULL : gs_why_watch_find(c->watch, &c->snapshot->threads[i]);
}

static uint32_t gil_of(const struct gs_case *c, size_t thread)
{
    return c->snapshot->interpreters[c->snapshot->threads[thread].interpreter].gil;
}

/* How often it waited for the GIL, and then had it for a moment at least. */
static double turns_of(const struct gs_why_thread *sum)
{
    return sum->waits + sum->unseen_turns;
}

/* How long it has the GIL at a time, on average, in intervals after which it would be asked to give it up. */
static double turn_in_intervals(const struct gs_case *c, const struct gs_why_thread *sum, uint32_t gil)
{
    const struct gs_gil *its = &c->snapshot->gils[gil];
    double interval_ns = its->has_interval && its->interval_us > 0 ? (double)its->interval_us * 1000 : INTERVAL_NS;
    double turns = turns_of(sum);
    return (double)sum->word_ns[GS_HOLDS] / interval_ns / (turns > 1 ? turns : 1);
}

/* It gives the GIL back by itself, long before it would be asked to: that is what tells it from one of a crowd that
 * computes, who may have it as seldom. */
static bool short_turns(const struct gs_case *c, const struct gs_why_thread *sum, uint32_t gil)
{
    return turn_in_intervals(c, sum, gil) <= 0.5;
}

/* On several processors the threads of a 2.7 that compute are awake most of the time and fight over the GIL: whoever
 * gives it up takes it again before the one that was woken for it has come. Such a one moves from look to look, as one
 * that computes in C without the GIL does not. */
static bool fights(const struct gs_case *c, const struct gs_why_thread *sum, uint32_t gil)
{
    return !c->watch->gils[gil].has_switches && share(c, sum, GS_WAITS) >= FIGHT_SLEEPS &&
           (double)sum->unknown_moved_ns >= FIGHT_MOVES * (double)sum->word_ns[GS_UNKNOWN];
}

/* Time for which it waited; on a busy machine a thread on its way in or out is unknown for long, and where all of the
 * process runs on one core it does not compute meanwhile. */
static double wanted(const struct gs_case *c, const struct gs_why_thread *sum, uint32_t gil)
{
    bool bound = c->cpu >= 0 && c->cpu < ONE_CORE;
    return share(c, sum, GS_WAITS) + (bound || fights(c, sum, gil) ? share(c, sum, GS_UNKNOWN) : 0);
}

/* It computes, and gives the GIL up only when it is asked to. Workers of a server that has its GIL for 60 to 80 % of
 * the time do not: measured with 1 and 2 ms of computing for each request they have it for 0.8 to 2.3 ms at a time,
 * also where two busy loops take half of the machine; those who compute have it for 8 ms and more, and never rest. */
static bool drives(const struct gs_case *c, const struct gs_why_thread *sum, uint32_t gil)
{
    double awake_ns = (double)sum->runs_ns + (double)sum->word_ns[GS_WAITS];
    return awake_ns >= DRIVER_AWAKE * (double)c->watch->weighed_ns && turn_in_intervals(c, sum, gil) >= DRIVER_TURN;
}

/* Who has the GIL for most of the time while this one wants it. */
static uint32_t driver_of(struct gs_judging *j, size_t io)
{
    const struct gs_case *c = j->c;
    uint32_t best = GS_NOBODY;
    double most = 0, all = 0;
    for (uint32_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_why_thread *sum = sum_of(j, i);
        if (!sum || i == io || gil_of(c, i) != gil_of(c, io) || !drives(c, sum, gil_of(c, io)))
            continue;
        double has = share(c, sum, GS_HOLDS);
        all += has;
        if (has > most) {
            most = has;
            best = i;
        }
    }
    return all >= CONVOY_HOLDER ? best : GS_NOBODY;
}

/* One that computes needs no verdict of its own; several that crowd one another do. */
static void finish_drivers(struct gs_judging *j, const bool *drivers)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; i < c->snapshot->thread_count && drivers; i++) {
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, &c->snapshot->threads[i]);
        j->told[i] |= drivers[i] && sum && share(c, sum, GS_WAITS) < CONVOY_WAITS;
    }
}

/* It waits again and again, each time for about one interval: whoever has the GIL gives it up only when asked. */
static bool loses_turns(const struct gs_case *c, size_t thread, const struct gs_why_thread *sum)
{
    uint32_t gil = gil_of(c, thread);
    double turns = turns_of(sum);
    return gil < GS_GILS_MOST && c->watch->gils[gil].has_switches && wanted(c, sum, gil) >= CONVOY_WAITS &&
           share(c, sum, GS_HOLDS) <= CONVOY_HAS && short_turns(c, sum, gil) && turns >= CONVOY_TURNS &&
           turns * 1e9 >= CONVOY_TURNS * (double)gs_case_watched_ns(c);
}

static void tell_convoy(struct gs_judging *j, size_t io, const struct gs_why_thread *sum, uint32_t driver)
{
    const struct gs_case *c = j->c;
    const struct gs_thread *thread = &c->snapshot->threads[io], *other = &c->snapshot->threads[driver];
    double waits = wanted(c, sum, gil_of(c, io)), turns = turns_of(sum),
           watched_s = (double)gs_case_watched_ns(c) / 1e9;
    struct gs_verdict *v = gs_why_say(
        j, GS_WHY_convoy, false,
        "%s loses its turn each time: it waited for the GIL %.0f %% of the time, to have it "
        "for %.1f %%, while %s computes.",
        gs_said_thread(c, thread).words, 100 * waits, 100 * share(c, sum, GS_HOLDS), gs_said_thread(c, other).words);
    gs_why_evidence(j, v,
                    "It asked for the GIL %.0f times a second, and waited %s each time: whenever it comes back "
                    "from a system call, somebody who computes has taken the GIL.",
                    turns / watched_s, gs_said_us((uint64_t)(waits * watched_s / turns * 1e6)).words);
    gs_why_evidence(j, v, "It is in %s.", gs_said_stack(c, thread).words);
    gs_why_evidence(j, v, "%s had the GIL %.0f %% of the time, now in %s.", gs_said_thread(c, other).words,
                    100 * share(c, gs_why_watch_find(c->watch, other), GS_HOLDS), gs_said_stack(c, other).words);
    gs_why_advise(j, v,
                  "Put the computing into another process (multiprocessing, ProcessPoolExecutor), or let it give "
                  "way: sys.setswitchinterval(0.0005) shortens each wait, and costs some speed.");
    gs_why_basis(j, v, "shares of %s looks in %s.", gs_said_number(c->watch->samples).words,
                 gs_said_us(gs_case_watched_ns(c) / 1000).words);
    gs_why_concerns(j, v, io);
}

void gs_why_find_convoys(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    bool *drivers = calloc(c->snapshot->thread_count + 1, sizeof *drivers);
    for (size_t i = 0; i < c->snapshot->thread_count && drivers; i++) {
        const struct gs_why_thread *sum = sum_of(j, i);
        uint32_t driver = sum && loses_turns(c, i, sum) ? driver_of(j, i) : GS_NOBODY;
        if (driver == GS_NOBODY)
            continue;
        tell_convoy(j, i, sum, driver);
        drivers[driver] = true;
    }
    finish_drivers(j, drivers);
    free(drivers);
}

static void tell_saturated(struct gs_judging *j, uint32_t gil, const bool *crowd, size_t count, double wanting)
{
    const struct gs_case *c = j->c;
    const struct gs_why_gil *sum = &c->watch->gils[gil];
    double waiting = wanting, kept = 0;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        if (!crowd[i])
            continue;
        waiting -= share(c, gs_why_watch_find(c->watch, &c->snapshot->threads[i]), GS_HOLDS);
        kept += gs_case_kept(c, i);
    }
    struct gs_verdict *v =
        gs_why_say(j, GS_WHY_gil_saturated, false,
                   "%zu threads share one core: the GIL is taken %.0f %% of the time, and %.1f of them wait for it on "
                   "average.",
                   count, 100 * gs_why_gil_held(sum), waiting);
    gs_why_evidence(j, v, "They are %s.", gs_said_threads(c, crowd).words);
    if (!sum->has_switches && c->cpu >= ONE_CORE)
        gs_why_evidence(j, v,
                        "They fight over it: this Python lets go every few instructions, and what the process had of "
                        "processors beyond one, %.0f %% in all, went into taking turns.",
                        100 * c->cpu);
    gs_why_evidence(j, v,
                    "What it costs: each of them gets about 1/%.1f of the time that it wants; together they lose "
                    "%.1f s in each second.",
                    wanting, waiting);
    gs_why_tell_starved(j, v, kept);
    for (size_t i = 0, told = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        const struct gs_why_thread *its = gs_why_watch_find(c->watch, thread);
        if (!crowd[i])
            continue;
        gs_why_concerns(j, v, i);
        if (told++ < 3)
            gs_why_evidence(j, v, "%s had it %.0f %% of the time and waited %.0f %%, in %s.",
                            gs_said_thread(c, thread).words, 100 * share(c, its, GS_HOLDS), 100 * wanted(c, its, gil),
                            gs_said_stack(c, thread).words);
    }
    gs_why_advise(j, v,
                  "More threads make this slower, not faster: use processes, or C code that gives up the GIL, or a "
                  "free-threaded Python. gilspy record -p %d -m gil -o gil.svg shows which code needs the GIL.",
                  (int)c->target->pid);
    gs_why_basis(j, v, "shares of %s looks in %s.", gs_said_number(c->watch->samples).words,
                 gs_said_us(gs_case_watched_ns(c) / 1000).words);
}

void gs_why_find_saturated(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    bool *crowd = calloc(c->snapshot->thread_count + 1, sizeof *crowd);
    for (uint32_t gil = 0; gil < c->snapshot->gil_count && gil < GS_GILS_MOST && crowd; gil++) {
        size_t count = 0;
        double wanting = 0;
        double full = c->watch->gils[gil].has_switches ? FULL_HELD : FULL_HELD_2;
        if (gs_why_gil_held(&c->watch->gils[gil]) < full)
            continue;
        for (size_t i = 0; i < c->snapshot->thread_count; i++) {
            const struct gs_why_thread *sum = sum_of(j, i);
            double has = sum ? share(c, sum, GS_HOLDS) : 0, wants = sum ? has + wanted(c, sum, gil) : 0;
            crowd[i] = sum && gil_of(c, i) == gil && wants >= FULL_WANTS && has >= FULL_HAS / 4;
            count += crowd[i];
            wanting += crowd[i] ? wants : 0;
        }
        if (count >= 2)
            tell_saturated(j, gil, crowd, count, wanting);
    }
    free(crowd);
}
