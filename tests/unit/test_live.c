/* The model of the live screen: streams and looks at the GIL whose sums are known, and much that comes and goes. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "profile/topk_table.h"
#include "profile/live.h"
#include "support/stream.h"
#include "support/unit.h"

enum { MS = 1000000, PID = 42 };

static char *command[] = {"python3", "app.py", NULL};

struct fixture {
    struct gs_live *live;
    struct gs_arena *arena;
    struct stream stream;
    uint32_t a, b, c;          /* threads */
    uint32_t leaf, deep, idle; /* stacks */
};

static void open_selected(struct fixture *f, bool recent, const struct gs_selection *selection)
{
    f->live = gs_live_new(recent, selection);
    f->arena = gs_arena_new();
    assert_true(f->live && f->arena);
    stream_begin(&f->stream, gs_live_sink(f->live));
    stream_process(&f->stream, PID, command);
    f->a = stream_thread(&f->stream, 101, "a");
    f->b = stream_thread(&f->stream, 102, "b");
    f->c = stream_thread(&f->stream, 103, "c");
    uint32_t root = stream_call(&f->stream, 0, "run", "app.py", 1);
    f->leaf = stream_call(&f->stream, root, "leaf", "app.py", 5);
    f->deep = stream_call(&f->stream, stream_call(&f->stream, f->leaf, "leaf", "app.py", 6), "leaf", "app.py", 6);
    f->idle = stream_call(&f->stream, 0, "wait", "lock.py", 9);
}

static void open_fixture(struct fixture *f, bool recent)
{
    open_selected(f, recent, &(struct gs_selection){0});
}

static void close_fixture(struct fixture *f)
{
    assert_int_equal(stream_end(&f->stream), GS_OK);
    gs_live_free(f->live);
    gs_arena_free(f->arena);
}

static const struct gs_picture *picture(struct fixture *f, unsigned show, uint32_t thread)
{
    const struct gs_picture *made = gs_live_picture(f->live, f->arena, show, thread, f->stream.time_ns);
    assert_non_null(made);
    return made;
}

/* a holds, b waits, c sleeps. */
static void tick(struct fixture *f, uint32_t stack, uint64_t ms)
{
    stream_clear(&f->stream);
    stream_add(&f->stream, f->a, stack, GS_HOLDS, GS_RUN_RUNNING);
    stream_add(&f->stream, f->b, f->idle, GS_WAITS, GS_RUN_SYSCALL);
    stream_add(&f->stream, f->c, f->idle, GS_WITHOUT, GS_RUN_SYSCALL);
    assert_int_equal(stream_tick(&f->stream, ms * MS, 0), GS_OK);
}

static void about(double value, double expected)
{
    assert_true(value > expected - 1e-6 && value < expected + 1e-6);
}

UNIT_TEST(shares_of_threads)
{
    struct fixture f;
    open_fixture(&f, false);
    tick(&f, f.leaf, 30);
    stream_clear(&f.stream);
    stream_add(&f.stream, f.a, f.leaf, GS_WAITS, GS_RUN_SYSCALL);
    stream_add(&f.stream, f.b, f.idle, GS_HOLDS, GS_RUN_RUNNING);
    stream_add(&f.stream, f.c, f.idle, GS_UNKNOWN, GS_RUN_UNKNOWN);
    assert_int_equal(stream_tick(&f.stream, 10 * MS, 500 * MS), GS_OK); /* a gap weighs on nobody */
    const struct gs_picture *p = picture(&f, 0, 0);
    assert_int_equal(p->thread_count, 3);
    about(p->threads[0].share[GS_HOLDS], 0.75);
    about(p->threads[0].share[GS_WAITS], 0.25);
    about(p->threads[1].share[GS_WAITS], 0.75);
    about(p->threads[2].share[GS_DOING_IDLE], 0.75);
    about(p->threads[2].share[GS_UNKNOWN], 0.25);
    assert_true(p->shares_unknown);
    assert_int_equal(p->threads[0].doing, GS_WAITS);
    assert_int_equal(p->threads[0].doing_us, 0);
    assert_false(p->threads[0].at_least);
    assert_string_equal(p->threads[0].name, "a");
    assert_string_equal(p->threads[0].place.function, "leaf");
    assert_int_equal(p->threads[0].place.line, 5);
    assert_int_equal(p->watched_us, 40000);
    assert_string_equal(p->processes[0].command, "python3 app.py");
    about(p->gils[0].held, 1);
    about(p->gils[0].waiting, 1);
    gs_live_reset(f.live);
    tick(&f, f.leaf, 10);
    p = picture(&f, 0, 0);
    about(p->threads[0].share[GS_HOLDS], 1);
    assert_int_equal(p->watched_us, 10000);
    close_fixture(&f);
}

static const struct gs_picture_function *function(const struct gs_picture *p, const char *name)
{
    for (size_t i = 0; i < p->function_count; i++) {
        if (strcmp(p->functions[i].place.function, name) == 0)
            return &p->functions[i];
    }
    fail_msg("no function %s", name);
    return NULL;
}

static uint32_t native(struct fixture *f, uint32_t caller, const char *function, const char *module)
{
    struct gs_place place = {.function = function, .file = "", .module = module, .kind = GS_FRAME_NATIVE};
    return gs_stacks_push(f->stream.stacks, caller, gs_stacks_place(f->stream.stacks, &place));
}

/* A thread is in the first C function that says something, a hold too; C functions have their module for a file. */
UNIT_TEST(functions_of_c)
{
    struct fixture f;
    open_fixture(&f, false);
    uint32_t sort = native(&f, f.leaf, "list_sort", "libpython3.so");
    tick(&f, native(&f, sort, "__memmove_avx512", "libc.so.6"), 10);
    const struct gs_picture *p = picture(&f, GS_SHOW_FUNCTIONS | GS_SHOW_STACK, f.a);
    assert_string_equal(p->threads[0].place.function, "list_sort");
    assert_string_equal(p->threads[0].place.file, "libpython3.so");
    assert_string_equal(p->threads[0].frames[0].place.function, "__memmove_avx512");
    assert_string_equal(p->threads[0].frames[0].place.file, "libc.so.6");
    assert_string_equal(p->gils[0].now.place.function, "list_sort");
    about(function(p, "list_sort")->own[GS_MODE_WALL], 0);
    assert_true(function(p, "list_sort")->total[GS_MODE_WALL] > 0);
    close_fixture(&f);
}

/* One that calls itself counts once; by mode. */
UNIT_TEST(functions_and_lines)
{
    struct fixture f;
    open_fixture(&f, false);
    tick(&f, f.leaf, 10);
    tick(&f, f.deep, 30);
    const struct gs_picture *p = picture(&f, GS_SHOW_FUNCTIONS | GS_SHOW_STACK, f.a);
    assert_int_equal(p->function_count, 3);
    const struct gs_picture_function *leaf = function(p, "leaf"), *wait = function(p, "wait"),
                                     *run = function(p, "run");
    about(leaf->own[GS_MODE_GIL], 1);
    about(leaf->total[GS_MODE_GIL], 1);
    about(leaf->total_s[GS_MODE_WALL], 0.04);
    about(leaf->own_s[GS_MODE_WAIT], 0);
    about(leaf->own_s[GS_MODE_BLAME], 0.04); /* b waited for it */
    about(run->own[GS_MODE_GIL], 0);
    about(run->total[GS_MODE_GIL], 1);
    about(wait->own[GS_MODE_WALL], 2); /* two threads */
    about(wait->own[GS_MODE_ACTIVE], 1);
    about(wait->own[GS_MODE_WAIT], 1);
    about(wait->own[GS_MODE_CPU], 0);
    const struct gs_picture_thread *a = &p->threads[0];
    assert_int_equal(a->frame_count, 4);
    assert_int_equal(p->threads[1].frame_count, 0);
    about(a->frames[0].share[GS_MODE_WALL], 0.75); /* line 6 */
    about(a->frames[2].share[GS_MODE_WALL], 1);    /* line 5 */
    about(a->frames[3].share[GS_MODE_BLAME], 1);
    p = picture(&f, GS_SHOW_STACKS, 0);
    assert_int_equal(p->threads[1].frame_count, 1);
    close_fixture(&f);
}

/* The source's numbers begin anew: sums go on, places are those of the next sample. */
UNIT_TEST(forgets)
{
    struct fixture f;
    open_fixture(&f, false);
    tick(&f, f.leaf, 10);
    stream_forget(&f.stream);
    const struct gs_picture *p = picture(&f, GS_SHOW_FUNCTIONS | GS_SHOW_STACKS, 0);
    assert_null(p->threads[0].place.function);
    about(function(p, "leaf")->total_s[GS_MODE_WALL], 0.01);
    f.idle = stream_call(&f.stream, 0, "other", "lock.py", 1);
    f.leaf = stream_call(&f.stream, 0, "leaf", "app.py", 5);
    tick(&f, f.leaf, 10);
    p = picture(&f, GS_SHOW_FUNCTIONS | GS_SHOW_STACKS, 0);
    about(function(p, "leaf")->total_s[GS_MODE_WALL], 0.02);
    about(function(p, "other")->total_s[GS_MODE_WALL], 0.02);
    assert_string_equal(p->threads[0].place.function, "leaf");
    close_fixture(&f);
}

UNIT_TEST(blames)
{
    struct fixture f;
    open_fixture(&f, false);
    tick(&f, f.leaf, 10);
    tick(&f, f.leaf, 10);
    tick(&f, f.deep, 5);
    stream_clear(&f.stream);
    stream_add(&f.stream, f.a, f.leaf, GS_WITHOUT, GS_RUN_RUNNING);
    stream_add(&f.stream, f.b, f.idle, GS_WAITS, GS_RUN_SYSCALL); /* nobody is seen to have it */
    assert_int_equal(stream_tick(&f.stream, 7 * MS, 0), GS_OK);
    tick(&f, f.leaf, 10);
    const struct gs_picture *p = picture(&f, GS_SHOW_BLAME, 0);
    assert_int_equal(p->blame_count, 3);
    assert_int_equal(p->blames[0].us, 30000);
    assert_int_equal(p->blames[0].times, 2);
    assert_string_equal(p->blames[0].waiter, "b");
    assert_string_equal(p->blames[0].holder, "a");
    assert_int_equal(p->blames[0].place.line, 5);
    assert_int_equal(p->blames[1].us, 5000);
    assert_int_equal(p->blames[1].place.line, 6);
    assert_int_equal(p->blames[2].us, 7000);
    assert_int_equal(p->blames[2].holder_tid, 0);
    close_fixture(&f);
}

/* ---- looks at the GIL ---- */

static void look(struct fixture *f, uint64_t ms, pid_t holder, uint64_t switches)
{
    struct gs_gil gil = {
        .state = holder ? GS_GIL_HELD : GS_GIL_FREE, .holder = holder, .has_switches = true, .switches = switches};
    f->stream.time_ns += ms * MS;
    gs_live_look(f->live, PID, &gil, 1, f->stream.time_ns);
}

/* Of the others nothing is listed or counted; the GIL is that of all. */
UNIT_TEST(only_some_threads)
{
    static const char *const patterns[] = {"[b]*", "103"};
    struct fixture f;
    pid_t pid, tid;
    bool more;
    open_selected(&f, false, &(struct gs_selection){.patterns = patterns, .pattern_count = 2});
    f.stream.counted = true;
    f.stream.switches[0] = 1;
    tick(&f, f.leaf, 10);
    look(&f, 0, 101, 1);
    look(&f, 9, 101, 1);
    look(&f, 1, 102, 2);
    look(&f, 4, 0, 2);
    const struct gs_picture *p = picture(&f, GS_SHOW_ALL, f.b);
    assert_int_equal(p->thread_count, 2);
    assert_string_equal(p->threads[0].name, "b");
    assert_string_equal(p->threads[1].name, "c");
    assert_int_equal(p->processes[0].threads, 3);
    assert_int_equal(p->function_count, 3);
    about(function(p, "wait")->own_s[GS_MODE_WALL], 0.02);
    about(function(p, "leaf")->own_s[GS_MODE_WALL], 0);
    about(function(p, "leaf")->own_s[GS_MODE_BLAME], 0.01); /* b waited for it */
    assert_int_equal(p->hold_count, 1);
    assert_int_equal(p->holds[0].tid, 102);
    assert_int_equal(p->blame_count, 1);
    assert_string_equal(p->gils[0].longest.name, "a");
    assert_false(gs_live_cpu_wanted(f.live, 0, 1000, &pid, &tid, &more));
    assert_true(gs_live_cpu_wanted(f.live, 1, 1000, &pid, &tid, &more) && tid == 102);
    close_fixture(&f);
}

/* Who waits for one that was asked for is told, and with what; its time is its own. */
UNIT_TEST(only_the_holder)
{
    static const char *const patterns[] = {"a"};
    struct fixture f;
    open_selected(&f, false, &(struct gs_selection){.patterns = patterns, .pattern_count = 1});
    tick(&f, f.leaf, 10);
    const struct gs_picture *p = picture(&f, GS_SHOW_ALL, f.a);
    assert_int_equal(p->thread_count, 1);
    assert_int_equal(p->blame_count, 1);
    about(function(p, "leaf")->own_s[GS_MODE_WALL], 0.01);
    about(function(p, "leaf")->own_s[GS_MODE_BLAME], 0);
    assert_string_equal(p->blames[0].waiter, "b");
    close_fixture(&f);
}

/* The thread as the outermost frame, functions without lines. */
UNIT_TEST(threads_first)
{
    struct fixture f;
    open_selected(&f, false, &(struct gs_selection){.threads = true, .function = true});
    f.stream.counted = true;
    f.stream.switches[0] = 1;
    tick(&f, f.leaf, 10);
    tick(&f, f.deep, 30);
    look(&f, 0, 101, 1);
    tick(&f, f.leaf, 10);
    look(&f, 0, 101, 1);
    look(&f, 0, 0, 1);
    const struct gs_picture *p = picture(&f, GS_SHOW_ALL, f.a);
    const struct gs_picture_function *thread = function(p, "a (101)");
    about(thread->own_s[GS_MODE_WALL], 0);
    about(thread->total_s[GS_MODE_WALL], 0.05);
    about(thread->total_s[GS_MODE_GIL], 0.05);
    about(function(p, "c (103)")->total_s[GS_MODE_ACTIVE], 0);
    const struct gs_picture_thread *a = &p->threads[0];
    assert_int_equal(a->frame_count, 3);
    assert_string_equal(a->frames[2].place.function, "a (101)");
    about(a->frames[2].share[GS_MODE_WALL], 1);
    assert_string_equal(a->frames[0].place.function, "leaf");
    assert_int_equal(a->frames[0].place.line, 0);
    about(a->frames[0].share[GS_MODE_WALL], 1); /* on whatever line */
    assert_int_equal(a->place.line, 0);
    assert_int_equal(p->holds[0].place.line, 0);
    assert_int_equal(p->blames[0].place.line, 0);
    assert_int_equal(p->blame_count, 1);
    stream_clear(&f.stream); /* a and b end */
    stream_add(&f.stream, f.c, f.idle, GS_WITHOUT, GS_RUN_SYSCALL);
    assert_int_equal(stream_tick(&f.stream, 10 * MS, 0), GS_OK);
    about(function(picture(&f, GS_SHOW_ALL, f.c), "a (101)")->total_s[GS_MODE_WALL], 0.05);
    close_fixture(&f);
}

UNIT_TEST(holds)
{
    struct fixture f;
    open_fixture(&f, false);
    f.stream.counted = true;
    f.stream.switches[0] = 1;
    tick(&f, f.idle, 10);
    look(&f, 0, 101, 1); /* who knows since when */
    look(&f, 4, 101, 1);
    const struct gs_picture *p = picture(&f, GS_SHOW_HOLDS, 0);
    assert_true(p->gils[0].now.at_least && p->gils[0].now.tid == 101);
    assert_int_equal(p->gils[0].now.longest_us, 4000);
    assert_int_equal(p->hold_count, 0);
    look(&f, 1, 102, 2); /* between the two looks: after half of the time */
    look(&f, 1, 0, 2);   /* b: from half a ms before its first look to as much after */
    look(&f, 10, 101, 3);
    f.stream.switches[0] = 3;
    tick(&f, f.leaf, 8); /* where a is in this hold */
    look(&f, 0, 101, 3);
    look(&f, 90, 102, 5); /* so late that nobody knows when it ended */
    p = picture(&f, GS_SHOW_HOLDS, 0);
    assert_int_equal(p->hold_count, 3);
    assert_int_equal(p->holds[0].longest_us, 4000 + 500);
    assert_true(p->holds[0].at_least && p->holds[0].tid == 101);
    assert_int_equal(p->holds[1].longest_us, 500 + 500);
    assert_int_equal(p->holds[1].tid, 102);
    assert_null(p->holds[1].place.function);
    assert_int_equal(p->holds[2].longest_us, 5000 + 8000); /* after half of the 10 ms */
    assert_int_equal(p->holds[2].waiters, 1);
    assert_string_equal(p->holds[2].place.function, "leaf");
    assert_int_equal(p->gils[0].longest.longest_us, 13000);
    assert_string_equal(p->gils[0].longest.name, "a");
    about(p->gils[0].handovers_hz, 4 / 0.114);
    about(p->gils[0].held, 1 - 5.5 / 24); /* free for half of 1 and of 10 ms; of the last 90 ms nobody knows */
    gs_live_reset(f.live);
    p = picture(&f, GS_SHOW_HOLDS, 0);
    assert_int_equal(p->hold_count, 0);
    assert_int_equal(p->gils[0].longest.tid, 0);
    close_fixture(&f);
}

/* Who has it now is told as of the last sample, as its threads are: a look that comes after it knows nothing of them.
 */
UNIT_TEST(head_and_threads_are_of_one_moment)
{
    struct fixture f;
    open_fixture(&f, false);
    f.stream.counted = true;
    f.stream.switches[0] = 1;
    tick(&f, f.leaf, 10);
    look(&f, 2, 101, 1);
    look(&f, 1, 102, 2);
    const struct gs_picture *p = picture(&f, GS_SHOW_ALL, f.a);
    assert_int_equal(p->threads[0].doing, GS_HOLDS);
    assert_int_equal(p->threads[0].tid, 101);
    assert_int_equal(p->gils[0].now.tid, 101);
    assert_string_equal(p->gils[0].now.place.function, "leaf");
    look(&f, 1, 0, 2);
    p = picture(&f, GS_SHOW_ALL, f.a);
    assert_true(p->gils[0].state == GS_GIL_HELD && p->gils[0].now.tid == 101);
    close_fixture(&f);
}

/* Without a count of hand-overs nobody knows how long a hold is. */
UNIT_TEST(no_count)
{
    struct fixture f;
    struct gs_gil gil = {.state = GS_GIL_HELD, .holder = 101};
    open_fixture(&f, false);
    tick(&f, f.leaf, 10);
    for (int i = 0; i < 5; i++) {
        f.stream.time_ns += 5 * MS;
        gs_live_look(f.live, PID, &gil, 1, f.stream.time_ns);
    }
    const struct gs_picture *p = picture(&f, GS_SHOW_HOLDS, 0);
    assert_true(p->gils[0].handovers_hz < 0 && p->hold_count == 0);
    assert_true(p->gils[0].now.tid == 101 && p->gils[0].now.longest_us == 0);
    close_fixture(&f);
}

/* Each interpreter may have its own; of those that are not told apart it is said that they are there. */
UNIT_TEST(many_gils)
{
    struct fixture f;
    open_fixture(&f, false);
    for (int round = 0; round < 3; round++) {
        stream_clear(&f.stream);
        stream_add(&f.stream, f.a, f.leaf, GS_HOLDS, GS_RUN_RUNNING);
        stream_add(&f.stream, f.b, f.leaf, GS_HOLDS, GS_RUN_RUNNING)->lock = GS_GILS_MOST - 1;
        stream_add(&f.stream, f.c, f.idle, GS_WAITS, GS_RUN_SYSCALL)->lock = GS_GILS_MOST - 1;
        assert_int_equal(stream_tick(&f.stream, 10 * MS, 0), GS_OK);
    }
    const struct gs_picture *p = picture(&f, GS_SHOW_BLAME, 0);
    assert_int_equal(p->gil_count, GS_GILS_MOST);
    about(p->gils[0].held, 1);
    about(p->gils[1].held, 0);
    about(p->gils[GS_GILS_MOST - 1].waiting, 1);
    assert_int_equal(p->gils[GS_GILS_MOST - 1].now.tid, 102);
    assert_int_equal(p->blame_count, 1);
    assert_false(p->processes[0].gils_left_out);
    stream_clear(&f.stream);
    stream_add(&f.stream, f.a, f.leaf, GS_HOLDS, GS_RUN_RUNNING)->lock = GS_GIL_LEFT_OUT;
    assert_int_equal(stream_tick(&f.stream, 10 * MS, 0), GS_OK);
    assert_true(picture(&f, 0, 0)->processes[0].gils_left_out);
    close_fixture(&f);
}

/* Who lives on without a thread state. */
static bool is_alive(void *context, pid_t pid, pid_t tid)
{
    return pid == PID && tid == *(const pid_t *)context;
}

/* A thread that comes into Python now and then is one row all the time, until it has ended. */
UNIT_TEST(out_of_python)
{
    struct fixture f;
    pid_t alive = 101;
    open_fixture(&f, false);
    gs_live_ask(f.live, &(struct gs_live_alive){&alive, is_alive});
    for (int i = 0; i < 10; i++) {
        tick(&f, f.leaf, 10);
        stream_clear(&f.stream); /* a is elsewhere, c has ended */
        stream_add(&f.stream, f.b, f.idle, GS_HOLDS, GS_RUN_RUNNING);
        assert_int_equal(stream_tick(&f.stream, 30 * MS, 0), GS_OK);
        const struct gs_picture *p = picture(&f, GS_SHOW_STACKS, 0);
        assert_int_equal(p->thread_count, 2);
        assert_int_equal(p->processes[0].threads, 2);
        assert_int_equal(p->thread_missed, 0);
        assert_int_equal(p->threads[0].tid, 101);
        assert_int_equal(p->threads[0].doing, GS_WITHOUT);
        assert_null(p->threads[0].place.function);
        about(p->threads[0].share[GS_HOLDS], 0.25);
        about(p->threads[0].share[GS_WITHOUT], 0.75);
        f.c = stream_thread(&f.stream, 104 + i, "c");
    }
    alive = 0;
    stream_tick(&f.stream, 10 * MS, 990 * MS); /* in the next second */
    assert_int_equal(picture(&f, 0, 0)->thread_count, 1);
    close_fixture(&f);
}

/* ---- as time goes by ---- */

UNIT_TEST(seconds_and_cells)
{
    struct fixture f;
    open_fixture(&f, false);
    for (int i = 0; i < 100; i++)
        tick(&f, f.leaf, 10); /* up to 6.00 s */
    for (int i = 0; i < 70; i++) {
        stream_clear(&f.stream);
        stream_add(&f.stream, f.a, f.leaf, i % 2 ? GS_HOLDS : GS_WITHOUT, GS_RUN_RUNNING);
        stream_add(&f.stream, f.b, f.idle, GS_WITHOUT, GS_RUN_SYSCALL);
        assert_int_equal(stream_tick(&f.stream, 10 * MS, 0), GS_OK);
    }
    const struct gs_picture *p = picture(&f, GS_SHOW_TIMELINE, 0);
    assert_int_equal(p->gils[0].seconds, 1);
    assert_true(p->gils[0].held_s[59] > 0.98 && p->gils[0].waiting_s[59] > 0.98);
    assert_int_equal(p->thread_count, 2); /* c has ended */
    const struct gs_picture_thread *a = &p->threads[0], *b = &p->threads[1];
    assert_int_equal(a->cell_count, 4);
    assert_int_equal(a->cells[1].part[GS_HOLDS], 200);
    assert_int_equal(a->cells[2].part[GS_HOLDS], 100);
    assert_int_equal(a->cells[2].part[GS_WITHOUT], 100);
    assert_int_equal(b->cells[1].part[GS_WAITS], 200);
    assert_int_equal(b->cells[2].part[GS_DOING_IDLE], 196);
    assert_int_equal(b->cells[3].part[GS_DOING_IDLE], 84);
    stream_tick(&f.stream, 10 * MS, (uint64_t)3600 * 1000 * MS); /* an hour in which nobody looked */
    p = picture(&f, GS_SHOW_TIMELINE, 0);
    assert_int_equal(p->gils[0].seconds, GS_PICTURE_SECONDS);
    assert_int_equal(p->threads[0].cell_count, GS_PICTURE_CELLS);
    close_fixture(&f);
}

/* What is 10 s older counts half. */
UNIT_TEST(recent_counts_more)
{
    struct fixture f;
    open_fixture(&f, true);
    for (int i = 0; i < 1000; i++)
        tick(&f, f.leaf, 10);
    for (int i = 0; i < 1000; i++) {
        stream_clear(&f.stream);
        stream_add(&f.stream, f.a, f.idle, GS_WITHOUT, GS_RUN_SYSCALL);
        stream_add(&f.stream, f.b, f.idle, GS_WITHOUT, GS_RUN_SYSCALL);
        stream_tick(&f.stream, 10 * MS, 0);
    }
    const struct gs_picture *p = picture(&f, GS_SHOW_FUNCTIONS, 0);
    assert_true(p->threads[0].share[GS_HOLDS] > 0.32 && p->threads[0].share[GS_HOLDS] < 0.35);
    const struct gs_picture_function *leaf = function(p, "leaf");
    assert_true(leaf->own[GS_MODE_GIL] > 0.32 && leaf->own[GS_MODE_GIL] < 0.35);
    about(leaf->own_s[GS_MODE_GIL], 10);
    close_fixture(&f);
}

UNIT_TEST(processor_time)
{
    struct fixture f;
    pid_t pid, tid;
    bool more;
    open_fixture(&f, false);
    tick(&f, f.leaf, 10);
    assert_true(gs_live_cpu_wanted(f.live, 0, 1000, &pid, &tid, &more) && more && pid == PID && tid == 101);
    gs_live_thread_cpu(f.live, 0, 1000 * MS, 50 * MS);
    assert_true(picture(&f, 0, 0)->threads[0].cpu < 0);
    gs_live_thread_cpu(f.live, 0, 1100 * MS, 75 * MS);
    about(picture(&f, 0, 0)->threads[0].cpu, 0.25);
    assert_false(gs_live_cpu_wanted(f.live, 0, 1200 * MS, &pid, &tid, &more)); /* it was not seen to run since */
    assert_true(gs_live_cpu_wanted(f.live, 0, (uint64_t)20000 * MS, &pid, &tid, &more));
    assert_false(gs_live_cpu_wanted(f.live, 3, 1000, &pid, &tid, &more) || more);
    gs_live_process_cpu(f.live, PID, 1000 * MS, 0, 5);
    gs_live_process_cpu(f.live, PID, 2000 * MS, 1500 * MS, 6);
    about(picture(&f, 0, 0)->processes[0].cpu, 1.5);
    assert_int_equal(picture(&f, 0, 0)->processes[0].uptime_us, 6);
    close_fixture(&f);
}

/* The last process stays to be looked at; others go, and one that comes takes its place. */
UNIT_TEST(processes_end)
{
    struct fixture f;
    open_fixture(&f, false);
    tick(&f, f.leaf, 10);
    stream_process(&f.stream, 43, command);
    uint32_t other = stream_thread(&f.stream, 200, "other");
    stream_clear(&f.stream);
    stream_add(&f.stream, other, f.idle, GS_WITHOUT, GS_RUN_SYSCALL);
    stream_tick(&f.stream, 10 * MS, 0);
    assert_int_equal(picture(&f, 0, 0)->process_count, 2);
    gs_live_ended(f.live, PID);
    const struct gs_picture *p = picture(&f, 0, 0);
    assert_true(p->process_count == 1 && p->thread_count == 1 && !p->ended);
    gs_live_ended(f.live, 43);
    p = picture(&f, 0, 0);
    assert_true(p->process_count == 1 && p->thread_count == 1 && p->ended && p->processes[0].ended);
    assert_string_equal(p->threads[0].place.function, "wait");
    stream_process(&f.stream, 43, command);
    p = picture(&f, 0, 0);
    assert_true(p->process_count == 1 && p->thread_count == 0 && !p->ended);
    close_fixture(&f);
}

/* Threads, functions, stacks and processes without end, in the memory of a few. */
UNIT_TEST(churn)
{
    struct fixture f;
    char name[64];
    size_t settled = 0;
    open_fixture(&f, true);
    for (int round = 0; round < 40000; round++) {
        if (round % 2000 == 0 && round > 0)
            stream_forget(&f.stream);
        stream_clear(&f.stream);
        snprintf(name, sizeof name, "thread-%d", round);
        f.a = stream_thread(&f.stream, 1000 + round, name);
        f.b = stream_thread(&f.stream, 900000 + round, "waiter");
        for (int i = 0; i < 4; i++) {
            snprintf(name, sizeof name, "function_%d_of_some_length", round * 4 + i);
            f.leaf = stream_call(&f.stream, i ? f.leaf : 0, name, "app.py", i);
        }
        stream_add(&f.stream, f.a, f.leaf, GS_HOLDS, GS_RUN_RUNNING);
        stream_add(&f.stream, f.b, f.leaf, GS_WAITS, GS_RUN_SYSCALL);
        assert_int_equal(stream_tick(&f.stream, 5 * MS, 0), GS_OK);
        look(&f, 1, 1000 + round, (uint64_t)round);
        look(&f, 4, 1000 + round, (uint64_t)round);
        if (round % 1000 == 999) {
            const struct gs_picture *p = picture(&f, GS_SHOW_ALL, 0);
            assert_true(p->thread_count == 2 && p->function_count <= 8192 && p->function_count > 3000);
            assert_true(p->blame_count <= 4096 && p->hold_count <= 1024);
        }
        if (round == 19999)
            settled = mallinfo2().uordblks;
    }
    assert_true(mallinfo2().uordblks < settled + (1 << 20));
    close_fixture(&f);
}

/* ---- the sums themselves ---- */

struct entry {
    struct gs_topk_key key;
    uint64_t worth;
};

static uint64_t worth_of(const void *entry, const void *context)
{
    (void)context;
    return ((const struct entry *)entry)->worth;
}

UNIT_TEST(topk)
{
    struct gs_topk list;
    assert_true(gs_topk_init(&list, sizeof(struct entry), 100));
    for (uint64_t i = 0; i < 100; i++) {
        struct entry *entry = gs_topk_get(&list, (struct gs_topk_key){i, i % 3});
        entry->worth = i < 10 ? 0 : i;
    }
    assert_null(gs_topk_get(&list, (struct gs_topk_key){7, 7}));
    assert_int_equal(((struct entry *)gs_topk_get(&list, (struct gs_topk_key){50, 2}))->worth, 50);
    gs_topk_halve(&list, worth_of, NULL);
    assert_int_equal(list.count, 50);
    assert_null(gs_topk_find(&list, (struct gs_topk_key){49, 1}));
    assert_int_equal(((struct entry *)gs_topk_find(&list, (struct gs_topk_key){99, 0}))->worth, 99);
    struct entry *fresh = gs_topk_get(&list, (struct gs_topk_key){1000, 0});
    assert_int_equal(fresh->worth, 0);
    gs_topk_halve(&list, worth_of, NULL); /* what is worth nothing goes */
    assert_null(gs_topk_find(&list, (struct gs_topk_key){1000, 0}));
    gs_topk_clear(&list);
    assert_int_equal(list.count, 0);
    assert_null(gs_topk_find(&list, (struct gs_topk_key){99, 0}));
    gs_topk_fini(&list);
}
