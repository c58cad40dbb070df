/* Collections and stopped worlds, from made samples. */
#include <string.h>

#include "gil/pauses.h"
#include "support/unit.h"

#define MS UINT64_C(1000000)

/* A process of two threads and one interpreter, looked at each millisecond. */
struct made {
    struct gs_pauses pauses;
    struct gs_stacks *stacks;
    uint32_t collecting; /* a stack */
    struct gs_feed_thread people[2], *at[2];
    struct gs_feed_threads threads;
    struct gs_thread_sample now[2];
    struct gs_collections ended;
    struct gs_collection last[2];
    struct gs_interpreter interpreter;
    struct gs_sample sample;
    uint64_t begun_ns;
};

static int setup(void **state)
{
    static struct made made;
    const struct gs_place caller = {.function = "build", .file = "app.py", .line = 12},
                          gc = {.function = GS_GC_FRAME, .file = "", .kind = GS_FRAME_GC};
    made = (struct made){.stacks = gs_stacks_new(), .begun_ns = 1000 * MS};
    uint32_t stack = gs_stacks_push(made.stacks, 0, gs_stacks_place(made.stacks, &caller));
    made.collecting = gs_stacks_push(made.stacks, stack, gs_stacks_place(made.stacks, &gc));
    for (int i = 0; i < 2; i++) {
        made.people[i].tid = 42 + i;
        made.at[i] = &made.people[i];
    }
    made.threads.at = made.at;
    made.ended.last = made.last;
    made.interpreter = (struct gs_interpreter){.addr = 0x1000, .collecting_known = true, .collections = &made.ended};
    made.sample = (struct gs_sample){.time_ns = made.begun_ns,
                                     .threads = made.now,
                                     .thread_count = 2,
                                     .interpreters = &made.interpreter,
                                     .interpreter_count = 1,
                                     .stacks = made.stacks};
    assert_int_equal(gs_pauses_add(&made.pauses, &made.sample, &made.threads, 0), GS_OK);
    *state = &made;
    return 0;
}

static int teardown(void **state)
{
    struct made *made = *state;
    gs_pauses_fini(&made->pauses);
    gs_stacks_free(made->stacks);
    return 0;
}

static void look(struct made *made, int times, bool collecting)
{
    made->now[0].stack = collecting ? made->collecting : 0;
    for (int i = 0; i < times; i++) {
        made->sample.time_ns += MS;
        assert_int_equal(gs_pauses_add(&made->pauses, &made->sample, &made->threads, MS), GS_OK);
    }
}

static struct gs_gilstat finish(struct made *made)
{
    struct gs_gilstat stat = {.pid = 42};
    assert_int_equal(gs_pauses_finish(&made->pauses, made->sample.time_ns - made->begun_ns, &stat), GS_OK);
    return stat;
}

/* One of 10 ms, and two of 5 ms without a look in between at which there is none. */
UNIT_TEST_WITH(test_collections, setup, teardown)
{
    struct made *made = *state;
    look(made, 10, true);
    made->ended.count[2]++;
    look(made, 10, false);
    look(made, 5, true);
    made->ended.count[0]++;
    look(made, 5, true);
    made->ended.count[0]++;
    look(made, 70, false);
    struct gs_gilstat stat = finish(made);
    assert_true(stat.gc.known && stat.gc.count.known);
    assert_int_equal(stat.gc.count.value, 3);
    assert_int_equal(stat.collections[0], 2);
    assert_int_equal(stat.gc.us, 20000);
    assert_true(stat.gc.share > 0.1999 && stat.gc.share < 0.2001);
    assert_int_equal(stat.gc.longest_us, 10000);
    assert_int_equal(stat.gc.longest.tid, 42);
    assert_int_equal(stat.gc.longest.generation.value, 2);
    assert_int_equal(stat.gc.cause_count, 1);
    assert_string_equal(stat.gc.causes[0].place.function, "build");
    assert_false(stat.worlds.known);
    gs_gilstat_fini(&stat);
    gs_pauses_next(&made->pauses);
    look(made, 10, false);
    stat = finish(made);
    assert_int_equal(stat.gc.count.value + stat.gc.us + stat.gc.longest_us, 0);
    gs_gilstat_fini(&stat);
}

/* Python says how long each lasted, also of one that no look has seen. */
UNIT_TEST_WITH(test_told, setup, teardown)
{
    struct made *made = *state;
    look(made, 3, true);
    made->ended.last_count = 2;
    made->last[0] = (struct gs_collection){made->begun_ns + MS / 10, made->begun_ns + 32 * MS / 10, 2};
    made->last[1] = (struct gs_collection){made->begun_ns + 33 * MS / 10, made->begun_ns + 34 * MS / 10, 0};
    made->ended.count[2] = made->ended.count[0] = 1;
    look(made, 97, false);
    struct gs_gilstat stat = finish(made);
    assert_int_equal(stat.gc.count.value, 2);
    assert_int_equal(stat.gc.us, 3200);
    assert_int_equal(stat.gc.longest_us, 3100);
    assert_int_equal(stat.gc.longest.tid, 42);
    assert_int_equal(stat.gc.longest.generation.value, 2);
    gs_gilstat_fini(&stat);
}

/* The second thread does not stop for the first one at once. */
/* The sample began before they did, and was read when they were over. */
UNIT_TEST_WITH(test_told_late, setup, teardown)
{
    struct made *made = *state;
    look(made, 10, false);
    made->last[0] = (struct gs_collection){made->begun_ns + 8 * MS, made->begun_ns + 200 * MS, 2};
    made->ended.count[2] = 1;
    made->ended.last_count = 1;
    look(made, 1, false);
    struct gs_gilstat stat = finish(made);
    assert_int_equal(stat.gc.us, 192000);
    assert_true(stat.gc.share == 1.0);
    gs_gilstat_fini(&stat);
}

UNIT_TEST_WITH(test_worlds, setup, teardown)
{
    struct made *made = *state;
    made->interpreter.world = (struct gs_stopped_world){.known = true, .requested = true, .requester = 42};
    made->now[1].late = true;
    look(made, 4, true);
    made->now[1].late = false;
    made->interpreter.world.stopped = true;
    look(made, 6, true);
    made->interpreter.world = (struct gs_stopped_world){.known = true};
    look(made, 10, false);
    struct gs_gilstat stat = finish(made);
    assert_true(stat.worlds.known);
    assert_int_equal(stat.worlds.count.value, 1);
    assert_int_equal(stat.worlds.us, 10000);
    assert_int_equal(stat.worlds.causes[0].tid, 42);
    assert_string_equal(stat.worlds.causes[0].why, "gc");
    assert_int_equal(stat.late_count, 1);
    assert_int_equal(stat.late[0].tid, 43);
    assert_int_equal(stat.late[0].us, 4000);
    gs_gilstat_fini(&stat);
}
