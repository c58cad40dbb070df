/* Exact tracing from its beginning to its end: windows begin with a look at the process, then events say the rest. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "profile/exact_parts.h"

enum { CHECK_NS = 50000000 /* how often it is asked whether the process is still there */ };

/* ---- events and turns ---- */

enum gs_status gs_exact_take_event(void *context, const struct gs_event *event)
{
    struct gs_exact *exact = context;
    if (event->act == GS_ACT_LOST)
        gs_exact_tear_window(exact, event->time_ns);
    if (exact->torn)
        return GS_OK;
    if (exact->counts)
        gs_gilcounts_event(exact->counts, event);
    if (event->act == GS_ACT_ENDED && event->time_ns > exact->ended_ns)
        exact->ended_ns = event->time_ns;
    enum gs_status status = gs_turns_event(exact->turns, event);
    if (event->act == GS_ACT_ENDED)
        gs_turn_feed_ended(exact->figures, event->tid);
    if (!status && exact->tap.event && event->time_ns > exact->window_ns)
        status = exact->tap.event(exact->tap.context, event);
    return status;
}

static void take_turn(void *context, const struct gs_turn *turn)
{
    struct gs_exact *exact = context;
    gs_turn_feed_turn(exact->figures, turn);
    if (exact->tap.turn)
        exact->tap.turn(exact->tap.context, turn);
}

static void take_moment(void *context, unsigned lock, pid_t holder, uint32_t waiters, uint64_t begin_ns,
                        uint64_t end_ns)
{
    struct gs_exact *exact = context;
    gs_turn_feed_moment(exact->figures, lock, holder, waiters, end_ns - begin_ns);
    if (exact->tap.moment && lock < gs_tracer_setup(exact->tracer)->spots.count)
        exact->tap.moment(exact->tap.context, lock, holder, waiters, begin_ns, end_ns);
}

static void take_blame(void *context, pid_t waiter, pid_t holder, uint64_t ns)
{
    gs_turn_feed_blame(((struct gs_exact *)context)->figures, waiter, holder, ns);
}

/* ---- the source ---- */

static enum gs_status check(struct gs_exact *exact)
{
    uint64_t now_ns = gs_clock_ns();
    if (now_ns - exact->checked_ns < CHECK_NS)
        return GS_OK;
    exact->checked_ns = now_ns;
    enum gs_status status = gs_target_check(exact->python->target);
    exact->gone = status != GS_OK;
    return status;
}

static enum gs_status make_parts(struct gs_exact *exact, bool counters)
{
    const struct gs_tracer_setup *setup = gs_tracer_setup(exact->tracer);
    struct gs_turns_calls calls = {exact, take_turn, take_moment, take_blame};
    struct gs_turn_feed_names names = {exact, gs_exact_find_name};
    exact->turns = gs_turns_new(&calls);
    exact->sum = gs_account_new();
    if (exact->sum)
        exact->figures = gs_turn_feed_new(exact->sum, &setup->spots, exact->long_ns, &names);
    exact->counting = counters;
    counters = counters && setup->switches && !setup->spots.none;
    if (counters && exact->turns)
        exact->counts = gs_gilcounts_new(exact->turns);
    return exact->turns && exact->figures && (exact->counts || !counters) ? GS_OK : GS_NO_MEMORY;
}

enum gs_status gs_exact_open(struct gs_exact **out, const struct gs_exact_subject *subject,
                             const struct gs_exact_options *options, struct gs_err *err)
{
    struct gs_exact *exact = calloc(1, sizeof *exact);
    struct gs_tracer_options tracer_options = {.switches = options->switches, .counters = options->counters};
    *out = NULL;
    if (!exact)
        return gs_fail(err, GS_NO_MEMORY, "cannot trace: out of memory");
    exact->python = subject->python;
    exact->reader = subject->reader;
    exact->names = subject->names;
    exact->eye = subject->eye;
    exact->long_ns = options->long_us * 1000;
    if (options->tap)
        exact->tap = *options->tap;
    enum gs_status status = gs_tracer_open(&exact->tracer, exact->python, &tracer_options, err);
    if (status) {
        gs_exact_close(exact);
        return status;
    }
    status = make_parts(exact, options->counters);
    exact->beginning = true;
    exact->look_ns = UINT64_MAX;
    gs_exact_expect_names(exact);
    gs_governor_init(&exact->governor, options->max_overhead, gs_clock_ns());
    gs_leeway_init(&exact->leeway, exact->python->target);
    if (!status)
        status = gs_exact_begin_window(exact);
    exact->beginning = false;
    if (status) {
        gs_exact_close(exact);
        return gs_fail(err, status, "cannot trace: %s", gs_status_text(status));
    }
    gs_exact_begin_span(exact, exact->window_ns);
    exact->checked_ns = exact->window_ns;
    exact->next_ns = gs_governor_next_ns(&exact->governor, exact->window_ns);
    *out = exact;
    return GS_OK;
}

void gs_exact_close(struct gs_exact *exact)
{
    if (!exact)
        return;
    gs_tracer_close(exact->tracer);
    gs_gilcounts_free(exact->counts);
    gs_turns_free(exact->turns);
    gs_turn_feed_free(exact->figures);
    gs_account_free(exact->sum);
    free(exact->ran_ns);
    free(exact);
}

const struct gs_tracer_setup *gs_exact_setup(const struct gs_exact *exact)
{
    return gs_tracer_setup(exact->tracer);
}

uint64_t gs_exact_next_ns(const struct gs_exact *exact)
{
    return exact->next_ns;
}

int gs_exact_wake_fd(const struct gs_exact *exact)
{
    return exact->on ? gs_tracer_wake_fd(exact->tracer) : -1;
}

uint32_t gs_exact_counted(const struct gs_exact *exact)
{
    return exact->counts ? gs_gilcounts_known(&gs_tracer_setup(exact->tracer)->gauges) : 0;
}

const char *gs_exact_hopeless(const struct gs_exact *exact)
{
    return exact->over ? exact->why : NULL;
}

/* What the governor does not wait for. */
static void come_sooner(struct gs_exact *exact)
{
    if (exact->names_ns < exact->next_ns)
        exact->next_ns = exact->names_ns;
    if (exact->on && exact->look_ns < exact->next_ns)
        exact->next_ns = exact->look_ns;
}

enum gs_status gs_exact_step(struct gs_exact *exact)
{
    struct gs_event_sink sink = {exact, gs_exact_take_event};
    enum gs_status status = GS_OK;
    if (exact->on) {
        status = gs_tracer_drain(exact->tracer, &sink, &exact->until_ns);
        if (!status && exact->torn) {
            status = gs_exact_end_window(exact);
            status = status ? status : gs_exact_begin_window(exact);
        }
        if (!status)
            status = gs_turns_reach(exact->turns, exact->until_ns);
        if (!status)
            gs_exact_see_holds(exact);
        if (exact->counts && exact->tap.counts && !exact->torn)
            gs_exact_tell_counts(exact, exact->until_ns);
    }
    if (!status)
        status = check(exact);
    if (gs_status_class(status) == GS_CLASS_GONE) {
        enum gs_status ended = gs_exact_end_window(exact);
        return ended ? ended : status;
    }
    if (!status)
        status = gs_exact_govern(exact);
    if (!status && gs_clock_ns() >= exact->names_ns)
        gs_exact_refresh_names(exact);
    come_sooner(exact);
    return status;
}

enum gs_status gs_exact_end(struct gs_exact *exact)
{
    gs_exact_note_time(exact);
    exact->ended = true;
    enum gs_status status = gs_exact_end_window(exact);
    gs_tracer_end(exact->tracer);
    return status;
}
