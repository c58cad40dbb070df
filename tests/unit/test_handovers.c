/* A thread that gave up the GIL and has it again held it twice: what counts hand-overs tells, in each format. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "export/format.h"
#include "support/golden.h"
#include "support/stream.h"
#include "support/unit.h"

enum { MS = 1000000 };

/* The first thread has the GIL in each of 20 samples; the other one had it once in between, in the middle. */
static char *draw(const char *name, bool counted)
{
    static char *command[] = {"python3", "app.py", NULL};
    const struct gs_selection selection = {.mode = GS_MODE_WALL, .json = true};
    const struct gs_format *format = gs_format_find(name);
    FILE *out = golden_open();
    struct gs_sink *sink;
    struct stream s;
    assert_int_equal(format->open(&sink, out, &selection), GS_OK);
    stream_begin(&s, sink);
    stream_process(&s, 4242, command);
    uint32_t one = stream_thread(&s, 4242, "one"), two = stream_thread(&s, 4243, "two");
    uint32_t work = stream_call(&s, 0, "work", "app.py", 7);
    stream_add(&s, one, work, GS_HOLDS, GS_RUN_RUNNING);
    stream_add(&s, two, work, GS_WAITS, GS_RUN_SYSCALL);
    s.counted = counted;
    for (int i = 0; i < 20; i++) {
        s.switches[0] = i < 10 ? 1 : 3;
        assert_int_equal(stream_tick(&s, 10 * MS, 0), GS_OK);
    }
    assert_int_equal(stream_end(&s), GS_OK);
    format->close(sink);
    return golden_text(out);
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)); text++)
        count++;
    return count;
}

UNIT_TEST(chrome)
{
    char *apart = draw("chrome", true), *together = draw("chrome", false);
    assert_int_equal(count_of(apart, "\"holds GIL\""), 2);
    assert_int_equal(count_of(together, "\"holds GIL\""), 1);
    free(apart);
    free(together);
}

UNIT_TEST(html)
{
    char *apart = draw("html", true), *together = draw("html", false);
    /* Thread, begin and end in us, samples: the two hand-overs were after a third and two thirds of the 10 ms. */
    assert_non_null(strstr(apart, "[0, 10000, 103333, 10,"));
    assert_non_null(strstr(apart, "[0, 106666, 200000, 10,"));
    assert_non_null(strstr(together, "[0, 10000, 200000, 20,"));
    free(apart);
    free(together);
}

static double figure(const json_t *figures, const char *name)
{
    return json_number_value(json_object_get(json_object_get(figures, "gil"), name));
}

UNIT_TEST(stat)
{
    char *text = draw("stat", true);
    json_t *figures = json_loads(text, 0, NULL);
    assert_int_equal((int)figure(figures, "switches"), 2);
    assert_int_equal((int)figure(figures, "longest_hold_tid"), 4242);
    double longest_us = figure(figures, "longest_hold_us");
    assert_true(longest_us >= 90000 && longest_us < 100000);
    json_decref(figures);
    free(text);
    text = draw("stat", false);
    figures = json_loads(text, 0, NULL);
    assert_true(json_is_null(json_object_get(json_object_get(figures, "gil"), "longest_hold_us")));
    json_decref(figures);
    free(text);
}
