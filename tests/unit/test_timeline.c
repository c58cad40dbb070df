/* The timelines of exact tracing, on a made-up trace. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "export/timeline.h"
#include "support/golden.h"
#include "support/stream.h"

enum { PID = 7, A = 7, B = 8 };
#define MS UINT64_C(1000000)

struct made {
    struct gs_timeline *timeline;
    FILE *out;
    struct stream stream;
    uint64_t begin_ns;
};

static void begin(struct made *m, const struct gs_timeline_format *format)
{
    static char *command[] = {"app </script>\xff", NULL};
    m->out = golden_open();
    assert_int_equal(format->open(&m->timeline, m->out, PID), GS_OK);
    stream_begin(&m->stream, m->timeline->sink);
    stream_process(&m->stream, PID, command);
    m->begin_ns = m->stream.time_ns;
}

static void add_turn(const struct made *m, pid_t tid, enum gs_gil_word word, uint64_t begin_ns, uint64_t end_ns,
                     pid_t from)
{
    struct gs_turn turn = {.tid = tid,
                           .word = (uint8_t)word,
                           .begun = true,
                           .ended = true,
                           .since_ns = m->begin_ns + begin_ns,
                           .begin_ns = m->begin_ns + begin_ns,
                           .end_ns = m->begin_ns + end_ns,
                           .waiters = word == GS_HOLDS,
                           .asks = word == GS_WAITS ? 2 : 0,
                           .forced = word == GS_HOLDS,
                           .from = from,
                           .from_ns = m->begin_ns + begin_ns - 10000};
    assert_int_equal(m->timeline->turn(m->timeline, &turn), GS_OK);
}

static void add_run(const struct made *m, pid_t tid, enum gs_run_state state, uint64_t begin_ns, uint64_t end_ns)
{
    struct gs_run_span span = {tid, state, 1, m->begin_ns + begin_ns, m->begin_ns + end_ns};
    assert_int_equal(m->timeline->run(m->timeline, &span), GS_OK);
}

/* Two threads that hand it over, are sampled twice, and one of which has a name that means harm. */
static void draw(struct made *m)
{
    uint32_t one = stream_thread(&m->stream, A, "main"), two = stream_thread(&m->stream, B, "evil\"</script>\x1b");
    uint32_t a = stream_call(&m->stream, 0, "run", "a.py", 1), b = stream_call(&m->stream, a, "hash<b>", "a.py", 2);
    stream_add(&m->stream, one, b, GS_HOLDS, GS_RUN_RUNNING);
    stream_add(&m->stream, two, a, GS_WAITS, GS_RUN_SYSCALL);
    assert_int_equal(stream_tick(&m->stream, 10 * MS, 0), GS_OK);
    assert_int_equal(m->timeline->waiters(m->timeline, 0, 1, m->begin_ns + 2 * MS, m->begin_ns + 15 * MS), GS_OK);
    add_turn(m, A, GS_HOLDS, 0, 15 * MS, 0);
    add_turn(m, B, GS_WAITS, 2 * MS, 15 * MS + 10000, 0);
    assert_int_equal(m->timeline->waiters(m->timeline, 0, 1, m->begin_ns + 15 * MS, m->begin_ns + 16 * MS), GS_OK);
    assert_int_equal(m->timeline->waiters(m->timeline, 0, 0, m->begin_ns + 16 * MS, m->begin_ns + 20 * MS), GS_OK);
    stream_clear(&m->stream);
    stream_add(&m->stream, one, a, GS_WITHOUT, GS_RUN_SYSCALL);
    stream_add(&m->stream, two, a, GS_HOLDS, GS_RUN_RUNNING);
    assert_int_equal(stream_tick(&m->stream, 10 * MS, 0), GS_OK);
    add_turn(m, A, GS_WITHOUT, 15 * MS, 25 * MS, 0);
    add_turn(m, B, GS_HOLDS, 15 * MS + 10000, 25 * MS, A);
    add_run(m, A, GS_ON_CPU, 0, 15 * MS);
    add_run(m, A, GS_PREEMPTED, 15 * MS, 16 * MS);
    add_run(m, B, GS_OFF_CPU, 0, 15 * MS);
}

static void finish(struct made *m)
{
    struct gs_gilstat_gil gil = {.state = GS_GIL_FREE};
    struct gs_gilstat stat = {.pid = PID,
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
    assert_int_equal(m->timeline->thread(m->timeline, A, "main", true), GS_OK);
    assert_int_equal(m->timeline->thread(m->timeline, B, "evil\"</script>\x1b", false), GS_OK);
    assert_int_equal(m->timeline->about(m->timeline, &end), GS_OK);
    assert_int_equal(stream_end(&m->stream), GS_OK);
}

static void chrome(void **state)
{
    struct made m;
    (void)state;
    begin(&m, &gs_timeline_chrome);
    draw(&m);
    finish(&m);
    m.timeline->close(m.timeline);
    golden_check(m.out, "exact.trace.json");
}

/* Where it cannot be traced any longer, states are drawn from samples, and what was not drawn is not ended. */
static void chrome_that_goes_on_sampled(void **state)
{
    struct made m;
    json_error_t error;
    int open = 0, states = 0;
    size_t i;
    json_t *event;
    (void)state;
    begin(&m, &gs_timeline_chrome);
    draw(&m);
    m.timeline->go_sampled(m.timeline);
    uint32_t a = stream_call(&m.stream, 0, "run", "a.py", 1);
    stream_clear(&m.stream);
    stream_add(&m.stream, 0, a, GS_HOLDS, GS_RUN_RUNNING);
    assert_int_equal(stream_tick(&m.stream, 10 * MS, 0), GS_OK);
    finish(&m);
    m.timeline->close(m.timeline);
    char *text = golden_text(m.out);
    json_t *document = json_loads(text, 0, &error);
    assert_non_null(document);
    json_array_foreach(json_object_get(document, "traceEvents"), i, event)
    {
        const char *phase = json_string_value(json_object_get(event, "ph"));
        const char *name = json_string_value(json_object_get(event, "name"));
        open += *phase == 'B';
        open -= *phase == 'E';
        states += *phase == 'B' && name && strcmp(name, "holds GIL") == 0;
        assert_true(open >= 0);
    }
    assert_int_equal(open, 0);
    assert_int_equal(states, 1);
    json_decref(document);
    free(text);
}

static void formats_are_found(void **state)
{
    (void)state;
    assert_ptr_equal(gs_timeline_find("chrometrace"), &gs_timeline_chrome);
    assert_null(gs_timeline_find("svg"));
    assert_ptr_equal(gs_timeline_of_file("a.trace.json"), &gs_timeline_chrome);
    assert_null(gs_timeline_of_file("a.svg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chrome),
        cmocka_unit_test(chrome_that_goes_on_sampled),
        cmocka_unit_test(formats_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
