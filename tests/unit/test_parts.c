/* The pieces of a thread's stack memory: which are joined, how long and how many they get, what is forgotten. */
#include <stdlib.h>

#include "sample/stack_reader.h"
#include "support/unit.h"

static struct gs_thread_list threads;
static struct gs_stack_reader stacks;
static struct gs_parts parts;

static int start(void **state)
{
    threads = (struct gs_thread_list){.sample = 1};
    stacks = (struct gs_stack_reader){.threads = &threads};
    parts = (struct gs_parts){0};
    return 0;
}

static int end(void **state)
{
    free(parts.list);
    return 0;
}

static bool add(gs_addr addr, uint32_t len, uint32_t gap)
{
    bool added = gs_parts_add(&stacks, &parts, addr, len, gap);
    uint64_t bytes = 0;
    for (size_t i = 0; i < parts.count; i++) {
        bytes += parts.list[i].len;
        if (i > 0) /* in order, and none in another */
            assert_true(parts.list[i - 1].addr + parts.list[i - 1].len <= parts.list[i].addr);
    }
    assert_int_equal(bytes, parts.bytes);
    return added;
}

static void assert_part(size_t i, gs_addr addr, uint32_t len)
{
    assert_true(i < parts.count);
    assert_int_equal(parts.list[i].addr, addr);
    assert_int_equal(parts.list[i].len, len);
}

UNIT_TEST_WITH(test_joining, start, end)
{
    assert_true(add(0x10000, 100, 64));
    assert_true(add(0x20000, 100, 64));
    assert_int_equal(parts.count, 2);
    assert_true(add(0x10000 + 163, 100, 64)); /* just close enough */
    assert_part(0, 0x10000, 263);
    assert_true(add(0x10000 + 263 + 65, 100, 64)); /* just not */
    assert_int_equal(parts.count, 3);
    assert_true(add(0x10000 + 263, 65, 64)); /* fills the hole */
    assert_int_equal(parts.count, 2);
    assert_part(0, 0x10000, 428);
    assert_true(add(0x1ffc0, 10, 64)); /* before another */
    assert_part(1, 0x1ffc0, 0x40 + 100);
    assert_true(add(0x20010, 4, 64)); /* inside one */
    assert_part(1, 0x1ffc0, 0x40 + 100);
    assert_true(add(0x8000, 8, 64)); /* before all */
    assert_part(0, 0x8000, 8);
    assert_int_equal(parts.count, 3);
}

UNIT_TEST_WITH(test_edges, start, end)
{
    assert_false(add(UINT64_MAX - 7, 100, 64));
    assert_false(add(10, 100, 64));
    assert_true(add(64, 100, 64));
    assert_true(add(UINT64_MAX - 100, 100, 64));
    assert_int_equal(parts.count, 2);
    static uint8_t copy[100];
    parts.list[1].copy[0] = copy;
    assert_ptr_equal(gs_parts_at(&stacks, &parts, UINT64_MAX - 100, 100, 0), copy);
    assert_ptr_equal(gs_parts_at(&stacks, &parts, UINT64_MAX - 10, 10, 0), copy + 90);
    assert_null(gs_parts_at(&stacks, &parts, UINT64_MAX - 10, 11, 0));
    assert_null(gs_parts_at(&stacks, &parts, UINT64_MAX - 101, 8, 0));
    assert_null(gs_parts_at(&stacks, &parts, UINT64_MAX - 100, 100, 1));
    assert_null(gs_parts_at(&stacks, &parts, UINT64_MAX, 1, 0));
}

/* A part ends where it would grow too long, before and behind. */
UNIT_TEST_WITH(test_long_parts, start, end)
{
    const gs_addr from = UINT64_C(1) << 32;
    assert_true(add(from, GS_CHUNK_MAX - 100, 64));
    assert_true(add(from + GS_CHUNK_MAX - 80, 200, 64));
    assert_int_equal(parts.count, 2);
    assert_part(0, from, GS_CHUNK_MAX - 100);
    assert_true(add(from - 300, 290, 64));
    assert_int_equal(parts.count, 3);
    assert_part(0, from - 300, 290);
    assert_true(add(from + GS_CHUNK_MAX - 90, 8, 64)); /* goes to the one that has room */
    assert_int_equal(parts.count, 3);
    assert_part(1, from, GS_CHUNK_MAX - 82);
    assert_part(2, from + GS_CHUNK_MAX - 80, 200);
}

UNIT_TEST_WITH(test_limits, start, end)
{
    for (size_t i = 0; i < GS_PARTS_MAX; i++)
        assert_true(gs_parts_add(&stacks, &parts, 0x10000 + i * 4096, 100, 64));
    assert_false(add(0x8000, 100, 64));
    gs_parts_age(&stacks, &parts); /* too many: all anew */
    assert_int_equal(parts.count, 0);
    assert_int_equal(parts.bytes, 0);
    for (size_t i = 0; i < GS_STACK_MAX / GS_CHUNK_MAX; i++)
        assert_true(gs_parts_append(&stacks, &parts, 0x10000 + i * 2 * GS_CHUNK_MAX, GS_CHUNK_MAX));
    assert_false(gs_parts_append(&stacks, &parts, 0x8000, 8));
    assert_false(add(0x8000, 8, 64));
    /* Nothing is allocated while a thread stands still for us. */
    gs_parts_clear(&parts);
    stacks.stopping = true;
    size_t room = parts.room;
    for (size_t i = 0; i < room; i++)
        assert_true(gs_parts_append(&stacks, &parts, 0x10000 + i * 4096, 8));
    assert_false(gs_parts_append(&stacks, &parts, 0x8000, 8));
    assert_int_equal(parts.room, room);
}

UNIT_TEST_WITH(test_ageing, start, end)
{
    static const uint8_t copy[16];
    assert_true(add(0x10000, 16, 8));
    assert_true(add(0x20000, 16, 8));
    threads.sample += GS_PART_AGE;
    gs_parts_age(&stacks, &parts);
    assert_int_equal(parts.count, 2);
    parts.list[1].copy[0] = copy;
    assert_non_null(gs_parts_at(&stacks, &parts, 0x20000, 8, 0));
    threads.sample++;
    gs_parts_age(&stacks, &parts);
    assert_int_equal(parts.count, 1);
    assert_part(0, 0x20000, 16);
    assert_int_equal(parts.bytes, 16);
}

UNIT_TEST(test_circles)
{
    /* A tail of each length into a circle of each length: noticed before long; a straight chain never. */
    for (size_t tail = 0; tail < 40; tail++) {
        for (size_t circle = 1; circle < 40; circle++) {
            gs_addr mark = 0;
            size_t depth = 0, at = 1;
            for (; !gs_chain_turns(at, depth, &mark); depth++) {
                at = at == tail + circle ? tail + 1 : at + 1;
                assert_true(depth < 3 * (tail + circle) + 3);
            }
        }
    }
    gs_addr mark = 0;
    for (size_t depth = 0; depth < 10000; depth++)
        assert_false(gs_chain_turns(depth + 1, depth, &mark));
}
