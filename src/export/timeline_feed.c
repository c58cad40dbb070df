/* Failures are kept until somebody asks: turns and spans come from where nobody can be told. */
#include "export/timeline_feed.h"

static void keep_failure(struct gs_timeline_feed *feed, enum gs_status status)
{
    feed->failed = feed->failed ? feed->failed : status;
}

static enum gs_status take_event(void *context, const struct gs_event *event)
{
    struct gs_timeline_feed *feed = context;
    return gs_schedule_event(feed->schedule, event);
}

static void take_turn(void *context, const struct gs_turn *turn)
{
    struct gs_timeline_feed *feed = context;
    keep_failure(feed, feed->timeline->turn(feed->timeline, turn));
}

static void take_run(void *context, const struct gs_run_span *span)
{
    struct gs_timeline_feed *feed = context;
    keep_failure(feed, feed->timeline->run(feed->timeline, span));
}

static void take_moment(void *context, unsigned lock, pid_t holder, uint32_t waiters, uint64_t begin_ns,
                        uint64_t end_ns)
{
    struct gs_timeline_feed *feed = context;
    (void)holder;
    keep_failure(feed, feed->timeline->waiters(feed->timeline, lock, waiters, begin_ns, end_ns));
}

static void take_window(void *context, uint64_t begin_ns, uint64_t end_ns)
{
    struct gs_timeline_feed *feed = context;
    (void)begin_ns;
    feed->windows++;
    gs_schedule_cut(feed->schedule, end_ns);
}

static void take_counts(void *context, uint64_t ns, const struct gs_gilstat_counts *all)
{
    struct gs_timeline_feed *feed = context;
    uint32_t counted = feed->exact ? gs_exact_counted(feed->exact) : 0;
    keep_failure(feed, feed->timeline->counts(feed->timeline, ns, counted, all));
}

enum gs_status gs_timeline_feed_init(struct gs_timeline_feed *feed, struct gs_timeline *timeline)
{
    *feed = (struct gs_timeline_feed){.timeline = timeline, .schedule = gs_schedule_new(take_run, feed)};
    return feed->schedule ? GS_OK : GS_NO_MEMORY;
}

void gs_timeline_feed_fini(struct gs_timeline_feed *feed)
{
    gs_schedule_free(feed->schedule);
    feed->schedule = NULL;
}

struct gs_exact_tap gs_timeline_feed_tap(struct gs_timeline_feed *feed)
{
    return (struct gs_exact_tap){feed, take_event, take_turn, take_moment, take_window, take_counts};
}
