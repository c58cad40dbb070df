/* Windows of exact tracing: when they begin and end, and what is left of one in which events were lost. */
#include <stdio.h>

#include "base/clock.h"
#include "profile/exact_parts.h"

enum { COUNTS_NS = 10000000 /* how often counts are told */ };

static const uint64_t pause_most_ns = 5 * GS_NS_PER_S; /* windows further apart tell nothing */

/* The part of the window that lies in this span ends. */
static void end_part(struct gs_exact *exact, uint64_t end_ns)
{
    uint64_t ns = end_ns > exact->window_ns ? end_ns - exact->window_ns : 0;
    exact->traced_ns += ns;
    gs_turn_feed_window(exact->figures, ns);
    if (exact->tap.window && ns)
        exact->tap.window(exact->tap.context, exact->window_ns, end_ns);
    exact->window_ns = end_ns;
}

/* What is known of the first moment is a look that was taken while events came already: see turns.h. */
enum gs_status gs_exact_begin_window(struct gs_exact *exact)
{
    uint64_t begin_ns = gs_clock_ns();
    gs_tracer_begin(exact->tracer);
    gs_exact_look_again(exact);
    exact->window_ns = exact->until_ns = gs_clock_ns();
    gs_governor_begun(&exact->governor, exact->window_ns - begin_ns);
    gs_turns_start(exact->turns, exact->window_ns);
    exact->on = true;
    exact->torn = false;
    if (exact->counts)
        gs_gilcounts_begin(exact->counts, exact->window_ns);
    return gs_exact_tell_states(exact);
}

static bool tell_ran(void *context, pid_t tid, uint64_t *ran_ns)
{
    const struct gs_exact *exact = context;
    return gs_target_ran_ns(exact->python->target, tid, ran_ns);
}

/* What was counted up to here, where it was cut. */
static void tell_counts(struct gs_exact *exact, uint64_t ns)
{
    struct gs_gilstat_counts all = gs_gilcounts_all(exact->counts);
    exact->tap.counts(exact->tap.context, ns, &all);
    exact->counts_ns = ns;
}

void gs_exact_tell_counts(struct gs_exact *exact, uint64_t ns)
{
    if (ns - exact->counts_ns < COUNTS_NS || ns <= exact->window_ns)
        return;
    gs_gilcounts_cut(exact->counts, ns, tell_ran, exact);
    tell_counts(exact, ns);
}

/* What is counted of the thread's turns is told before these end. */
static void cut_counts(struct gs_exact *exact, uint64_t ns)
{
    if (!exact->counts)
        return;
    gs_gilcounts_cut(exact->counts, ns, tell_ran, exact);
    exact->counts_ns = 0;
    if (exact->tap.counts && ns > exact->window_ns)
        tell_counts(exact, ns);
}

void gs_exact_cut_window(struct gs_exact *exact, uint64_t ns)
{
    cut_counts(exact, ns);
    gs_turns_cut(exact->turns, ns);
    end_part(exact, ns);
}

void gs_exact_note_holes(struct gs_exact *exact)
{
    exact->holes = true;
    if (!exact->why[0])
        snprintf(exact->why, sizeof exact->why,
                 "events were lost, and the times in which they were are left out (see events_lost)");
}

/* What threads do from here on until the next look at them is not known. */
void gs_exact_tear_window(struct gs_exact *exact, uint64_t ns)
{
    if (exact->torn)
        return;
    ns = ns > exact->window_ns ? ns : exact->window_ns;
    cut_counts(exact, ns);
    gs_turns_stop(exact->turns, ns);
    end_part(exact, ns);
    exact->torn = true;
    gs_exact_note_holes(exact);
}

enum gs_status gs_exact_end_window(struct gs_exact *exact)
{
    struct gs_event_sink sink = {exact, gs_exact_take_event};
    uint64_t end_ns;
    if (!exact->on)
        return GS_OK;
    exact->on = false;
    enum gs_status status = gs_tracer_pause(exact->tracer, &sink, &end_ns);
    if (exact->gone && exact->ended_ns > exact->window_ns)
        end_ns = exact->ended_ns;
    if (!exact->torn) {
        cut_counts(exact, end_ns);
        gs_turns_stop(exact->turns, end_ns);
        end_part(exact, end_ns);
    }
    exact->until_ns = end_ns;
    return status;
}

enum gs_status gs_exact_govern(struct gs_exact *exact)
{
    uint64_t now_ns = gs_clock_ns();
    enum gs_status status = GS_OK;
    if (exact->governor.most > 0)
        exact->governor.could = gs_leeway_share(&exact->leeway, now_ns);
    bool on = gs_governor_judge(&exact->governor, now_ns, gs_tracer_cost_ns(exact->tracer));
    if (exact->on && !on) {
        status = gs_exact_end_window(exact);
        if (!exact->why[0])
            snprintf(
                exact->why, sizeof exact->why,
                "to trace it all the time would cost it too much: in the %.0f ms before the first pause %.1f %% of "
                "the time in which it could run, more than --max-overhead %g%%",
                exact->governor.busy_ns / 1e6, 100 * gs_governor_busy_cost(&exact->governor),
                100 * exact->governor.most);
        if (gs_governor_hopeless(&exact->governor, pause_most_ns)) {
            snprintf(exact->why, sizeof exact->why,
                     "even windows of exact tracing would cost it more than --max-overhead %g%%",
                     100 * exact->governor.most);
            exact->over = true;
            gs_tracer_end(exact->tracer);
        }
    } else if (!exact->on && on) {
        status = gs_exact_begin_window(exact);
    }
    exact->next_ns = gs_governor_next_ns(&exact->governor, gs_clock_ns());
    return status;
}
