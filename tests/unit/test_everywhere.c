/* One recording through all that tells of the GIL: the same seconds have the same longest hold in stat, html, top and
 * why, and the same share held, contended and waited for, and the truth, as exact events have it, lies within what
 * samples cannot know. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "diagnose/why_watch.h"
#include "export/format.h"
#include "gil/sample_feed.h"
#include "gil/exact_feed.h"
#include "profile/live.h"
#include "recording/recorder.h"
#include "recording/recording.h"
#include "support/golden.h"
#include "support/run_made.h"
#include "support/unit.h"

#define MS UINT64_C(1000000)

enum { THREADS = 3, TURNS = 600, PID = 4242, RATE = 1000 };

/* A turn of a thread, or nobody's (thread THREADS), and how long it is. */
struct gil_span {
    uint32_t thread;
    uint64_t ns;
};

static struct gil_span gil_spans[TURNS];
static uint64_t truth_ns, truth_takes[THREADS], truth_has_ns[THREADS], all_ns;
static uint64_t seed;

static uint64_t draw(uint64_t most)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % most;
}

/* Holds of some milliseconds, and now and then a long one; nobody keeps it twice in a row. */
static void make_turns(uint64_t from)
{
    seed = from;
    truth_ns = all_ns = 0;
    memset(truth_takes, 0, sizeof truth_takes);
    memset(truth_has_ns, 0, sizeof truth_has_ns);
    for (int i = 0; i < TURNS; i++) {
        uint32_t before = i > 0 ? gil_spans[i - 1].thread : 0, last = i > 1 ? gil_spans[i - 2].thread : 0;
        gil_spans[i].thread = (uint32_t)draw(THREADS + 1);
        while (gil_spans[i].thread == before || (before == THREADS && gil_spans[i].thread == last))
            gil_spans[i].thread = (gil_spans[i].thread + 1) % (THREADS + 1);
        gil_spans[i].ns = 5 * MS + draw(5 * MS) + (draw(20) == 0 ? draw(60 * MS) : 0);
        all_ns += gil_spans[i].ns;
        if (gil_spans[i].thread == THREADS)
            continue;
        truth_takes[gil_spans[i].thread] += i > 0;
        truth_has_ns[gil_spans[i].thread] += gil_spans[i].ns;
        truth_ns = gil_spans[i].ns > truth_ns ? gil_spans[i].ns : truth_ns;
    }
}

/* The recording of a program that does so, at random points of slots of a millisecond. */
static int record(void)
{
    static const char *const names[THREADS] = {"MainThread", "worker-1", "worker-2"};
    char *command[] = {"app", NULL};
    struct gs_sink *sink;
    struct gs_stacks *stacks = gs_stacks_new();
    const struct gs_run_info run = {.begin_ns = 1000 * MS, .rate_hz = RATE, .gilspy = "", .host = ""};
    const struct gs_sampled_process process = {.pid = PID, .ns_pid = PID, .python = "3.11.7", .command = command};
    int fd = run_file(), gil_span = 0;
    uint64_t ends_ns = gil_spans[0].ns, last_ns = 0, switches = 1;
    uint32_t last = gil_spans[0].thread < THREADS ? gil_spans[0].thread : GS_NO_THREAD;
    assert_int_equal(gs_recorder_open(&sink, fd), GS_OK);
    assert_int_equal(sink->begin(sink, &run), GS_OK);
    assert_int_equal(sink->process(sink, 0, &process), GS_OK);
    for (uint32_t i = 0; i < THREADS; i++) {
        struct gs_sampled_thread thread = {.tid = PID + (pid_t)i, .name = names[i], .main = i == 0};
        assert_int_equal(sink->thread(sink, i, &thread), GS_OK);
    }
    for (uint64_t slot = 0; (slot + 1) * MS < all_ns; slot++) {
        uint64_t now_ns = slot * MS + draw(MS);
        struct gs_thread_sample threads[THREADS];
        for (; ends_ns <= now_ns; ends_ns += gil_spans[++gil_span].ns) {
            uint32_t next = gil_spans[gil_span + 1].thread;
            switches += next < THREADS && next != last;
            last = next < THREADS ? next : last;
        }
        for (uint32_t i = 0; i < THREADS; i++)
            threads[i] = (struct gs_thread_sample){.thread = i,
                                                   .gil = gil_spans[gil_span].thread == i        ? GS_HOLDS
                                                          : gil_spans[gil_span].thread < THREADS ? GS_WAITS
                                                                                                 : GS_WITHOUT};
        struct gs_sampled_gil gil = {.state = gil_spans[gil_span].thread < THREADS ? GS_GIL_HELD : GS_GIL_FREE,
                                     .last = last,
                                     .counted = true,
                                     .switches = switches};
        gs_sampled_gils_count(&gil, 1, threads, THREADS);
        struct gs_sample sample = {.time_ns = run.begin_ns + now_ns,
                                   .weight_ns = now_ns - last_ns,
                                   .threads = threads,
                                   .thread_count = THREADS,
                                   .gils = &gil,
                                   .gil_count = 1,
                                   .stacks = stacks};
        assert_int_equal(sink->sample(sink, &sample), GS_OK);
        last_ns = now_ns;
    }
    assert_int_equal(sink->end(sink, &(struct gs_run_end){.end_ns = run.begin_ns + all_ns, .complete = true}), GS_OK);
    gs_recorder_close(sink);
    gs_stacks_free(stacks);
    return fd;
}

static void play(int fd, struct gs_sink *sink)
{
    struct gs_recording *recording;
    struct gs_err err;
    assert_int_equal(gs_recording_open_fd(&recording, dup(fd), "it", &err), GS_OK);
    assert_int_equal(gs_recording_play(recording, sink, 0, UINT64_MAX, &err), GS_OK);
    gs_recording_close(recording);
}

static char *drawn(int fd, const char *name)
{
    const struct gs_selection selection = {.mode = GS_MODE_WALL, .json = true};
    const struct gs_format *format = gs_format_find(name);
    FILE *out = golden_open();
    struct gs_sink *sink;
    assert_int_equal(format->open(&sink, out, &selection), GS_OK);
    play(fd, sink);
    format->close(sink);
    return golden_text(out);
}

/* What is told of the GIL. */
struct figures {
    uint64_t longest_us;
    double held, contended, waiters;
    double has[THREADS], waits[THREADS]; /* by thread */
};

/* The shares of the threads, too, and what they took. */
static struct figures of_stat(int fd)
{
    char *text = drawn(fd, "stat");
    json_t *figures = json_loads(text, 0, NULL), *threads = json_object_get(figures, "threads");
    assert_int_equal(json_array_size(threads), THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        const json_t *thread = json_array_get(threads, i);
        double has = json_number_value(json_object_get(thread, "has"));
        double bound = json_number_value(json_object_get(thread, "half_width"));
        assert_true(fabs(has - (double)truth_has_ns[i] / (double)all_ns) <=
                    1.5 * bound); /* of 99.7 %, for 30 figures */
        assert_int_equal(json_integer_value(json_object_get(thread, "acquisitions")), truth_takes[i]);
    }
    const json_t *gil = json_object_get(figures, "gil");
    struct figures told = {
        .longest_us = (uint64_t)json_integer_value(json_object_get(gil, "longest_hold_us")),
        .held = json_number_value(json_object_get(gil, "held")),
        .contended = json_number_value(json_object_get(gil, "contended")),
        .waiters = json_number_value(json_object_get(gil, "mean_waiters")),
    };
    for (size_t i = 0; i < THREADS; i++) {
        told.has[i] = json_number_value(json_object_get(json_array_get(threads, i), "has"));
        told.waits[i] = json_number_value(json_object_get(json_array_get(threads, i), "waits"));
    }
    json_decref(figures);
    free(text);
    return told;
}

static uint64_t of_html(int fd)
{
    char *text = drawn(fd, "html");
    const char *at = strstr(text, "\"holds\": [");
    unsigned long long thread, begin_us, end_us;
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"holds\": [ [%llu, %llu, %llu", &thread, &begin_us, &end_us), 3);
    free(text);
    return end_us - begin_us;
}

static struct figures of_top(int fd)
{
    struct gs_live *live = gs_live_new(false, &(struct gs_selection){.mode = GS_MODE_WALL});
    struct gs_arena *arena = gs_arena_new();
    gs_live_rate(live, RATE);
    play(fd, gs_live_sink(live));
    const struct gs_picture *picture = gs_live_picture(live, arena, GS_SHOW_HOLDS, 0, 1000 * MS + all_ns);
    const struct gs_picture_gil *gil = &picture->gils[0];
    struct figures told = {.longest_us = gil->longest.longest_us, .held = gil->held, .waiters = gil->waiting};
    gs_arena_free(arena);
    gs_live_free(live);
    return told;
}

/* why takes snapshots: made of the samples. */
struct watch_sink {
    struct gs_sink sink;
    struct gs_why_watch watch;
};

static enum gs_status watch_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_thread threads[THREADS];
    struct gs_interpreter interpreter = {.id = 0};
    const struct gs_thread_sample *holder = gs_sample_holder(sample, 0);
    struct gs_gil gil = {.state = sample->gils[0].state,
                         .holder = holder ? PID + (pid_t)holder->thread : 0,
                         .has_switches = true,
                         .switches = sample->gils[0].switches};
    for (uint32_t i = 0; i < THREADS; i++)
        threads[i] =
            (struct gs_thread){.tstate = i + 1, .tid = PID + (pid_t)i, .gil = (enum gs_gil_word)sample->threads[i].gil};
    struct gs_snapshot snapshot = {.time_ns = sample->time_ns,
                                   .interpreters = &interpreter,
                                   .interpreter_count = 1,
                                   .gils = &gil,
                                   .gil_count = 1,
                                   .threads = threads,
                                   .thread_count = THREADS};
    return gs_why_watch_add(&((struct watch_sink *)sink)->watch, &snapshot);
}

static enum gs_status watch_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    (void)end;
    gs_why_watch_end(&((struct watch_sink *)sink)->watch);
    return GS_OK;
}

static struct figures of_why(int fd)
{
    struct watch_sink sink = {.sink = {.sample = watch_sample, .end = watch_end}};
    uint64_t longest_ns = 0;
    play(fd, &sink.sink);
    for (size_t i = 0; i < sink.watch.thread_count; i++) {
        for (int spent = 0; spent < GS_WHY_SPENT_COUNT; spent++) {
            const struct gs_why_hold *hold = &sink.watch.threads[i].longest[spent];
            uint64_t ns = hold->end_ns - hold->begin_ns;
            longest_ns = ns > longest_ns ? ns : longest_ns;
        }
    }
    const struct gs_why_gil *gil = &sink.watch.gils[0];
    struct figures told = {.longest_us = longest_ns / 1000,
                           .held = gs_why_gil_held(gil),
                           .contended = gs_why_gil_contended(gil),
                           .waiters = (double)gil->sum.waiters_ns / (double)gil->sum.asked_ns};
    for (size_t i = 0; i < THREADS; i++) {
        const struct gs_why_thread *thread = &sink.watch.threads[i];
        told.has[i] = (double)thread->word_ns[GS_HOLDS] / (double)sink.watch.weighed_ns;
        told.waits[i] = (double)thread->word_ns[GS_WAITS] / (double)sink.watch.weighed_ns;
    }
    gs_why_watch_fini(&sink.watch);
    return told;
}

static void find_name(void *context, pid_t tid, char *name, size_t size, uint64_t *ident, bool *main)
{
    (void)context;
    snprintf(name, size, "thread %d", (int)tid);
    *ident = 0;
    *main = tid == PID;
}

/* What each take and drop tells, by the same account. */
static uint64_t of_exact(void)
{
    struct gs_gil_addresses addresses = {.count = 1};
    struct gs_exact_feed_source source = {NULL, find_name, NULL};
    struct gs_exact_feed *feed = gs_exact_feed_new(&addresses, 20 * MS, &source);
    struct gs_gilstat stat = {0};
    uint64_t now_ns = 1000 * MS;
    for (int i = 0; i < TURNS; now_ns += gil_spans[i++].ns) {
        struct gs_gil_span gil_span = {.tid = PID + (pid_t)gil_spans[i].thread,
                                       .word = GS_HOLDS,
                                       .since_ns = now_ns,
                                       .begin_ns = now_ns,
                                       .end_ns = now_ns + gil_spans[i].ns,
                                       .begun = i > 0,
                                       .ended = true};
        if (gil_spans[i].thread < THREADS)
            gs_exact_feed_turn(feed, &gil_span);
    }
    gs_exact_feed_window(feed, all_ns);
    assert_int_equal(gs_exact_feed_finish(feed, all_ns, &stat), GS_OK);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(stat.threads[i].acquisitions.value, truth_takes[i]);
        assert_true(fabs(stat.threads[i].has - (double)truth_has_ns[i] / (double)all_ns) < 1e-9);
    }
    uint64_t us = stat.gils[0].longest_hold_us.value;
    gs_gilstat_fini(&stat);
    gs_exact_feed_free(feed);
    return us;
}

static void same(double value, double other)
{
    assert_true(fabs(value - other) < 1e-8); /* JSON has them in digits */
}

UNIT_TEST(the_same_seconds_have_the_same_figures)
{
    for (uint64_t run = 1; run <= 10; run++) {
        make_turns(88172645463325252u + run);
        int fd = record();
        struct figures stat = of_stat(fd), top = of_top(fd), why = of_why(fd);
        uint64_t us = stat.longest_us, held_ns = 0;
        assert_in_range(of_html(fd), us - 1, us + 1); /* begin and end are whole microseconds there */
        assert_int_equal(top.longest_us, us);
        assert_int_equal(why.longest_us, us);
        same(top.held, stat.held);
        same(why.held, stat.held);
        same(why.contended, stat.contended);
        same(top.waiters, stat.waiters);
        same(why.waiters, stat.waiters);
        assert_int_equal(of_exact(), truth_ns / 1000);
        assert_true(us + 2000 > truth_ns / 1000 && us < truth_ns / 1000 + 2000); /* a slot at either end */
        for (int i = 0; i < THREADS; i++) {
            same(why.has[i], stat.has[i]);
            same(why.waits[i], stat.waits[i]);
            held_ns += truth_has_ns[i];
        }
        assert_true(fabs(stat.held - (double)held_ns / (double)all_ns) < 0.01);
        same(stat.contended, stat.held); /* whoever has it keeps both others waiting */
        same(stat.waiters, 2 * stat.held);
        close(fd);
    }
}
