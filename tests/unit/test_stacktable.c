/* The table of stacks: the same gets the same number, what differs another one; forgetting; what it takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gilspy/snapshot.h"
#include "gilspy/stack.h"
#include "stack/strings.h"
#include "support/unit.h"

static int setup(void **state)
{
    return !(*state = gs_stacks_new());
}

static int teardown(void **state)
{
    gs_stacks_free(*state);
    return 0;
}

UNIT_TEST_WITH(test_each_place_once, setup, teardown)
{
    static const struct gs_place places[] = {
        {"f", "C.f", "a.py", NULL, 1, GS_FRAME_PYTHON}, {"g", "C.f", "a.py", NULL, 1, GS_FRAME_PYTHON},
        {"f", NULL, "a.py", NULL, 1, GS_FRAME_PYTHON},  {"f", "C.f", "b.py", NULL, 1, GS_FRAME_PYTHON},
        {"f", "C.f", "a.py", "m", 1, GS_FRAME_PYTHON},  {"f", "C.f", "a.py", NULL, 2, GS_FRAME_PYTHON},
        {"f", "C.f", "a.py", NULL, -1, GS_FRAME_GAP},   {"f", "C.f", "a.py", NULL, 1, GS_FRAME_GAP},
        {"f", "", "a.py", NULL, 1, GS_FRAME_PYTHON},
    };
    enum { COUNT = sizeof places / sizeof *places };
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < COUNT; i++)
            assert_int_equal(gs_stacks_place(*state, &places[i]), i + 1);
    assert_int_equal(gs_stacks_place_count(*state), COUNT);
    const struct gs_place *last = gs_stacks_place_at(*state, COUNT), *first = gs_stacks_place_at(*state, 1);
    assert_string_equal(last->qualname, "");
    assert_int_equal(gs_stacks_place_at(*state, 7)->line, -1);
    assert_null(gs_stacks_place_at(*state, 3)->qualname);
    assert_ptr_equal(first->function, last->function);
    assert_ptr_not_equal(first->function, places[0].function);
    assert_ptr_equal(first->file, last->file);
}

UNIT_TEST_WITH(test_each_stack_once, setup, teardown)
{
    uint32_t f = gs_stacks_place(*state, &(struct gs_place){.function = "f", .file = ""});
    uint32_t g = gs_stacks_place(*state, &(struct gs_place){.function = "g", .file = ""});
    assert_int_equal(gs_stacks_count(*state), 0);
    assert_int_equal(gs_stacks_at(*state, 0).depth, 0);
    uint32_t a = gs_stacks_push(*state, 0, f), ab = gs_stacks_push(*state, a, g), b = gs_stacks_push(*state, 0, g);
    assert_int_equal(a, 1);
    assert_int_equal(ab, 2);
    assert_int_equal(b, 3);
    assert_int_equal(gs_stacks_push(*state, a, g), ab);
    assert_int_equal(gs_stacks_count(*state), 3);
    struct gs_stack stack = gs_stacks_at(*state, ab);
    assert_int_equal(stack.caller, a);
    assert_int_equal(stack.place, g);
    assert_int_equal(stack.depth, 2);
    assert_int_equal(gs_stacks_at(*state, b).depth, 1);
}

enum { MANY = 20000 };

/* The number of place i out of many, all different. */
static uint32_t number_of(struct gs_stacks *stacks, int i)
{
    char function[32], file[96];
    snprintf(function, sizeof function, "function_%d", i / 3);
    snprintf(file, sizeof file, "%.*s/file_%d.py", i % 60, "a/long/path/of/which/each/length/occurs/in/some/place/here",
             i / 100);
    return gs_stacks_place(stacks, &(struct gs_place){function, i % 2 ? function : NULL, file, NULL, i, 0});
}

/* Twice the same: a tree in which each stack has three callees. */
UNIT_TEST_WITH(test_many, setup, teardown)
{
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++) {
            uint32_t place = number_of(*state, i);
            assert_int_equal(place, i + 1);
            assert_int_equal(gs_stacks_push(*state, (uint32_t)(i + 2) / 3, place), i + 1);
        }
    assert_int_equal(gs_stacks_count(*state), MANY);
    assert_int_equal(gs_stacks_place_count(*state), MANY);
    for (uint32_t i = 1; i <= MANY; i++) {
        struct gs_stack stack = gs_stacks_at(*state, i);
        assert_int_equal(stack.place, i);
        assert_int_equal(stack.caller, (i + 1) / 3);
        assert_int_equal(stack.depth, gs_stacks_at(*state, stack.caller).depth + 1);
        assert_int_equal(gs_stacks_place_at(*state, i)->line, i - 1);
    }
}

UNIT_TEST_WITH(test_clear, setup, teardown)
{
    size_t full = 0;
    assert_int_equal(gs_stacks_bytes(*state), 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            assert_int_equal(gs_stacks_push(*state, (uint32_t)i, number_of(*state, i)), i + 1);
        assert_true(gs_stacks_bytes(*state) > MANY * (sizeof(struct gs_stack) + sizeof(struct gs_place)));
        if (round == 0)
            full = gs_stacks_bytes(*state);
        assert_int_equal(gs_stacks_bytes(*state), full);
        gs_stacks_clear(*state);
        assert_int_equal(gs_stacks_bytes(*state), 0);
        assert_int_equal(gs_stacks_count(*state), 0);
        assert_int_equal(gs_stacks_place_count(*state), 0);
    }
}

UNIT_TEST(test_strings)
{
    struct gs_strings *strings = gs_strings_new();
    assert_non_null(strings);
    char text[64] = "", *longest = malloc(200001);
    const char *kept[sizeof text];
    assert_non_null(longest);
    for (size_t i = 0; i < sizeof text; text[i++] = 'x', text[i % sizeof text] = 0)
        kept[i] = gs_strings_keep(strings, text);
    memset(text, 0, sizeof text);
    for (size_t i = 0; i + 1 < sizeof text; text[i++] = 'x') {
        assert_ptr_equal(gs_strings_keep(strings, text), kept[i]);
        assert_int_equal(strlen(kept[i]), i);
    }
    memset(longest, 'y', 200000);
    longest[200000] = 0;
    size_t before = gs_strings_bytes(strings);
    const char *big = gs_strings_keep(strings, longest);
    assert_string_equal(big, longest);
    assert_ptr_equal(gs_strings_keep(strings, longest), big);
    assert_true(gs_strings_bytes(strings) > before + 200000);
    gs_strings_clear(strings);
    assert_int_equal(gs_strings_bytes(strings), 0);
    assert_string_equal(gs_strings_keep(strings, "x"), "x");
    assert_true(gs_strings_bytes(strings) < before);
    free(longest);
    gs_strings_free(strings);
    gs_strings_free(NULL);
    gs_stacks_free(NULL);
}
