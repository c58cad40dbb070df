/* Samples as lines of JSON. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "support/drawn.h"
#include "support/unit.h"

UNIT_TEST(golden)
{
    drawn_check("processes", "jsonl", (struct gs_selection){.mode = GS_MODE_BLAME}, "processes-blame.jsonl");
    drawn_check("free", "jsonl", (struct gs_selection){.mode = GS_MODE_WALL, .function = true},
                "free-wall-function.jsonl");
    drawn_check("empty", "jsonl", (struct gs_selection){.mode = GS_MODE_WALL}, "empty.jsonl");
}

static const char *text_of(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

/* Every sample has a line, also when nothing in it counts. */
UNIT_TEST(app)
{
    static const char *const patterns[] = {"log-*"};
    struct gs_selection selection = {.mode = GS_MODE_ACTIVE, .patterns = patterns, .pattern_count = 1};
    char *text = drawn_text("app", "jsonl", &selection), *rest = text;
    int lines = 0, samples = 0, threads = 0;
    double us = 0;
    for (const char *line; (line = strsep(&rest, "\n")) && *line; lines++) {
        json_t *value = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(value);
        const char *type = text_of(value, "type");
        const json_t *one = json_array_get(json_object_get(value, "threads"), 0);
        if (strcmp(type, "sample") == 0) {
            samples++;
            us += json_number_value(json_object_get(value, "weight_us"));
            us += json_number_value(json_object_get(value, "gap_us"));
        }
        if (strcmp(type, "sample") == 0 && one) {
            threads++;
            assert_string_equal(text_of(one, "name"), "log-writer");
            assert_string_equal(text_of(one, "gil"), "without");
            assert_true(json_is_true(json_object_get(one, "runnable")));
            assert_string_equal(text_of(json_array_get(json_object_get(one, "stack"), 0), "fn"), "wait");
        }
        json_decref(value);
    }
    assert_int_equal(lines, 203);
    assert_int_equal(samples, 200);
    assert_int_equal(threads, 5);
    assert_float_equal(us, 2130000, 0.001);
    free(text);
}

UNIT_TEST(hostile_names)
{
    struct gs_selection selection = {.mode = GS_MODE_WALL};
    char *text = drawn_text("hostile", "jsonl", &selection), *rest = text;
    size_t threads = 0;
    drawn_is_plain(text);
    for (const char *line; (line = strsep(&rest, "\n")) && *line;) {
        json_t *value = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(value);
        threads += json_array_size(json_object_get(value, "threads"));
        json_decref(value);
    }
    assert_int_equal(threads, 14);
    free(text);
}

UNIT_TEST(numbers_of_any_size)
{
    drawn_wild("jsonl");
}
