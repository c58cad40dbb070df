/* Samples of one process, taken in one after the other. */
#include <stdio.h>
#include <stdlib.h>

#include "base/least.h"
#include "gil/bounds.h"
#include "gil/feed_gils.h"
#include "gil/lock_account.h"
#include "gil/loops.h"
#include "gil/pauses.h"
#include "gil/sample_feed.h"

enum {
    RAN_NS = 1000000000, /* how often times on processors are read, for those that end */
    QUARTER = 4,
    PLACED = 20 /* of so many hand-overs at most one may be to nobody knows whom */
};

struct gs_sample_feed {
    char python[48];
    double rate_hz;
    struct gs_account *account;
    struct gs_feed_threads threads;
    struct gs_feed_gils gils;
    struct gs_loops loops;
    struct gs_lock_account *locks;
    bool locks_known; /* in the last sample */
    struct gs_pauses pauses;
    struct gs_bounds_span span;
    uint64_t missed_ns; /* further time, in which samples came so late that nothing is known of it */
    uint64_t ran_ns;    /* when times on processors were last read */
    uint32_t from;      /* the last sample's processor, as in struct gs_sample */
};

struct gs_sample_feed *gs_sample_feed_new(const struct gs_sampled_process *process,
                                          const struct gs_sample_feed_options *options)
{
    struct gs_sample_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return NULL;
    feed->account = gs_account_new();
    feed->locks = gs_lock_account_new();
    if (!feed->account || !feed->locks) {
        gs_sample_feed_free(feed);
        return NULL;
    }
    snprintf(feed->python, sizeof feed->python, "%s", process->python);
    feed->rate_hz = options->rate_hz;
    feed->threads = (struct gs_feed_threads){.account = feed->account, .pid = process->pid, .ran = options->ran};
    feed->gils.account = feed->account;
    feed->gils.threads = &feed->threads;
    feed->gils.rule = gs_hold_rule(options->rate_hz);
    feed->gils.long_ns = options->long_us * 1000;
    return feed;
}

void gs_sample_feed_free(struct gs_sample_feed *feed)
{
    if (!feed)
        return;
    gs_feed_threads_fini(&feed->threads);
    gs_loops_fini(&feed->loops);
    gs_lock_account_free(feed->locks);
    gs_pauses_fini(&feed->pauses);
    gs_account_free(feed->account);
    free(feed);
}

enum gs_status gs_sample_feed_thread(struct gs_sample_feed *feed, uint32_t number,
                                     const struct gs_sampled_thread *thread)
{
    return gs_feed_threads_add(&feed->threads, number, thread);
}

void gs_sample_feed_forget(struct gs_sample_feed *feed)
{
    gs_feed_gils_forget(&feed->gils);
}

void gs_sample_feed_over(struct gs_sample_feed *feed, pid_t pid)
{
    feed->threads.over = feed->threads.over || feed->threads.pid == pid;
}

uint64_t gs_sample_feed_count(const struct gs_sample_feed *feed)
{
    return feed->span.samples;
}

/* ---- from sample to sample ---- */

/* The wait that the thread is in, or was until now. got: it had the GIL meanwhile. */
static void step_wait(struct gs_sample_feed *feed, struct gs_feed_thread *thread, bool got, uint64_t middle_ns)
{
    bool ends = thread->word == GS_HOLDS || thread->word == GS_WITHOUT || thread->word == GS_NONE;
    if (thread->waits_ns > 0 && (ends || (got && thread->word == GS_WAITS))) {
        gs_account_wait(feed->account, thread->row, middle_ns > thread->waits_ns ? middle_ns - thread->waits_ns : 0);
        thread->waits_ns = 0;
    }
    if (thread->word == GS_WAITS && thread->waits_ns == 0)
        thread->waits_ns = middle_ns;
}

static void blame(struct gs_sample_feed *feed, const struct gs_feed_thread *waiter, const struct gs_feed_thread *holder,
                  uint64_t ns)
{
    if (holder && holder->row != GS_FEED_NO_ROW && holder != waiter)
        gs_account_blame(feed->account, waiter->row, holder->row, ns);
}

/* Half of the gap is for what the thread did at its beginning, half for what it does now. */
static void step_thread(struct gs_sample_feed *feed, struct gs_feed_thread *thread, uint64_t time_ns, uint64_t gap_ns)
{
    const struct gs_feed_gil *gil = &feed->gils.list[thread->gil];
    struct gs_account_thread *row = gs_account_at(feed->account, thread->row);
    if (feed->from)
        row->bounds.has_from_ns[feed->from % GS_BOUNDS_PROCESSORS] += thread->word == GS_HOLDS ? gap_ns : 0;
    uint64_t half_ns = gap_ns / 2, rest_ns = gap_ns - half_ns;
    bool had = thread->any && thread->before == GS_HOLDS, has = thread->word == GS_HOLDS;
    if (thread->any && thread->before == GS_WITHOUT && thread->word == GS_WITHOUT) { /* as most do */
        gs_account_spend(row, GS_WITHOUT, gap_ns);
        return;
    }
    if (thread->any)
        gs_account_spend(row, thread->before, half_ns);
    gs_account_spend(row, thread->word, rest_ns);
    if (had != has)
        row->bounds.error_ns2 += (double)gap_ns * (double)gap_ns / 2; /* see sample_feed.h */
    if (thread->any && thread->before == GS_WAITS && gil->step.was_held)
        blame(feed, thread, gil->was, half_ns);
    if (thread->word == GS_WAITS && gil->track.follow.last.held)
        blame(feed, thread, gil->holder, rest_ns);
    step_wait(feed, thread, gil->step.moved > 0 && gil->last == thread, time_ns - half_ns);
    thread->any = true;
}

/* After a gap of which nothing is known everything begins anew, but for the hand-overs, which are counted. */
static void break_off(struct gs_sample_feed *feed, uint64_t gap_ns)
{
    gs_feed_threads_break_off(&feed->threads);
    feed->missed_ns += gap_ns;
    feed->span.lost_ns += (double)gap_ns;
    feed->span.lost_ns2 += (double)gap_ns * (double)gap_ns;
}

/* A gap that is longer than usual says less of what was in it, unless nothing changed hands. */
static void note_late(struct gs_sample_feed *feed, uint64_t gap_ns, bool moved)
{
    const double usual = 2;
    if (moved && (double)gap_ns * feed->rate_hz > usual * 1e9)
        feed->span.late_ns2 += (double)gap_ns * (double)gap_ns;
}

static void note_processor(struct gs_sample_feed *feed, uint32_t processor, uint64_t gap_ns)
{
    feed->span.stays += processor && processor != feed->from;
    feed->from = processor;
    if (processor)
        feed->span.from_ns[processor % GS_BOUNDS_PROCESSORS] += gap_ns;
}

static void leave(void *context, const struct gs_feed_thread *thread)
{
    gs_feed_gils_leave(&((struct gs_sample_feed *)context)->gils, thread);
}

static enum gs_status add_locks(struct gs_sample_feed *feed, const struct gs_sample *sample, uint64_t gap_ns)
{
    enum gs_status status = GS_OK;
    feed->locks_known = sample->locks_known;
    if (!sample->locks_known)
        return GS_OK;
    gs_lock_account_begin(feed->locks, sample->time_ns, gap_ns);
    for (size_t i = 0; i < sample->lock_count && !status; i++) {
        const struct gs_feed_thread *thread = feed->threads.at[sample->locks[i].thread_at];
        if (thread)
            status = gs_lock_account_wait(feed->locks, thread->tid, &sample->locks[i]);
    }
    gs_lock_account_end(feed->locks);
    for (size_t i = 0; i < sample->looks.count && !status; i++)
        status = gs_lock_account_look(feed->locks, &sample->looks.list[i]);
    return status;
}

enum gs_status gs_sample_feed_add(struct gs_sample_feed *feed, const struct gs_sample *sample)
{
    struct gs_feed_threads *threads = &feed->threads;
    bool moved, any = threads->samples++ > 0;
    uint64_t gap_ns = any && sample->time_ns > threads->last_ns ? sample->time_ns - threads->last_ns : 0;
    bool lost = gs_feed_gils_begin(&feed->gils, sample, &moved);
    if (lost)
        break_off(feed, gap_ns);
    gap_ns = lost ? 0 : gap_ns;
    note_late(feed, gap_ns, moved);
    note_processor(feed, sample->processor, gap_ns);
    enum gs_status status = gs_feed_threads_take(threads, sample);
    if (status)
        return status;
    gs_feed_gils_step(&feed->gils, sample, gap_ns, lost);
    for (size_t i = 0; i < sample->loop_count && !status; i++) {
        const struct gs_feed_thread *thread = threads->at[sample->loops[i].thread_at];
        if (thread)
            status = gs_loops_add(&feed->loops, sample, i, thread->tid, gap_ns);
    }
    if (!status)
        status = add_locks(feed, sample, gap_ns);
    if (!status)
        status = gs_pauses_add(&feed->pauses, sample, threads, gap_ns);
    if (status)
        return status;
    for (size_t i = 0; i < threads->count; i++) {
        struct gs_feed_thread *thread = threads->list[i];
        if (thread->row != GS_FEED_NO_ROW && !thread->ended && thread->sample > 0)
            step_thread(feed, thread, sample->time_ns, gap_ns);
    }
    gs_feed_gils_charge(&feed->gils, sample);
    gs_feed_threads_drop(threads, gap_ns, leave, feed);
    threads->last_ns = gs_most(threads->last_ns, sample->time_ns);
    if (sample->time_ns - feed->ran_ns >= RAN_NS) {
        feed->ran_ns = sample->time_ns;
        gs_feed_threads_ask(threads, sample->time_ns);
    }
    feed->span.samples++;
    feed->span.ns += gap_ns;
    return GS_OK;
}

/* ---- the end of a span ---- */

/* The share of all that was watched, or, where the whole process has ended since its times were last read, of what was
 * watched until then. What a thread did that ended by itself after that is not known, unless it was next to nothing. */
static struct gs_figure on_cpu(const struct gs_account_thread *thread, double all)
{
    const double nothing = 0.01;
    double unread = (double)thread->unread_ns;
    if (!thread->ran_ns.known || (unread > nothing * all && !thread->to_the_end) || unread >= all)
        return (struct gs_figure){0};
    return gs_figure((double)thread->ran_ns.value / (thread->to_the_end ? all - unread : all));
}

/* What is a matter of the whole span: also of threads that have ended. */
static void set_figures(struct gs_sample_feed *feed)
{
    double all = (double)(feed->span.ns + feed->missed_ns);
    for (size_t i = 0; i < gs_account_count(feed->account); i++) {
        struct gs_account_thread *thread = gs_account_at(feed->account, (uint32_t)i);
        thread->bounds.has_ns = thread->word_ns[GS_HOLDS];
        thread->half_width = gs_bounds(&feed->span, &thread->bounds);
        thread->on_cpu = on_cpu(thread, all);
    }
}

/* Times that samples have seen make up for those that none has. */
static void fill_in(double factor, struct gs_gilstat *stat)
{
    for (size_t i = 0; i < stat->thread_count; i++)
        stat->threads[i].wait_us.value = (uint64_t)((double)stat->threads[i].wait_us.value * factor);
    for (size_t i = 0; i < stat->blame_count; i++)
        stat->blame[i].us = (uint64_t)((double)stat->blame[i].us * factor);
}

enum gs_status gs_sample_feed_finish(struct gs_sample_feed *feed, struct gs_gilstat *stat)
{
    const struct gs_feed_gil *main = &feed->gils.list[0];
    feed->span.counted = feed->gils.count > 0 && main->track.follow.last.counted;
    double moved = feed->gils.count > 0 ? gs_account_gil_at(feed->account, 0)->sum.moved : 0;
    bool slow = feed->span.counted && QUARTER * moved <= (double)feed->span.samples;
    struct gs_account_knows knows = {.takes = slow && PLACED * (double)main->unplaced <= moved + PLACED,
                                     .waits = slow,
                                     .holds = slow,
                                     .longest = feed->span.counted};
    gs_feed_gils_cut(&feed->gils);
    gs_feed_threads_cut(&feed->threads);
    set_figures(feed);
    *stat = (struct gs_gilstat){.pid = feed->threads.pid,
                                .python = feed->python,
                                .method = GS_METHOD_SAMPLED,
                                .seconds = (double)(feed->span.ns + feed->missed_ns) / 1e9,
                                .rate_hz = feed->rate_hz,
                                .long_us = feed->gils.long_ns / 1000,
                                .gils_left_out = feed->threads.left_out,
                                .quality = {.samples = feed->span.samples}};
    enum gs_status status = gs_account_finish(feed->account, feed->span.ns, &knows, stat);
    double factor = feed->span.ns > 0 ? 1 + (double)feed->missed_ns / (double)feed->span.ns : 1;
    fill_in(factor, stat);
    if (!status && feed->locks_known)
        status = gs_lock_account_finish(feed->locks, &feed->span, factor, stat);
    if (!status)
        status = gs_loops_finish(&feed->loops, stat);
    return status ? status : gs_pauses_finish(&feed->pauses, feed->span.ns, stat);
}

void gs_sample_feed_next(struct gs_sample_feed *feed)
{
    gs_account_clear(feed->account);
    gs_feed_threads_next(&feed->threads);
    for (size_t i = 0; i < feed->gils.count; i++)
        feed->gils.list[i].unplaced = 0;
    gs_loops_next(&feed->loops);
    gs_lock_account_next(feed->locks);
    gs_pauses_next(&feed->pauses);
    feed->span = (struct gs_bounds_span){0};
    feed->missed_ns = 0;
    feed->ran_ns = feed->threads.last_ns;
}
