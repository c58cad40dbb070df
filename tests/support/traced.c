/* The trace that never was. */

#include "support/traced.h"
#include "support/unit.h"

enum { A = TRACED_A, B = TRACED_B };
#define MS TRACED_MS

void traced_begin(struct traced *t, const struct gs_timeline_format *format, FILE *out)
{
    static char *command[] = {"app </script>\xff", NULL};
    static const struct gs_selection everything = {.mode = GS_MODE_WALL};
    assert_int_equal(format->open(&t->timeline, out, TRACED_PID, &everything), GS_OK);
    stream_begin(&t->stream, t->timeline->sink);
    stream_process(&t->stream, TRACED_PID, command);
    t->begin_ns = t->stream.time_ns;
}

static void add_gil_span(const struct traced *t, pid_t tid, enum gs_gil_word word, uint64_t begin_ns, uint64_t end_ns,
                         pid_t from)
{
    struct gs_gil_span gil_span = {.tid = tid,
                                   .word = (uint8_t)word,
                                   .begun = true,
                                   .ended = true,
                                   .since_ns = t->begin_ns + begin_ns,
                                   .begin_ns = t->begin_ns + begin_ns,
                                   .end_ns = t->begin_ns + end_ns,
                                   .waiters = word == GS_HOLDS,
                                   .asks = word == GS_WAITS ? 2 : 0,
                                   .forced = word == GS_HOLDS,
                                   .from = from,
                                   .from_ns = t->begin_ns + begin_ns - 10000};
    assert_int_equal(t->timeline->gil_span(t->timeline, &gil_span), GS_OK);
}

static void add_run(const struct traced *t, pid_t tid, enum gs_run_state state, uint64_t begin_ns, uint64_t end_ns)
{
    struct gs_run_span span = {
        .tid = tid, .state = state, .cpu = 1, .begin_ns = t->begin_ns + begin_ns, .end_ns = t->begin_ns + end_ns};
    assert_int_equal(t->timeline->run(t->timeline, &span), GS_OK);
}

static void add_pause(const struct traced *t, enum gs_pause_kind kind, uint64_t begin_ns, uint64_t end_ns,
                      const struct gs_gilstat_place *place)
{
    struct gs_exact_pause pause = {.tid = B,
                                   .kind = (uint8_t)kind,
                                   .gc = kind == GS_PAUSE_WORLD,
                                   .begin_ns = t->begin_ns + begin_ns,
                                   .end_ns = t->begin_ns + end_ns,
                                   .place = place};
    assert_int_equal(t->timeline->pause(t->timeline, &pause), GS_OK);
}

void traced_draw(struct traced *t)
{
    static const struct gs_gilstat_place place = {.function = "collect<b>", .file = "a.py", .line = 3};
    uint32_t one = stream_thread(&t->stream, A, "main"), two = stream_thread(&t->stream, B, "evil\"</script>\x1b");
    uint32_t a = stream_call(&t->stream, 0, "run", "a.py", 1), b = stream_call(&t->stream, a, "hash<b>", "a.py", 2);
    stream_add(&t->stream, one, b, GS_HOLDS, GS_RUN_RUNNING);
    stream_add(&t->stream, two, a, GS_WAITS, GS_RUN_SYSCALL);
    assert_int_equal(stream_tick(&t->stream, 10 * MS, 0), GS_OK);
    assert_int_equal(t->timeline->waiters(t->timeline, 0, 1, t->begin_ns + 2 * MS, t->begin_ns + 15 * MS), GS_OK);
    add_gil_span(t, A, GS_HOLDS, 0, 15 * MS, 0);
    add_gil_span(t, B, GS_WAITS, 2 * MS, 15 * MS + 10000, 0);
    add_pause(t, GS_PAUSE_WORLD, 5 * MS, 6 * MS, &place);
    add_pause(t, GS_PAUSE_GC, 4 * MS, 7 * MS, NULL);
    assert_int_equal(t->timeline->waiters(t->timeline, 0, 1, t->begin_ns + 15 * MS, t->begin_ns + 16 * MS), GS_OK);
    assert_int_equal(t->timeline->waiters(t->timeline, 0, 0, t->begin_ns + 16 * MS, t->begin_ns + 20 * MS), GS_OK);
    stream_clear(&t->stream);
    stream_add(&t->stream, one, a, GS_WITHOUT, GS_RUN_SYSCALL);
    stream_add(&t->stream, two, a, GS_HOLDS, GS_RUN_RUNNING);
    assert_int_equal(stream_tick(&t->stream, 10 * MS, 0), GS_OK);
    add_gil_span(t, A, GS_WITHOUT, 15 * MS, 25 * MS, 0);
    add_gil_span(t, B, GS_HOLDS, 15 * MS + 10000, 25 * MS, A);
    add_run(t, A, GS_ON_CPU, 0, 15 * MS);
    add_run(t, A, GS_PREEMPTED, 15 * MS, 16 * MS);
    add_run(t, B, GS_OFF_CPU, 0, 15 * MS);
}

void traced_go_on(struct traced *t, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        uint64_t at_ns = (25 + (uint64_t)i * 20) * MS;
        assert_int_equal(stream_tick(&t->stream, 20 * MS, 0), GS_OK);
        add_gil_span(t, A, GS_WAITS, at_ns, at_ns + 5 * MS, 0);
        add_gil_span(t, B, GS_WITHOUT, at_ns, at_ns + 7 * MS, 0);
        add_gil_span(t, A, GS_HOLDS, at_ns + 5 * MS, at_ns + 9 * MS, B);
        add_gil_span(t, B, GS_WAITS, at_ns + 7 * MS, at_ns + 10 * MS, 0);
        add_gil_span(t, A, GS_WITHOUT, at_ns + 9 * MS, at_ns + 20 * MS, 0);
        add_gil_span(t, B, GS_HOLDS, at_ns + 10 * MS, at_ns + 20 * MS, A);
        for (unsigned k = 0; k < 4; k++)
            add_run(t, B, k % 2 ? GS_OFF_CPU : GS_ON_CPU, at_ns + k * 5 * MS, at_ns + (k + 1) * 5 * MS);
    }
}

void traced_finish(struct traced *t)
{
    struct gs_gilstat_thread threads[] = {
        {.tid = A, .name = "main", .main = true, .has = 0.6, .without = 0.4},
        {.tid = B, .name = "evil\"</script>\x1b", .has = 0.396, .waits = 0.5, .without = 0.104},
    };
    struct gs_gilstat_hog hog = {.tid = B,
                                 .thread = "evil\"</script>\x1b",
                                 .place = {.function = "hash<b>", .file = "a.py", .line = 2},
                                 .held_us = 50000,
                                 .longest_us = 25000,
                                 .holds = 2,
                                 .waiters = 1};
    struct gs_gilstat_gil gil = {.state = GS_GIL_FREE, .held = gs_figure(0.996), .mean_waiters = gs_figure(0.5)};
    struct gs_gilstat_cause cause = {
        .tid = B, .why = "gc", .place = {.function = "collect<b>", .file = "a.py", .line = 3}, .us = 1000};
    struct gs_gilstat stat = {.pid = TRACED_PID,
                              .worlds = {.known = true, .causes = &cause, .cause_count = 1},
                              .threads = threads,
                              .thread_count = 2,
                              .hogs = &hog,
                              .hog_count = 1,
                              .long_us = 20000,
                              .python = "3.11.7",
                              .method = GS_METHOD_EXACT,
                              .seconds = 0.025,
                              .exact_seconds = 0.025,
                              .gils = &gil,
                              .gil_count = 1,
                              .events = gs_count(12),
                              .events_lost = gs_count(0),
                              .violations = gs_count(0),
                              .overhead = gs_figure(0.01)};
    struct gs_timeline_end end = {.stat = &stat, .trap_ns = 9500, .windows = 1, .waits = true, .switches = true};
    assert_int_equal(t->timeline->thread(t->timeline, A, "main", true), GS_OK);
    assert_int_equal(t->timeline->thread(t->timeline, B, "evil\"</script>\x1b", false), GS_OK);
    assert_int_equal(t->timeline->about(t->timeline, &end), GS_OK);
    assert_int_equal(stream_end(&t->stream), GS_OK);
}
