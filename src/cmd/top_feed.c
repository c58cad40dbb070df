/* The GIL is looked at a thousand times a second while it changes hands; the longer it stays as it is, the less often,
 * so that what is not known of how long it was held stays below a twentieth. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/room.h"
#include "cmd/top_feed.h"

enum {
    GILS_MOST = 8, /* of a process */
    POLL_HZ = 1000,
    POLL_SELDOM_NS = 10000000,
    QUIET_PART = 20,
    CPU_NS = 1000000000,
    CPU_SOON_NS = 300000000, /* the first figures do not wait for a whole second */
    CPU_SOON_TIMES = 3
};

void gs_top_feed_init(struct gs_top_feed *feed, struct gs_live *live, uint64_t now_ns)
{
    *feed = (struct gs_top_feed){.live = live, .quiet_ns = now_ns, .cpu_ns = now_ns};
    gs_pace_init(&feed->pace, POLL_HZ, now_ns);
}

void gs_top_feed_fini(struct gs_top_feed *feed)
{
    free(feed->looks);
}

void gs_top_feed_add(struct gs_top_feed *feed, struct gs_look *look)
{
    if (gs_room((void **)&feed->looks, &feed->room, feed->count + 1, sizeof *feed->looks))
        feed->looks[feed->count++] = look;
    gs_top_feed_cpu(feed, gs_clock_ns());
}

void gs_top_feed_drop(struct gs_top_feed *feed, const struct gs_look *look)
{
    for (size_t i = 0; i < feed->count; i++) {
        if (feed->looks[i] == look) {
            feed->looks[i] = feed->looks[--feed->count];
            return;
        }
    }
}

/* One that has ended meanwhile is found out about by its next sample. */
static void poll(struct gs_top_feed *feed, uint64_t now_ns)
{
    uint64_t switches = 0;
    for (size_t i = 0; i < feed->count; i++) {
        struct gs_gil gils[GILS_MOST];
        size_t count;
        if (gs_reader_glance(feed->looks[i]->reader, gils, GILS_MOST, &count) != GS_OK)
            continue;
        gs_live_look(feed->live, feed->looks[i]->target->pid, gils, count, gs_clock_ns());
        for (size_t k = 0; k < count; k++)
            switches += gils[k].switches + (gils[k].state == GS_GIL_HELD);
    }
    if (switches != feed->switches)
        feed->quiet_ns = now_ns;
    feed->switches = switches;
}

static uint64_t next_poll_ns(struct gs_top_feed *feed, uint64_t now_ns)
{
    uint64_t pause_ns = (now_ns - feed->quiet_ns) / QUIET_PART;
    if (pause_ns > POLL_SELDOM_NS)
        pause_ns = POLL_SELDOM_NS;
    return gs_pace_next(&feed->pace, now_ns + pause_ns);
}

static void ask_threads(struct gs_top_feed *feed, uint64_t now_ns)
{
    pid_t pid, tid;
    bool more = true;
    const struct gs_look *look = NULL;
    for (size_t i = 0; more; i++) {
        uint64_t cpu_ns;
        if (!gs_live_cpu_wanted(feed->live, i, now_ns, &pid, &tid, &more))
            continue;
        for (size_t k = 0; k < feed->count && (!look || look->target->pid != pid); k++)
            look = feed->looks[k];
        if (look && look->target->pid == pid && gs_target_ran_ns(look->target, tid, &cpu_ns))
            gs_live_thread_cpu(feed->live, i, now_ns, cpu_ns);
    }
}

void gs_top_feed_cpu(struct gs_top_feed *feed, uint64_t now_ns)
{
    for (size_t i = 0; i < feed->count; i++) {
        const struct gs_target *target = feed->looks[i]->target;
        uint64_t cpu_ns;
        double uptime_s = gs_target_uptime_s(target);
        if (gs_target_clock_ns(target, &cpu_ns))
            gs_live_process_cpu(feed->live, target->pid, now_ns, cpu_ns, (uint64_t)(uptime_s > 0 ? uptime_s * 1e6 : 0));
    }
    ask_threads(feed, now_ns);
}

uint64_t gs_top_feed(struct gs_top_feed *feed, uint64_t now_ns)
{
    if (now_ns >= feed->poll_ns) {
        poll(feed, now_ns);
        feed->poll_ns = next_poll_ns(feed, now_ns);
    }
    if (now_ns >= feed->cpu_ns) {
        gs_top_feed_cpu(feed, now_ns);
        feed->cpu_ns = now_ns + (feed->cpu_times++ < CPU_SOON_TIMES ? CPU_SOON_NS : CPU_NS);
    }
    return feed->poll_ns < feed->cpu_ns ? feed->poll_ns : feed->cpu_ns;
}
