/* The call tree keeps to its bounds, and loses no time. */
#include <stdio.h>
#include <string.h>

#include "support/stream.h"
#include "support/tree.h"
#include "support/unit.h"

enum { MS = 1000000, FEW = 256 };

static char *command[] = {"python3", NULL};
static const struct gs_selection wall = {.mode = GS_MODE_WALL};

static void begin(struct stream *s, struct tree *tree, uint32_t most)
{
    tree_open(tree, &wall, most);
    stream_begin(s, &tree->sink);
    stream_process(s, 1, command);
    stream_thread(s, 10, "MainThread");
}

static enum gs_status tick(struct stream *s, uint32_t stack, int ms)
{
    stream_clear(s);
    stream_add(s, 0, stack, GS_HOLDS, GS_RUN_RUNNING);
    return stream_tick(s, (uint64_t)ms * MS, 0);
}

/* `number` as a function's name. */
static uint32_t call(struct stream *s, uint32_t caller, int number)
{
    char name[16];
    snprintf(name, sizeof name, "f%d", number);
    return stream_call(s, caller, name, "f.py", 1);
}

static uint64_t all_ms(const struct tree *tree)
{
    return gs_node_ns(gs_calltree_node(tree->tree, 0)) / MS;
}

UNIT_TEST(rare_stacks_become_other)
{
    struct tree tree;
    struct stream s;
    begin(&s, &tree, FEW);
    uint32_t hot = call(&s, 0, 0), warm = call(&s, hot, 1);
    for (int i = 2; i < 5000; i++) {
        assert_int_equal(tick(&s, call(&s, i % 2 ? hot : warm, i), 1), GS_OK);
        assert_int_equal(tick(&s, warm, 2), GS_OK);
        assert_true(gs_calltree_count(tree.tree) <= FEW);
    }
    assert_int_equal(stream_end(&s), GS_OK);
    assert_int_equal(all_ms(&tree), 4998 * 3);
    assert_int_equal(tree_self_ms(&tree, "f0 (f.py:1);f1 (f.py:1)"), 4998 * 2);
    int64_t below_hot = tree_self_ms(&tree, "f0 (f.py:1);(other)");
    int64_t below_warm = tree_self_ms(&tree, "f0 (f.py:1);f1 (f.py:1);(other)");
    assert_true(below_hot > 2300 && below_hot < 2500);
    assert_true(below_warm > 2300 && below_warm < 2500);
    assert_int_equal(below_hot + below_warm, gs_calltree_folded(tree.tree));
    tree_close(&tree);
}

/* Whole subtrees go, and an "(other)" goes with the caller that it is below. */
UNIT_TEST(others_fold_into_others)
{
    struct tree tree;
    struct stream s;
    begin(&s, &tree, FEW);
    uint32_t hot = call(&s, 0, 0);
    for (int i = 1; i < 400; i++) {
        uint32_t stack = call(&s, hot, i);
        for (int k = 0; k < 30; k++)
            assert_int_equal(tick(&s, call(&s, call(&s, stack, 1000 * i + k), k), 1), GS_OK);
    }
    assert_int_equal(tick(&s, hot, 7), GS_OK);
    assert_int_equal(stream_end(&s), GS_OK);
    assert_true(gs_calltree_count(tree.tree) <= FEW);
    assert_int_equal(all_ms(&tree), 399 * 30 + 7);
    assert_int_equal(tree_self_ms(&tree, "f0 (f.py:1)"), 7);
    assert_true(tree_self_ms(&tree, "f0 (f.py:1);(other)") > 9000);
    tree_close(&tree);
}

/* The outer frames of a stack that would fill the tree alone. */
UNIT_TEST(deep_stacks_are_cut)
{
    struct tree tree;
    struct stream s;
    uint32_t stack = 0;
    begin(&s, &tree, FEW);
    for (int i = 0; i < 5000; i++)
        stack = call(&s, stack, i);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tick(&s, stack, 5), GS_OK);
    assert_int_equal(tick(&s, gs_stacks_at(s.stacks, stack).caller, 5), GS_OK);
    assert_int_equal(stream_end(&s), GS_OK);
    assert_true(gs_calltree_count(tree.tree) < FEW / 8 + 4);
    uint32_t node = gs_calltree_top(tree.tree), count, depth = 0;
    for (const uint32_t *children; (children = gs_calltree_children(tree.tree, node, &count)), count == 1; depth++)
        node = children[0];
    assert_int_equal(depth, FEW / 8 - 1);
    assert_int_equal(gs_node_kind(gs_calltree_node(tree.tree, node)), GS_NODE_OTHER);
    assert_int_equal(gs_calltree_self_ns(tree.tree, node), 20 * MS);
    tree_close(&tree);
}

/* Where numbers of nodes must hold, what comes too late is "(other)" at once. */
UNIT_TEST(fixed_trees_keep_their_numbers)
{
    struct gs_calltree_options options = {.most = FEW, .fixed = true};
    struct gs_calltree *tree = gs_calltree_new(&wall, &options);
    struct gs_stacks *stacks = gs_stacks_new();
    struct gs_thread_sample thread = {.gil = GS_HOLDS, .run = GS_RUN_RUNNING};
    struct gs_sample sample = {.weight_ns = MS, .threads = &thread, .thread_count = 1, .stacks = stacks};
    const uint32_t *nodes, *late;
    uint32_t first = 0;
    assert_int_equal(gs_calltree_add_process(tree, 0, &(struct gs_sampled_process){.command = command}), GS_OK);
    for (int i = 0; i < 2000; i++) {
        struct gs_place place = {.function = "f", .file = "f.py", .line = i + 1};
        thread.stack = gs_stacks_push(stacks, 0, gs_stacks_place(stacks, &place));
        assert_int_equal(gs_calltree_find(tree, &sample, &nodes, &late), GS_OK);
        assert_true(nodes[0] > 0 && nodes[0] < FEW);
        assert_int_equal(late[0], 0);
        if (i == 0)
            first = nodes[0];
        enum gs_node_kind kind = gs_node_kind(gs_calltree_node(tree, nodes[0]));
        assert_int_equal(kind, i < FEW * 3 / 4 - 2 ? GS_NODE_FRAME : GS_NODE_OTHER);
    }
    thread.stack = 1;
    assert_int_equal(gs_calltree_find(tree, &sample, &nodes, &late), GS_OK);
    assert_int_equal(nodes[0], first);
    gs_calltree_free(tree);
    gs_stacks_free(stacks);
}

/* Names take memory too: long ones are forgotten with their nodes. */
UNIT_TEST(long_names_are_bounded)
{
    static char name[60001];
    struct tree tree;
    struct stream s;
    begin(&s, &tree, FEW);
    memset(name, 'x', sizeof name - 1);
    for (int i = 0; i < 200; i++) {
        snprintf(name, 8, "%07d", i);
        name[7] = 'x';
        uint32_t stack = stream_call(&s, 0, name, "f.py", i + 1);
        assert_int_equal(tick(&s, stack, 1), GS_OK);
        stream_forget(&s);
    }
    assert_int_equal(stream_end(&s), GS_OK);
    assert_int_equal(all_ms(&tree), 200);
    assert_true(gs_calltree_count(tree.tree) < 40);
    tree_close(&tree);
}

/* Numbers that mean something else after `forget`. */
UNIT_TEST(forgotten_numbers_mean_something_else)
{
    struct tree tree;
    struct stream s;
    begin(&s, &tree, FEW);
    assert_int_equal(tick(&s, call(&s, call(&s, 0, 1), 2), 1), GS_OK);
    stream_forget(&s);
    assert_int_equal(tick(&s, call(&s, call(&s, 0, 3), 4), 2), GS_OK);
    stream_forget(&s);
    assert_int_equal(tick(&s, call(&s, call(&s, 0, 1), 2), 4), GS_OK);
    assert_int_equal(stream_end(&s), GS_OK);
    assert_int_equal(tree_self_ms(&tree, "f1 (f.py:1);f2 (f.py:1)"), 5);
    assert_int_equal(tree_self_ms(&tree, "f3 (f.py:1);f4 (f.py:1)"), 2);
    tree_close(&tree);
}

UNIT_TEST(senseless_numbers_are_refused)
{
    struct tree tree;
    struct stream s;
    begin(&s, &tree, FEW);
    uint32_t stack = call(&s, 0, 1);
    assert_int_equal(tick(&s, stack + 1, 1), GS_FAILED);
    assert_int_equal(tick(&s, UINT32_MAX, 1), GS_FAILED);
    stream_clear(&s);
    stream_add(&s, UINT32_MAX, stack, GS_HOLDS, GS_RUN_RUNNING);
    assert_int_equal(stream_tick(&s, MS, 0), GS_FAILED);
    stream_clear(&s);
    stream_add(&s, 0, stack, (enum gs_gil_word)(GS_UNKNOWN + 1), GS_RUN_RUNNING);
    assert_int_equal(stream_tick(&s, MS, 0), GS_FAILED);
    s.process = 1;
    assert_int_equal(tick(&s, stack, 1), GS_FAILED);
    s.process = 0;
    assert_int_equal(tick(&s, stack, 1), GS_OK);
    assert_int_equal(stream_end(&s), GS_OK);
    assert_int_equal(all_ms(&tree), 1);
    tree_close(&tree);
}

UNIT_TEST(children_are_sorted)
{
    static const int lines[] = {9, 10, 2}, sorted[] = {2, 9, 10};
    struct tree tree;
    struct stream s;
    uint32_t count;
    begin(&s, &tree, FEW);
    assert_int_equal(tick(&s, 0, 1), GS_OK);
    assert_int_equal(tick(&s, stream_call(&s, 0, "b", "a.py", 1), 1), GS_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tick(&s, stream_call(&s, 0, "a", "a.py", lines[i]), 1), GS_OK);
    assert_int_equal(stream_end(&s), GS_OK);
    const uint32_t *children = gs_calltree_children(tree.tree, gs_calltree_top(tree.tree), &count);
    assert_int_equal(count, 5);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(gs_calltree_place(tree.tree, children[i])->line, sorted[i]);
    assert_string_equal(gs_calltree_place(tree.tree, children[3])->function, "b");
    assert_int_equal(gs_node_kind(gs_calltree_node(tree.tree, children[4])), GS_NODE_NO_PYTHON);
    tree_close(&tree);
}

/* A thread whose name is not known yet has no tid either: whoever reads the output sees one thread. */
UNIT_TEST(threads_that_look_alike_are_one)
{
    static const struct gs_selection by_thread = {.mode = GS_MODE_WALL, .threads = true};
    struct tree tree;
    struct stream s;
    tree_open(&tree, &by_thread, FEW);
    stream_begin(&s, &tree.sink);
    stream_process(&s, 1, command);
    uint32_t unnamed = stream_thread(&s, 0, ""), again = stream_thread(&s, 0, ""), other = stream_thread(&s, 7, "");
    uint32_t stack = call(&s, 0, 0), threads[] = {unnamed, again, other, again};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        stream_clear(&s);
        stream_add(&s, threads[i], stack, GS_HOLDS, GS_RUN_RUNNING);
        assert_int_equal(stream_tick(&s, MS, 0), GS_OK);
    }
    assert_int_equal(stream_end(&s), GS_OK);
    assert_int_equal(tree_self_ms(&tree, "<no name> (0);f0 (f.py:1)"), 3);
    assert_int_equal(tree_self_ms(&tree, "<no name> (7);f0 (f.py:1)"), 1);
    tree_close(&tree);
}
