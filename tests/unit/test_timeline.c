/* The timelines of exact tracing, on a made-up trace. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "export/timeline/marks.h"
#include "support/golden.h"
#include "support/traced.h"
#include "support/unit.h"

UNIT_TEST(chrome)
{
    struct traced t;
    FILE *out = golden_open();
    traced_begin(&t, &gs_timeline_chrome, out);
    traced_draw(&t);
    traced_finish(&t);
    t.timeline->close(t.timeline);
    golden_check(out, "exact.trace.json");
}

/* Where it cannot be traced any longer, states are drawn from samples, and what was not drawn is not ended. */
UNIT_TEST(chrome_that_goes_on_sampled)
{
    struct traced t;
    FILE *out = golden_open();
    json_error_t error;
    int open = 0, states = 0;
    size_t i;
    json_t *event;
    traced_begin(&t, &gs_timeline_chrome, out);
    traced_draw(&t);
    t.timeline->go_sampled(t.timeline);
    uint32_t a = stream_call(&t.stream, 0, "run", "a.py", 1);
    stream_clear(&t.stream);
    stream_add(&t.stream, 0, a, GS_HOLDS, GS_RUN_RUNNING);
    assert_int_equal(stream_tick(&t.stream, 10 * TRACED_MS, 0), GS_OK);
    traced_finish(&t);
    t.timeline->close(t.timeline);
    char *text = golden_text(out);
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

/* Without style and scripts, which have tests of their own. */
UNIT_TEST(html)
{
    struct traced t;
    FILE *out = golden_open(), *page = golden_open();
    traced_begin(&t, &gs_timeline_html, out);
    traced_draw(&t);
    traced_finish(&t);
    t.timeline->close(t.timeline);
    char *text = golden_text(out), *style = strstr(text, "<style>"), *after = strstr(text, "</style>");
    char *script = strstr(text, "<script>\n");
    assert_true(style && after && script);
    fwrite(text, 1, (size_t)(style - text), page);
    fwrite(after, 1, (size_t)(script - after), page);
    free(text);
    golden_check(page, "exact.html");
}

static void add_mark(struct gs_marks *marks, uint32_t row, uint64_t begin_ns, uint64_t end_ns, uint8_t word)
{
    struct gs_mark mark = {.begin_ns = begin_ns, .end_ns = end_ns, .since_ns = begin_ns, .word = word, .value = word};
    assert_int_equal(gs_marks_add(marks, row, &mark), GS_OK);
}

/* Whatever comes, there are no more than that; what is long stays, and no time is lost. */
UNIT_TEST(marks_are_bounded)
{
    enum { MOST = 1000, SHORT_NS = 500, TIMES = 200 };
    struct gs_marks marks = {.most = MOST};
    uint64_t sums[GS_MARK_WORDS] = {0}, count = 0, ns = 0;
    uint32_t number;
    size_t whole = 0;
    assert_int_equal(gs_marks_row(&marks, false, &number), GS_OK);
    for (int i = 0; i < TIMES; i++) {
        for (int k = 0; k < 50; k++, ns += SHORT_NS)
            add_mark(&marks, number, ns, ns + SHORT_NS, k % 2);
        add_mark(&marks, number, ns, ns + 10 * TRACED_MS, 2);
        ns += 10 * TRACED_MS;
        assert_true(marks.count <= MOST);
    }
    const struct gs_mark_row *row = &marks.rows[number];
    for (size_t i = 0; i < row->count; i++) {
        const struct gs_mark *mark = &row->list[i];
        for (int word = 0; word < GS_MARK_WORDS && mark->count > 1; word++)
            sums[word] += mark->word_ns[word];
        if (mark->count == 1)
            sums[mark->word] += mark->end_ns - mark->begin_ns;
        whole += mark->word == 2 && mark->count == 1;
        count += mark->count;
    }
    assert_int_equal(whole, TIMES);
    assert_int_equal(count, TIMES * 51);
    assert_int_equal(sums[0], TIMES * 25 * SHORT_NS);
    assert_int_equal(sums[1], TIMES * 25 * SHORT_NS);
    assert_int_equal(sums[2], TIMES * 10 * TRACED_MS);
    assert_true(marks.fine_ns > 0 && marks.fine_ns < 10 * TRACED_MS);
    gs_marks_fini(&marks);
}

/* Parts of one turn are one; what goes back in time is cut. */
UNIT_TEST(marks_go_on)
{
    struct gs_marks marks = {.most = 100};
    struct gs_mark mark = {.begin_ns = 10, .end_ns = 20, .since_ns = 10, .value = 1};
    uint32_t row;
    assert_int_equal(gs_marks_row(&marks, false, &row), GS_OK);
    assert_int_equal(gs_marks_add(&marks, row, &mark), GS_OK);
    mark = (struct gs_mark){.begin_ns = 20, .end_ns = 35, .since_ns = 10, .value = 3, .flags = GS_MARK_ENDED};
    assert_int_equal(gs_marks_add(&marks, row, &mark), GS_OK);
    mark = (struct gs_mark){.begin_ns = 30, .end_ns = 40, .since_ns = 30, .word = 1};
    assert_int_equal(gs_marks_add(&marks, row, &mark), GS_OK);
    mark = (struct gs_mark){.begin_ns = 30, .end_ns = 20, .since_ns = 30, .word = 1};
    assert_int_equal(gs_marks_add(&marks, row, &mark), GS_OK);
    const struct gs_mark *list = marks.rows[row].list;
    assert_int_equal(marks.rows[row].count, 2);
    assert_int_equal(list[0].begin_ns, 10);
    assert_int_equal(list[0].end_ns, 35);
    assert_int_equal(list[0].value, 3);
    assert_int_equal(list[0].flags, GS_MARK_ENDED);
    assert_int_equal(list[1].begin_ns, 35);
    assert_int_equal(list[1].end_ns, 40);
    gs_marks_fini(&marks);
}

UNIT_TEST(formats_are_found)
{
    assert_ptr_equal(gs_timeline_find("chrometrace"), &gs_timeline_chrome);
    assert_null(gs_timeline_find("svg"));
    assert_ptr_equal(gs_timeline_of_file("a.trace.json"), &gs_timeline_chrome);
    assert_ptr_equal(gs_timeline_of_file("a.html"), &gs_timeline_html);
    assert_null(gs_timeline_of_file("a.svg"));
}
