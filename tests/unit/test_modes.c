/* Which samples count in which mode, and as what: a stream whose sums are known. */

#include "support/stream.h"
#include "support/tree.h"
#include "support/unit.h"

enum { MS = 1000000 };

static char *command[] = {"python3", NULL};

/* Per thread, the word of each of four samples: 10, 20, 30 and 40 ms, the last after a gap of 500 ms. */
static const struct {
    enum gs_gil_word gil;
    enum gs_run run;
} script[5][4] = {
    {{GS_HOLDS, GS_RUN_RUNNING}, {GS_HOLDS, GS_RUN_SYSCALL}, {GS_WAITS, GS_RUN_SYSCALL}, {GS_HOLDS, GS_RUN_RUNNING}},
    {{GS_WAITS, GS_RUN_SYSCALL}, {GS_WAITS, GS_RUN_RUNNING}, {GS_HOLDS, GS_RUN_RUNNING}, {GS_WAITS, GS_RUN_SYSCALL}},
    {{GS_WITHOUT, GS_RUN_RUNNING},
     {GS_WITHOUT, GS_RUN_SYSCALL},
     {GS_WITHOUT, GS_RUN_BLOCKED},
     {GS_WITHOUT, GS_RUN_UNKNOWN}},
    {{GS_UNKNOWN, GS_RUN_UNKNOWN},
     {GS_UNKNOWN, GS_RUN_RUNNING},
     {GS_UNKNOWN, GS_RUN_SYSCALL},
     {GS_UNKNOWN, GS_RUN_SYSCALL}},
    {{GS_NONE, GS_RUN_RUNNING}, {GS_NONE, GS_RUN_SYSCALL}, {GS_NONE, GS_RUN_RUNNING}, {GS_NONE, GS_RUN_SYSCALL}},
};

static void play(struct tree *tree, const struct gs_selection *selection)
{
    struct stream s;
    tree_open(tree, selection, GS_CALLTREE_LEAST);
    stream_begin(&s, &tree->sink);
    stream_process(&s, 1, command);
    for (uint32_t i = 0; i < 5; i++)
        stream_thread(&s, 10 + (int)i, i == 4 ? "free" : "worker");
    for (int at = 0; at < 4; at++) {
        stream_clear(&s);
        for (uint32_t i = 0; i < 5; i++) {
            static const char *const functions[] = {"a", "b", "c", "d", "e"};
            uint32_t stack = stream_call(&s, stream_call(&s, 0, "main", "m.py", 1), functions[i], "m.py", 10 + at);
            stream_add(&s, i, stack, script[i][at].gil, script[i][at].run);
        }
        assert_int_equal(stream_tick(&s, (uint64_t)(at + 1) * 10 * MS, at == 3 ? 500 * MS : 0), GS_OK);
    }
    assert_int_equal(stream_end(&s), GS_OK);
}

static void each_mode_counts_what_it_says(void **state)
{
    /* Milliseconds that hold, wait, are without, have none, are unknown (500 of each that counts at the gap), and are
     * idle. */
    static const struct {
        enum gs_mode mode;
        uint64_t ms[6];
    } expected[] = {
        {GS_MODE_ACTIVE, {30 + 30 + 40, 30 + 30 + 40, 10, 40, 20 + 1000, 0}},
        {GS_MODE_WALL, {100, 100, 100, 100, 100 + 2500, 50 + 60}},
        {GS_MODE_CPU, {10 + 30 + 40, 20, 10, 40, 20 + 500, 0}},
        {GS_MODE_GIL, {100, 0, 0, 0, 500, 0}},
        {GS_MODE_WAIT, {0, 100, 0, 0, 500, 0}},
        {GS_MODE_BLAME, {0, 100, 0, 0, 500, 0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct tree tree;
        play(&tree, &(struct gs_selection){.mode = expected[i].mode});
        const struct gs_node *all = gs_calltree_node(tree.tree, 0);
        for (int word = 0; word <= GS_UNKNOWN; word++)
            assert_int_equal(all->word_ns[word], expected[i].ms[word] * MS);
        assert_int_equal(all->idle_ns, expected[i].ms[5] * MS);
        tree_close(&tree);
    }
}

/* In mode wall each thread has all of the time, whatever it did. */
static void words_add_up_to_wall(void **state)
{
    struct tree tree;
    uint32_t count;
    (void)state;
    play(&tree, &(struct gs_selection){.mode = GS_MODE_WALL, .threads = true});
    const uint32_t *threads = gs_calltree_children(tree.tree, gs_calltree_top(tree.tree), &count);
    assert_int_equal(count, 5);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(gs_node_ns(gs_calltree_node(tree.tree, threads[i])), 600 * MS);
    tree_close(&tree);
}

static void blame_charges_the_holder(void **state)
{
    struct tree tree;
    (void)state;
    play(&tree, &(struct gs_selection){.mode = GS_MODE_BLAME});
    assert_int_equal(tree_self_ms(&tree, "main (m.py:1);a (m.py:10);[delays];main (m.py:1);b (m.py:10)"), 10);
    assert_int_equal(tree_self_ms(&tree, "main (m.py:1);a (m.py:11);[delays];main (m.py:1);b (m.py:11)"), 20);
    assert_int_equal(tree_self_ms(&tree, "main (m.py:1);b (m.py:12);[delays];main (m.py:1);a (m.py:12)"), 30);
    assert_int_equal(tree_self_ms(&tree, "main (m.py:1);a (m.py:13);[delays];main (m.py:1);b (m.py:13)"), 40);
    assert_int_equal(tree_self_ms(&tree, "[gap: sampler late]"), 500);
    tree_close(&tree);
}

/* A waiter is charged to the holder of the GIL that it waits for, and to nobody who is not known. */
static void blame_knows_one_lock_from_another(void **state)
{
    struct gs_selection selection = {.mode = GS_MODE_BLAME, .threads = true};
    struct tree tree;
    struct stream s;
    (void)state;
    tree_open(&tree, &selection, GS_CALLTREE_LEAST);
    stream_begin(&s, &tree.sink);
    stream_process(&s, 1, command);
    for (int i = 0; i < 5; i++)
        stream_thread(&s, 10 + i, i < 2 ? "same" : "other");
    stream_add(&s, 0, stream_call(&s, 0, "f", "f.py", 1), GS_WAITS, GS_RUN_SYSCALL)->lock = 1;
    stream_add(&s, 1, stream_call(&s, 0, "g", "g.py", 1), GS_HOLDS, GS_RUN_RUNNING);
    stream_add(&s, 2, stream_call(&s, 0, "h", "h.py", 1), GS_HOLDS, GS_RUN_RUNNING)->lock = 1;
    stream_add(&s, 3, 0, GS_WAITS, GS_RUN_SYSCALL);
    stream_add(&s, 4, stream_call(&s, 0, "i", "i.py", 1), GS_WAITS, GS_RUN_SYSCALL)->lock = 255;
    assert_int_equal(stream_tick(&s, 10 * MS, 0), GS_OK);
    assert_int_equal(stream_end(&s), GS_OK);
    assert_int_equal(tree_self_ms(&tree, "other (12);h (h.py:1);[delays];same (10);f (f.py:1)"), 10);
    assert_int_equal(tree_self_ms(&tree, "same (11);g (g.py:1);[delays];other (13);[no Python frames]"), 10);
    assert_int_equal(tree_self_ms(&tree, "[holder unknown];[delays];other (14);i (i.py:1)"), 10);
    assert_int_equal(gs_node_ns(gs_calltree_node(tree.tree, 0)), 30 * MS);
    tree_close(&tree);
}

static void patterns_choose_threads(void **state)
{
    static const char *const patterns[] = {"fr*", "11"};
    struct gs_selection selection = {.mode = GS_MODE_WALL, .patterns = patterns, .pattern_count = 2};
    struct tree tree;
    (void)state;
    play(&tree, &selection);
    assert_int_equal(gs_calltree_node(tree.tree, 0)->word_ns[GS_NONE], 100 * MS);
    assert_int_equal(gs_calltree_node(tree.tree, 0)->word_ns[GS_WAITS], 70 * MS);
    assert_int_equal(gs_node_ns(gs_calltree_node(tree.tree, 0)), 1200 * MS);
    tree_close(&tree);
    selection.mode = GS_MODE_BLAME; /* those that wait are chosen, whoever delays them */
    play(&tree, &selection);
    assert_int_equal(tree_self_ms(&tree, "main (m.py:1);a (m.py:10);[delays];main (m.py:1);b (m.py:10)"), 10);
    assert_int_equal(tree_self_ms(&tree, "main (m.py:1);b (m.py:12);[delays];main (m.py:1);a (m.py:12)"), -1);
    tree_close(&tree);
}

static void functions_without_lines(void **state)
{
    struct tree tree;
    (void)state;
    play(&tree, &(struct gs_selection){.mode = GS_MODE_GIL, .function = true});
    assert_int_equal(tree_self_ms(&tree, "main (m.py);a (m.py)"), 70);
    assert_int_equal(tree_self_ms(&tree, "main (m.py);b (m.py)"), 30);
    tree_close(&tree);
}

static void names_are_found(void **state)
{
    enum gs_mode mode = GS_MODE_COUNT;
    (void)state;
    for (int i = 0; i < GS_MODE_COUNT; i++) {
        assert_true(gs_mode_find(gs_modes[i].name, &mode));
        assert_int_equal(mode, i);
    }
    assert_false(gs_mode_find("gi", &mode));
    assert_int_equal(mode, GS_MODE_COUNT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mode_counts_what_it_says),
        cmocka_unit_test(words_add_up_to_wall),
        cmocka_unit_test(blame_charges_the_holder),
        cmocka_unit_test(blame_knows_one_lock_from_another),
        cmocka_unit_test(patterns_choose_threads),
        cmocka_unit_test(functions_without_lines),
        cmocka_unit_test(names_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
