/* Failures are kept until somebody asks: spans of any kind come from where nobody can be told. */
#include <stdlib.h>

#include "base/room.h"
#include "export/timeline/feed.h"

enum {
    NAME_BYTES = 256,
    AGAIN_NS = 100000000 /* threads get their names some time after they were born */
};

static void keep_failure(struct gs_timeline_feed *feed, enum gs_status status)
{
    feed->failed = feed->failed ? feed->failed : status;
}

/* ---- who is chosen ---- */

static struct gs_timeline_choice *choice_of(struct gs_timeline_feed *feed, pid_t tid)
{
    uint32_t index = gs_ids_find(&feed->by_tid, (uint32_t)tid);
    if (index != GS_IDS_NONE)
        return &feed->choices[index];
    if (!gs_room((void **)&feed->choices, &feed->choice_room, feed->choice_count + 1, sizeof *feed->choices) ||
        !gs_ids_set(&feed->by_tid, (uint32_t)tid, (uint32_t)feed->choice_count))
        return NULL;
    struct gs_timeline_choice *choice = &feed->choices[feed->choice_count++];
    *choice = (struct gs_timeline_choice){.chosen = false};
    return choice;
}

static bool is_chosen(struct gs_timeline_feed *feed, pid_t tid, uint64_t ns)
{
    const struct gs_selection *selection = feed->selection;
    struct gs_timeline_choice *choice = selection->pattern_count > 0 ? choice_of(feed, tid) : NULL;
    char name[NAME_BYTES] = "";
    if (selection->pattern_count == 0 || !choice)
        return selection->pattern_count == 0;
    if (choice->chosen || (choice->asked_ns && ns - choice->asked_ns < AGAIN_NS))
        return choice->chosen;
    choice->asked_ns = ns;
    if (feed->exact)
        gs_exact_name(feed->exact, tid, name, sizeof name);
    choice->chosen = gs_patterns_fit(selection->patterns, selection->pattern_count, tid, name);
    return choice->chosen;
}

/* ---- what happens ---- */

static enum gs_status take_event(void *context, const struct gs_event *event)
{
    struct gs_timeline_feed *feed = context;
    return gs_schedule_event(feed->schedule, event);
}

static void take_gil_span(void *context, const struct gs_gil_span *gil_span)
{
    struct gs_timeline_feed *feed = context;
    struct gs_gil_span shown = *gil_span;
    if (!is_chosen(feed, gil_span->tid, gil_span->end_ns))
        return;
    if (gil_span->from && !is_chosen(feed, gil_span->from, gil_span->end_ns))
        shown.from = 0; /* no arrow comes out of nowhere */
    keep_failure(feed, feed->timeline->gil_span(feed->timeline, &shown));
}

static void take_run(void *context, const struct gs_run_span *span)
{
    struct gs_timeline_feed *feed = context;
    struct gs_run_span shown = *span;
    if (!is_chosen(feed, span->tid, span->end_ns))
        return;
    shown.ours = span->ours && is_chosen(feed, span->waker, span->end_ns);
    keep_failure(feed, feed->timeline->run(feed->timeline, &shown));
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

static void take_pause(void *context, const struct gs_exact_pause *pause)
{
    struct gs_timeline_feed *feed = context;
    if (is_chosen(feed, pause->tid, pause->end_ns))
        keep_failure(feed, feed->timeline->pause(feed->timeline, pause));
}

enum gs_status gs_timeline_feed_init(struct gs_timeline_feed *feed, struct gs_timeline *timeline,
                                     const struct gs_selection *selection)
{
    *feed = (struct gs_timeline_feed){
        .timeline = timeline, .selection = selection, .schedule = gs_schedule_new(take_run, feed)};
    return feed->schedule ? GS_OK : GS_NO_MEMORY;
}

void gs_timeline_feed_fini(struct gs_timeline_feed *feed)
{
    gs_schedule_free(feed->schedule);
    free(feed->choices);
    gs_ids_fini(&feed->by_tid);
    feed->schedule = NULL;
}

struct gs_exact_tap gs_timeline_feed_tap(struct gs_timeline_feed *feed)
{
    return (struct gs_exact_tap){feed, take_event, take_gil_span, take_moment, take_window, take_counts, take_pause};
}
