/* The hold that goes on. */
#include "base/clock.h"
#include "base/least.h"
#include "profile/exact_looks.h"

enum {
    AGAIN_NS = 20000000,  /* from look to look at a hold */
    SOONEST_NS = 5000000, /* so soon, and so late, it is asked again who has the GIL, when somebody has */
    LATEST_NS = 10000000
};

/* As far as is known by now: of what is not handed on yet the order may still change. */
static pid_t find_holder(const struct gs_tracer *tracer, const struct gs_gil_spans *gil_spans, unsigned lock,
                         uint64_t *since_ns)
{
    const struct gs_event *last = gs_tracer_latest(tracer, lock);
    if (!last)
        return gs_gil_spans_holder(gil_spans, lock, since_ns);
    *since_ns = last->time_ns;
    return last->act == GS_ACT_DROP ? 0 : last->tid;
}

/* When to look at this hold, at the soonest. */
static uint64_t look_at(struct gs_exact_looks *looks, unsigned lock, pid_t tid, uint64_t since_ns,
                        struct gs_exact_feed *feed, const struct gs_snapshot **snapshot)
{
    uint64_t now_ns = gs_clock_ns(), due_ns = since_ns + looks->long_ns / 2;
    struct gs_exact_seen seen;
    if (looks->last[lock].since_ns == since_ns)
        due_ns = gs_most(looks->last[lock].seen_ns + AGAIN_NS, due_ns);
    if (now_ns < due_ns || !looks->eye.see || !looks->eye.see(looks->eye.context, tid, &seen, snapshot))
        return due_ns;
    gs_exact_feed_see(feed, lock, tid, since_ns, now_ns, &seen.place, seen.native.function ? &seen.native : NULL);
    looks->last[lock].since_ns = since_ns;
    looks->last[lock].seen_ns = now_ns;
    return now_ns + AGAIN_NS;
}

void gs_exact_looks_take(struct gs_exact_looks *looks, const struct gs_tracer *tracer,
                         const struct gs_gil_spans *gil_spans, struct gs_exact_feed *feed,
                         const struct gs_snapshot **snapshot)
{
    looks->next_ns = UINT64_MAX;
    for (unsigned lock = 0; lock < gs_tracer_setup(tracer)->addresses.count; lock++) {
        uint64_t since_ns;
        pid_t tid = find_holder(tracer, gil_spans, lock, &since_ns);
        if (!tid)
            continue;
        uint64_t due_ns = look_at(looks, lock, tid, since_ns, feed, snapshot), now_ns = gs_clock_ns();
        due_ns = gs_least(gs_most(due_ns, now_ns + SOONEST_NS), now_ns + LATEST_NS);
        looks->next_ns = gs_least(looks->next_ns, due_ns);
    }
}
