/* Timelines in the Trace Event Format. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "support/drawn.h"
#include "support/stream.h"
#include "export/format.h"
#include "support/golden.h"
#include "support/unit.h"

UNIT_TEST(golden)
{
    static const char *const patterns[] = {"worker-1", "4251"};
    drawn_check("app", "chrome",
                (struct gs_selection){.mode = GS_MODE_ACTIVE, .patterns = patterns, .pattern_count = 2},
                "app-two-threads.trace.json");
    drawn_check("processes", "chrometrace", (struct gs_selection){.mode = GS_MODE_BLAME, .threads = true},
                "processes-blame-threads.trace.json");
    drawn_check("free", "chrome", (struct gs_selection){.mode = GS_MODE_WALL, .function = true}, "free.trace.json");
    drawn_check("empty", "chrome", (struct gs_selection){.mode = GS_MODE_WALL}, "empty.trace.json");
}

/* A thread that goes away and comes again, time that nobody sampled, a stack that has only its end in common. */
UNIT_TEST(holes)
{
    enum { MS = 1000000 };
    static char *command[] = {"app", NULL};
    struct gs_selection selection = {.mode = GS_MODE_WALL};
    const struct gs_format *format = gs_format_find("chrome");
    FILE *out = golden_open();
    struct gs_sink *sink;
    struct stream s;
    assert_int_equal(format->open(&sink, out, &selection), GS_OK);
    stream_begin(&s, sink);
    stream_process(&s, 7, command);
    uint32_t one = stream_thread(&s, 7, "main"), two = stream_thread(&s, 8, "other");
    uint32_t a = stream_call(&s, 0, "a", "a.py", 1), b = stream_call(&s, a, "b", "a.py", 2);
    uint32_t c = stream_call(&s, stream_call(&s, 0, "c", "a.py", 3), "b", "a.py", 2);
    stream_add(&s, one, b, GS_HOLDS, GS_RUN_RUNNING);
    stream_add(&s, two, a, GS_WAITS, GS_RUN_SYSCALL);
    assert_int_equal(stream_tick(&s, 10 * MS, 0), GS_OK);
    stream_clear(&s);
    stream_add(&s, one, c, GS_HOLDS, GS_RUN_RUNNING);
    assert_int_equal(stream_tick(&s, 10 * MS + 250, 0), GS_OK);
    s.time_ns += 5 * MS; /* of no sample's weight */
    stream_add(&s, two, a, GS_WAITS, GS_RUN_SYSCALL);
    assert_int_equal(stream_tick(&s, 10 * MS, 0), GS_OK);
    stream_forget(&s);
    a = stream_call(&s, 0, "a", "a.py", 1);
    stream_add(&s, two, a, GS_WITHOUT, GS_RUN_RUNNING);
    assert_int_equal(stream_tick(&s, 10 * MS, 0), GS_OK);
    assert_int_equal(stream_end(&s), GS_OK);
    format->close(sink);
    golden_check(out, "holes.trace.json");
}

UNIT_TEST(hostile_names)
{
    struct gs_selection selection = {.mode = GS_MODE_WALL, .threads = true};
    char *text = drawn_text("hostile", "chrome", &selection);
    json_t *file = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(file);
    drawn_is_plain(text);
    /* One process, two names and places in the order for each thread, a counter, a state and three calls each. */
    assert_int_equal(json_array_size(json_object_get(file, "traceEvents")), 2 + 14 * 4 + 1 + 14 * 2 * (1 + 3));
    json_decref(file);
    free(text);
}

UNIT_TEST(numbers_of_any_size)
{
    drawn_wild("chrome");
}
