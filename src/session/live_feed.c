/* The GIL is looked at a thousand times a second while it changes hands, by samples and in between; the longer it stays
 * as it is, the less often, so that what is not known of how long it was held stays below a twentieth. Where to wake up
 * so often costs more than a screen that is left open may, it is looked at less often too. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/room.h"
#include "session/live_feed.h"

/* Of a processor, for all that we do: above it there are fewer looks, well below it more. */
static const double OWN_SHARE = 0.018, OWN_LOW = 0.014, STEP = 0.8;

enum {
    POLL_MOST_HZ = 1000,
    POLL_LEAST_HZ = 250,
    POLL_SELDOM_NS = 10000000,
    QUIET_PART = 20,
    CPU_NS = 1000000000,
    CPU_SOON_NS = 300000000, /* the first figures do not wait for a whole second */
    CPU_SOON_TIMES = 3
};

static const struct gs_target *target_of(const struct gs_live_feed *feed, pid_t pid)
{
    for (size_t i = 0; i < feed->count; i++) {
        if (feed->attached[i]->target->pid == pid)
            return feed->attached[i]->target;
    }
    return NULL;
}

static bool is_alive(void *context, pid_t pid, pid_t tid)
{
    const struct gs_target *target = target_of(context, pid);
    uint64_t ran_ns;
    return target && gs_target_ran_ns(target, tid, &ran_ns);
}

void gs_live_feed_init(struct gs_live_feed *feed, struct gs_live *live, uint64_t now_ns)
{
    *feed = (struct gs_live_feed){.live = live, .poll_hz = POLL_MOST_HZ, .quiet_ns = now_ns, .cpu_ns = now_ns};
    gs_pace_init(&feed->pace, feed->poll_hz, now_ns);
    gs_live_ask(live, &(struct gs_live_alive){feed, is_alive});
}

void gs_live_feed_fini(struct gs_live_feed *feed)
{
    free(feed->attached);
}

void gs_live_feed_add(struct gs_live_feed *feed, struct gs_attach *attach)
{
    if (gs_room((void **)&feed->attached, &feed->room, feed->count + 1, sizeof *feed->attached))
        feed->attached[feed->count++] = attach;
    gs_live_feed_cpu(feed, gs_clock_ns());
}

void gs_live_feed_drop(struct gs_live_feed *feed, const struct gs_attach *attach)
{
    for (size_t i = 0; i < feed->count; i++) {
        if (feed->attached[i] == attach) {
            feed->attached[i] = feed->attached[--feed->count];
            return;
        }
    }
}

/* One that has ended meanwhile is found out about by its next sample. */
static void poll(struct gs_live_feed *feed)
{
    for (size_t i = 0; i < feed->count; i++) {
        struct gs_gil gils[GS_GILS_MOST];
        size_t count;
        if (gs_reader_glance(feed->attached[i]->reader, gils, GS_GILS_MOST, &count) == GS_OK)
            gs_live_look(feed->live, feed->attached[i]->target->pid, gils, count, gs_clock_ns());
    }
}

static uint64_t next_poll_ns(struct gs_live_feed *feed, uint64_t now_ns)
{
    uint64_t pause_ns = (now_ns - feed->quiet_ns) / QUIET_PART;
    if (pause_ns > POLL_SELDOM_NS)
        pause_ns = POLL_SELDOM_NS;
    return gs_pace_next(&feed->pace, now_ns + pause_ns);
}

/* True when the GILs were looked at since the last call: by a sample, for one. */
static bool note_looks(struct gs_live_feed *feed, uint64_t now_ns)
{
    uint64_t seen, looked_ns = gs_live_looked_ns(feed->live, &seen);
    if (looked_ns <= feed->looked_ns)
        return false;
    feed->looked_ns = looked_ns;
    if (seen != feed->seen)
        feed->quiet_ns = now_ns;
    feed->seen = seen;
    return true;
}

static void look(struct gs_live_feed *feed, uint64_t now_ns)
{
    bool due = now_ns >= feed->poll_ns, looked = note_looks(feed, now_ns);
    if (due && !looked) {
        poll(feed);
        note_looks(feed, now_ns);
    }
    if (due || looked)
        feed->poll_ns = next_poll_ns(feed, now_ns);
}

static void keep_cheap(struct gs_live_feed *feed, uint64_t now_ns)
{
    uint64_t own_us = gs_clock_cpu_us(), before_us = feed->own_us, before_ns = feed->own_ns;
    feed->own_us = own_us;
    feed->own_ns = now_ns;
    if (!before_ns || now_ns - before_ns < CPU_NS / 2)
        return;
    double share = (double)(own_us - before_us) * 1e3 / (double)(now_ns - before_ns), hz = feed->poll_hz;
    if (share > OWN_SHARE)
        hz = hz * STEP > POLL_LEAST_HZ ? hz * STEP : POLL_LEAST_HZ;
    else if (share < OWN_LOW)
        hz = hz / STEP < POLL_MOST_HZ ? hz / STEP : POLL_MOST_HZ;
    if (hz == feed->poll_hz)
        return;
    feed->poll_hz = hz;
    gs_pace_init(&feed->pace, hz, now_ns);
    feed->poll_ns = next_poll_ns(feed, now_ns);
}

static void ask_threads(struct gs_live_feed *feed, uint64_t now_ns)
{
    pid_t pid, tid;
    bool more = true;
    const struct gs_target *target = NULL;
    for (size_t i = 0; more; i++) {
        uint64_t cpu_ns;
        if (!gs_live_cpu_wanted(feed->live, i, now_ns, &pid, &tid, &more))
            continue;
        if (!target || target->pid != pid)
            target = target_of(feed, pid);
        if (target && gs_target_ran_ns(target, tid, &cpu_ns))
            gs_live_thread_cpu(feed->live, i, now_ns, cpu_ns);
    }
}

void gs_live_feed_cpu(struct gs_live_feed *feed, uint64_t now_ns)
{
    for (size_t i = 0; i < feed->count; i++) {
        const struct gs_target *target = feed->attached[i]->target;
        uint64_t cpu_ns;
        double uptime_s = gs_target_uptime_s(target);
        if (gs_target_clock_ns(target, &cpu_ns))
            gs_live_process_cpu(feed->live, target->pid, now_ns, cpu_ns, (uint64_t)(uptime_s > 0 ? uptime_s * 1e6 : 0));
    }
    ask_threads(feed, now_ns);
}

uint64_t gs_live_feed(struct gs_live_feed *feed, uint64_t now_ns)
{
    look(feed, now_ns);
    if (now_ns >= feed->cpu_ns) {
        gs_live_feed_cpu(feed, now_ns);
        keep_cheap(feed, now_ns);
        feed->cpu_ns = now_ns + (feed->cpu_times++ < CPU_SOON_TIMES ? CPU_SOON_NS : CPU_NS);
    }
    return feed->poll_ns < feed->cpu_ns ? feed->poll_ns : feed->cpu_ns;
}
