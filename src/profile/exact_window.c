/* From event to figure. */
#include "base/clock.h"
#include "base/least.h"
#include "profile/exact_window.h"

enum { COUNTS_NS = 10000000 /* how often counts are told */ };

/* ---- what is counted, and where it is cut ---- */

/* The part of the window that lies in this span ends. */
static void end_part(struct gs_exact_window *window, uint64_t end_ns)
{
    uint64_t ns = end_ns > window->begin_ns ? end_ns - window->begin_ns : 0;
    gs_exact_feed_window(window->feed, ns);
    if (window->tap.window && ns)
        window->tap.window(window->tap.context, window->begin_ns, end_ns);
    window->begin_ns = end_ns;
}

static bool tell_ran(void *context, pid_t tid, uint64_t *ran_ns)
{
    const struct gs_exact_window *window = context;
    return gs_target_ran_ns(window->threads.python->target, tid, ran_ns);
}

/* What was counted up to here, where it was cut. */
static void tell_counts(struct gs_exact_window *window, uint64_t ns)
{
    struct gs_gilstat_counts all = gs_gilcounts_all(window->counts);
    window->tap.counts(window->tap.context, ns, &all);
    window->counts_ns = ns;
}

static void tell_counts_soon(struct gs_exact_window *window, uint64_t ns)
{
    if (ns - window->counts_ns < COUNTS_NS || ns <= window->begin_ns)
        return;
    gs_gilcounts_cut(window->counts, ns, tell_ran, window);
    tell_counts(window, ns);
}

/* What is counted of the thread's spans is told before these end. */
static void cut_counts(struct gs_exact_window *window, uint64_t ns)
{
    if (!window->counts)
        return;
    gs_gilcounts_cut(window->counts, ns, tell_ran, window);
    window->counts_ns = 0;
    if (window->tap.counts && ns > window->begin_ns)
        tell_counts(window, ns);
}

enum gs_status gs_exact_window_cut(struct gs_exact_window *window)
{
    if (!window->on || window->torn)
        return GS_OK;
    cut_counts(window, window->until_ns);
    gs_gil_spans_cut(window->gil_spans, window->until_ns);
    enum gs_status status = gs_exact_pauses_cut(&window->pauses, window->until_ns);
    end_part(window, window->until_ns);
    return status;
}

static enum gs_status stop(struct gs_exact_window *window, uint64_t ns)
{
    cut_counts(window, ns);
    gs_gil_spans_stop(window->gil_spans, ns);
    enum gs_status status = gs_exact_pauses_cut(&window->pauses, ns);
    end_part(window, ns);
    return status;
}

/* What threads do from here on until the next look at them is not known. */
static enum gs_status tear(struct gs_exact_window *window, uint64_t ns)
{
    if (window->torn)
        return GS_OK;
    window->torn = true;
    window->holes = true;
    return stop(window, gs_most(ns, window->begin_ns));
}

/* ---- events and spans ---- */

/* Who asks for a pause has a row. */
static enum gs_status take_pause(struct gs_exact_window *window, const struct gs_event *event)
{
    gs_exact_feed_meet(window->feed, event->tid, false);
    return gs_exact_pauses_event(&window->pauses, event);
}

static enum gs_status take_event(void *context, const struct gs_event *event)
{
    struct gs_exact_window *window = context;
    enum gs_status status = event->act == GS_ACT_LOST ? tear(window, event->time_ns) : GS_OK;
    if (status || window->torn)
        return status;
    if (window->counts)
        gs_gilcounts_event(window->counts, event);
    if (event->act == GS_ACT_ENDED && event->time_ns > window->ended_ns)
        window->ended_ns = event->time_ns;
    if (!gs_tracer_setup(window->tracer)->addresses.none)
        status = gs_gil_spans_event(window->gil_spans, event);
    else if (event->act <= GS_ACT_CHANGE)
        status = take_pause(window, event);
    if (event->act == GS_ACT_ENDED)
        gs_exact_feed_ended(window->feed, event->tid);
    if (!status && window->tap.event && event->time_ns > window->begin_ns)
        status = window->tap.event(window->tap.context, event);
    return status;
}

static void take_gil_span(void *context, const struct gs_gil_span *gil_span)
{
    struct gs_exact_window *window = context;
    gs_exact_feed_turn(window->feed, gil_span);
    if (window->tap.gil_span)
        window->tap.gil_span(window->tap.context, gil_span);
}

static void take_moment(void *context, unsigned lock, pid_t holder, uint32_t waiters, uint64_t begin_ns,
                        uint64_t end_ns)
{
    struct gs_exact_window *window = context;
    gs_exact_feed_moment(window->feed, lock, holder, waiters, end_ns - begin_ns);
    if (window->tap.moment && lock < gs_gil_addresses_gils(&gs_tracer_setup(window->tracer)->addresses))
        window->tap.moment(window->tap.context, lock, holder, waiters, begin_ns, end_ns);
}

static void take_blame(void *context, pid_t waiter, pid_t holder, uint64_t ns)
{
    gs_exact_feed_blame(((struct gs_exact_window *)context)->feed, waiter, holder, ns);
}

/* ---- from beginning to end ---- */

/* Somebody is met for the first time in this span. */
static void find_name(void *context, pid_t tid, char *name, size_t size, uint64_t *ident, bool *main)
{
    struct gs_exact_window *window = context;
    gs_exact_threads_name(&window->threads, tid, name, size, ident, main);
    if (!window->beginning)
        gs_exact_threads_expect(&window->threads);
}

enum gs_status gs_exact_window_make(struct gs_exact_window *window, struct gs_tracer *tracer, uint64_t long_ns,
                                    bool counters)
{
    const struct gs_tracer_setup *setup = gs_tracer_setup(tracer);
    struct gs_gil_spans_calls calls = {window, take_gil_span, take_moment, take_blame};
    struct gs_exact_feed_source source = {window, find_name, tell_ran};
    window->tracer = tracer;
    window->pauses.context = window->tap.context;
    window->pauses.over = window->tap.pause;
    window->gil_spans = gs_gil_spans_new(&calls);
    window->feed = gs_exact_feed_new(&setup->addresses, long_ns, &source);
    counters = counters && setup->switches && !setup->addresses.none;
    if (counters && window->gil_spans)
        window->counts = gs_gilcounts_new(window->gil_spans);
    return window->gil_spans && window->feed && (window->counts || !counters) ? GS_OK : GS_NO_MEMORY;
}

void gs_exact_window_fini(struct gs_exact_window *window)
{
    gs_gilcounts_free(window->counts);
    gs_gil_spans_free(window->gil_spans);
    gs_exact_feed_free(window->feed);
    gs_pauses_fini(&window->pauses.sums);
}

/* What is known of the first moment is a look that was taken while events came already: see gil_spans.h. */
enum gs_status gs_exact_window_begin(struct gs_exact_window *window, uint64_t *took_ns)
{
    uint64_t before_ns = gs_clock_ns();
    gs_tracer_begin(window->tracer);
    gs_exact_threads_look(&window->threads);
    window->begin_ns = window->until_ns = gs_clock_ns();
    *took_ns = window->begin_ns - before_ns;
    gs_gil_spans_start(window->gil_spans, window->begin_ns);
    gs_exact_pauses_begin(&window->pauses, window->begin_ns);
    window->on = true;
    window->torn = false;
    if (window->counts)
        gs_gilcounts_begin(window->counts, window->begin_ns);
    const struct gs_exact_told told = {&gs_tracer_setup(window->tracer)->addresses, window->gil_spans, window->feed,
                                       window->counts, window->beginning};
    return gs_exact_threads_tell(&window->threads, &told);
}

enum gs_status gs_exact_window_drain(struct gs_exact_window *window)
{
    struct gs_event_sink sink = {window, take_event};
    uint64_t until_ns = window->until_ns;
    enum gs_status status = gs_tracer_drain(window->tracer, &sink, &until_ns);
    window->until_ns = gs_most(window->until_ns, until_ns); /* the rings may end before the window begins */
    return status;
}

enum gs_status gs_exact_window_reach(struct gs_exact_window *window)
{
    enum gs_status status = gs_gil_spans_reach(window->gil_spans, window->until_ns);
    if (window->counts && window->tap.counts && !window->torn)
        tell_counts_soon(window, window->until_ns);
    return status;
}

enum gs_status gs_exact_window_end(struct gs_exact_window *window)
{
    struct gs_event_sink sink = {window, take_event};
    uint64_t end_ns;
    if (!window->on)
        return GS_OK;
    window->on = false;
    enum gs_status status = gs_tracer_pause(window->tracer, &sink, &end_ns);
    if (window->gone && window->ended_ns > window->begin_ns)
        end_ns = window->ended_ns;
    if (!status && !window->torn)
        status = stop(window, end_ns);
    window->until_ns = end_ns;
    return status;
}
