/* The rules of why on made-up looks, and their renderings byte by byte. */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "diagnose/why_loops.h"
#include "diagnose/why_natives.h"
#include "diagnose/why_waits.h"
#include "export/why.h"
#include "gil/gilstat.h"
#include "support/golden.h"
#include "support/scene.h"
#include "support/unit.h"

/* Higher than any that a kernel gives: nobody is asked about a real one. */
enum { PID = 5000000, HOG, VICTIM, OTHER };

#define MS UINT64_C(1000000)

/* A process, what was seen of it, and what is found. */
struct inquiry {
    struct scene scene;
    struct gs_why_watch watch;
    struct gs_wait before[SCENE_THREADS], now[SCENE_THREADS];
    struct gs_waits waits_before, waits_now;
    struct gs_locks_passed passed;
    struct gs_case facts;
    struct gs_why why;
    uint64_t code;
};

static const char *name_of(void *context, const struct gs_thread *thread, char spare[16])
{
    struct inquiry *q = context;
    return q->scene.dump.lookup.name(&q->scene, thread, spare);
}

static bool place_of(void *context, const struct gs_frame *frame, struct gs_place *place)
{
    struct inquiry *q = context;
    struct gs_frame_info info;
    if (!q->scene.dump.lookup.frame(&q->scene, frame, &info))
        return false;
    *place = (struct gs_place){.function = info.function, .file = info.file, .line = info.line};
    return true;
}

static const struct gs_code *no_code(void *context, const struct gs_frame *frame)
{
    (void)context;
    (void)frame;
    return NULL;
}

static int setup(void **state)
{
    struct inquiry *q = calloc(1, sizeof *q);
    assert_non_null(q);
    scene_init(&q->scene);
    q->scene.target.pid = q->scene.target.ns_pid = PID;
    q->scene.snapshot.time_ns = 1000 * MS;
    q->waits_before.list = q->before;
    q->waits_now.list = q->now;
    for (size_t i = 0; i < SCENE_THREADS; i++)
        q->before[i] = q->now[i] = (struct gs_wait){.owner = GS_NOBODY, .referrer = GS_NOBODY};
    q->facts = (struct gs_case){.target = &q->scene.target,
                                .python = &q->scene.python,
                                .snapshot = &q->scene.snapshot,
                                .watch = &q->watch,
                                .before = &q->waits_before,
                                .now = &q->waits_now,
                                .passed = &q->passed,
                                .cpu = 0.97,
                                .lookup = {q, name_of, place_of, no_code}};
    uint64_t module = scene_code(&q->scene, "<module>", NULL, "/srv/app/main.py", 5);
    uint64_t match = scene_code(&q->scene, "match", NULL, "/usr/lib/python3.11/re/__init__.py", 166);
    uint64_t tokenize = scene_code(&q->scene, "tokenize", NULL, "/srv/app/parser.py", 88);
    scene_thread(&q->scene, PID, "MainThread", GS_WITHOUT, GS_RUN_SYSCALL, SYS_read);
    scene_frame(&q->scene, module, 0);
    scene_thread(&q->scene, HOG, "worker-2", GS_WITHOUT, GS_RUN_SYSCALL, SYS_futex);
    scene_frame(&q->scene, match, 0);
    scene_frame(&q->scene, tokenize, 0);
    scene_thread(&q->scene, VICTIM, "worker-1", GS_WITHOUT, GS_RUN_SYSCALL, SYS_futex);
    scene_frame(&q->scene, tokenize, 2);
    *state = q;
    return 0;
}

static int teardown(void **state)
{
    struct inquiry *q = *state;
    gs_why_fini(&q->why);
    gs_why_watch_fini(&q->watch);
    free(q);
    return 0;
}

/* So many looks, a millisecond apart. */
static void look(struct inquiry *q, int times)
{
    for (int i = 0; i < times; i++) {
        q->scene.snapshot.time_ns += MS;
        assert_int_equal(gs_why_watch_add(&q->watch, &q->scene.snapshot), GS_OK);
    }
}

static void judge(struct inquiry *q)
{
    q->waits_before.count = q->waits_now.count = q->scene.snapshot.thread_count;
    for (size_t i = 0; i < q->waits_now.count; i++) {
        q->now[i].tid = q->before[i].tid = q->scene.threads[i].tid;
        q->now[i].owner_tid = q->now[i].owner != GS_NOBODY ? q->scene.threads[q->now[i].owner].tid : 0;
        q->before[i].owner_tid = q->now[i].owner_tid;
    }
    q->facts.apart_ns = q->watch.last_ns - q->watch.first_ns;
    gs_why_watch_end(&q->watch);
    assert_int_equal(gs_why_judge(&q->why, &q->facts), GS_OK);
    assert_true(q->why.count >= 1);
}

/* Thread `index` has the GIL and computes, `waiter` waits for it (0: nobody does). */
static void hold(struct inquiry *q, size_t index, size_t waiter)
{
    struct gs_gil *gil = &q->scene.gils[0];
    for (size_t i = 0; i < q->scene.snapshot.thread_count; i++) {
        q->scene.threads[i].gil = i == index ? GS_HOLDS : i == waiter && waiter ? GS_WAITS : GS_WITHOUT;
        q->scene.threads[i].activity.run = i == index ? GS_RUN_RUNNING : GS_RUN_SYSCALL;
    }
    gil->state = GS_GIL_HELD;
    gil->holder = q->scene.threads[index].tid;
    gil->drop_requested = waiter > 0;
    gil->switches++;
}

static void assert_first(const struct inquiry *q, enum gs_why_kind kind, bool certain)
{
    assert_string_equal(gs_why_kind_name(q->why.list[0].kind), gs_why_kind_name(kind));
    assert_int_equal(q->why.list[0].certain, certain);
}

/* ---- rules ---- */

static void test_hog(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 2);
    look(q, 2000);
    judge(q);
    assert_first(q, GS_WHY_gil_hog, true);
    assert_int_equal(q->why.count, 1);
    assert_int_equal(q->why.list[0].threads[0], HOG);
    assert_non_null(strstr(q->why.list[0].text, "did not let go once in the 2.0 s watched"));
    assert_false(gs_why_healthy(&q->why));
}

/* It lets go before the end: that is said, and how long it lasted. */
static void test_hog_that_ends(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 2);
    look(q, 1901);
    hold(q, 2, 0);
    look(q, 100);
    judge(q);
    assert_first(q, GS_WHY_gil_hog, true);
    assert_string_equal(q->why.list[0].text,
                        "worker-2 (5000001) kept the GIL for 1.9 s of the 2.0 s watched without letting go; it has let "
                        "go since.");
}

/* As long, but nobody wants it: it simply computes. */
static void test_alone(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 0);
    look(q, 2000);
    judge(q);
    assert_first(q, GS_WHY_busy, false);
    assert_true(gs_why_healthy(&q->why));
}

/* It would compute, but others have the processors: what it had is told, not what it asked for. */
static void test_starved(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 0);
    look(q, 2000);
    q->before[1].ran_ns = 1000 * MS;
    q->now[1].ran_ns = 1640 * MS;
    q->now[1].kept_ns = 1300 * MS;
    judge(q);
    assert_first(q, GS_WHY_busy, false);
    assert_string_equal(
        q->why.list[0].evidence[0],
        "It had a processor 32 % of the time, and the GIL 100 %: it keeps the GIL while it sleeps or waits for a "
        "processor.");
    assert_non_null(strstr(q->why.list[0].evidence[1], "For 0.7 s in each second"));
    assert_non_null(strstr(q->why.list[0].evidence[1], "had no processor"));
}

/* C code that calls Python through PyGILState_Ensure has a new state each time: it is one thread. */
static void test_hog_of_many_states(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 2);
    gs_addr last = q->scene.threads[1].tstate;
    for (uint64_t i = 2000; i-- > 0; look(q, 1))
        q->scene.threads[1].tstate = last + 4096 * i;
    judge(q);
    assert_first(q, GS_WHY_gil_hog, true);
    assert_int_equal(q->watch.thread_count, 3);
    assert_int_equal(q->why.list[0].threads[0], HOG);
    assert_non_null(strstr(q->why.list[0].text, "did not let go once in the 2.0 s watched"));
}

/* A thread that is in two interpreters: what it does in the one counts, not that it does nothing in the other. */
static void test_hog_in_two_interpreters(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 3);
    struct gs_thread *threads = q->scene.threads;
    threads[3] = threads[2];
    threads[2] = threads[1];
    threads[2].gil = GS_WITHOUT;
    threads[2].tstate = threads[3].tstate + 64;
    q->scene.snapshot.thread_count = 4;
    q->scene.gils[0].drop_requested = true;
    threads[3].gil = GS_WAITS;
    look(q, 2000);
    judge(q);
    assert_first(q, GS_WHY_gil_hog, true);
    assert_int_equal(q->watch.thread_count, 3);
    assert_int_equal(q->why.list[0].threads[0], HOG);
    assert_true(gs_why_watch_find(&q->watch, &threads[1]) == gs_why_watch_find(&q->watch, &threads[2]));
    assert_in_range(gs_why_watch_find(&q->watch, &threads[1])->word_ns[GS_HOLDS], 1999 * MS, 2000 * MS);
}

/* Nobody was asked to let go: it may have done so unseen. */
static void test_hog_likely(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 2);
    q->scene.gils[0].drop_requested = false;
    look(q, 2000);
    judge(q);
    assert_first(q, GS_WHY_gil_hog, false);
}

/* Holds that are long for a server, and no hog's. */
static void test_short_holds(void **state)
{
    struct inquiry *q = *state;
    for (int i = 0; i < 20; i++) {
        hold(q, 1, 2);
        look(q, 40);
        hold(q, 2, 0);
        look(q, 60);
    }
    judge(q);
    for (size_t i = 0; i < q->why.count; i++)
        assert_int_not_equal(q->why.list[i].kind, GS_WHY_gil_hog);
}

static void test_saturated(void **state)
{
    struct inquiry *q = *state;
    for (int i = 0; i < 200; i++) {
        hold(q, i % 2 ? 1 : 2, i % 2 ? 2 : 1);
        q->scene.frames[1].instr = i; /* they get on */
        q->scene.frames[3].instr = i;
        look(q, 5);
    }
    judge(q);
    assert_first(q, GS_WHY_gil_saturated, false);
    assert_int_equal(q->why.list[0].thread_count, 2);
}

/* Its turns are too short to be seen: in each look the same thread has the GIL, which went there and back. */
static void test_convoy(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 2);
    for (int i = 0; i < 200; i++) {
        q->scene.gils[0].switches += 2;
        q->scene.frames[1].instr = i;
        look(q, 5);
    }
    judge(q);
    assert_first(q, GS_WHY_convoy, false);
    assert_int_equal(q->why.count, 1);
    assert_non_null(strstr(q->why.list[0].evidence[0], "asked for the GIL 200 times a second, and waited 5.0 ms"));
}

/* A waiter whose GIL never changed hands waits for one turn: it is no convoy. */
static void test_no_convoy(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 2);
    for (int i = 0; i < 200; i++) {
        q->scene.frames[1].instr = i;
        look(q, 5);
    }
    judge(q);
    for (size_t i = 0; i < q->why.count; i++)
        assert_int_not_equal(q->why.list[i].kind, GS_WHY_convoy);
}

static void rest(struct inquiry *q)
{
    for (size_t i = 0; i < q->scene.snapshot.thread_count; i++) {
        q->scene.threads[i].gil = GS_WITHOUT;
        q->scene.threads[i].activity.run = GS_RUN_SYSCALL;
    }
    q->scene.gils[0].state = GS_GIL_FREE;
    q->scene.gils[0].holder = 0;
}

/* Requests of 2 ms: the GIL is taken for three quarters of the time, one waits for it a lot, and nobody computes. */
static void test_server(void **state)
{
    enum { NOBODY = 9 };
    static const struct {
        size_t holder, waiter;
    } steps[] = {{0, 2}, {1, 2}, {2, 0},      {NOBODY, 0}, {0, 2}, {1, 2},
                 {0, 1}, {1, 2}, {NOBODY, 0}, {0, 2},      {1, 0}, {NOBODY, 0}};
    struct inquiry *q = *state;
    for (int i = 0; i < 480; i++) {
        const size_t step = (size_t)i % (sizeof steps / sizeof *steps);
        if (steps[step].holder == NOBODY)
            rest(q);
        else
            hold(q, steps[step].holder, steps[step].waiter);
        q->scene.frames[0].instr = q->scene.frames[1].instr = q->scene.frames[3].instr = i;
        look(q, 2);
    }
    judge(q);
    assert_first(q, GS_WHY_idle, false);
    assert_int_equal(q->why.count, 1);
    assert_string_equal(q->why.list[0].text, "It works, and nothing holds it up.");
}

/* Three that compute for some milliseconds each: the GIL is free for a tenth of the time, two always wait. */
static void share_gil(struct inquiry *q)
{
    for (int i = 0; i < 200; i++) {
        const size_t turn = (size_t)i % 3;
        hold(q, turn, (turn + 1) % 3);
        q->scene.threads[(turn + 1) % 3].gil = q->scene.threads[(turn + 2) % 3].gil = GS_WAITS;
        q->scene.frames[0].instr = q->scene.frames[1].instr = q->scene.frames[3].instr = i;
        look(q, 8);
        if (i % 3 == 2) {
            rest(q);
            look(q, 4);
        }
    }
}

static void test_contended(void **state)
{
    struct inquiry *q = *state;
    share_gil(q);
    judge(q);
    assert_first(q, GS_WHY_gil_contended, false);
    assert_int_equal(q->why.count, 1);
    assert_int_equal(q->why.list[0].thread_count, 3);
    assert_non_null(strstr(q->why.list[0].text, "costs 3 threads 6"));
    assert_non_null(strstr(q->why.list[0].evidence[0], "is free for 1"));
}

/* Two of them wait in each look, and the GIL went round between: none waited longer at worst than on average. */
static void test_longest_wait_is_no_shorter_than_the_mean(void **state)
{
    struct inquiry *q = *state;
    hold(q, 0, 1);
    q->scene.threads[2].gil = GS_WAITS;
    for (int i = 0; i < 400; i++) {
        q->scene.gils[0].switches += i % 4 == 0 ? 2 : 0;
        look(q, 1);
    }
    const struct gs_why_thread *sum = gs_why_watch_find(&q->watch, &q->scene.threads[1]);
    assert_true((double)sum->longest_wait_ns >= (double)sum->word_ns[GS_WAITS] / (sum->waits + sum->unseen_turns));
}

/* The same looks where each of them, which has the GIL a third of the time, had so many ms of a processor. */
static void share_gil_starved(struct inquiry *q, uint64_t ran_ms)
{
    share_gil(q);
    for (size_t i = 0; i < 3; i++) {
        q->before[i].ran_ns = 1;
        q->now[i].ran_ns = ran_ms * MS;
        q->now[i].kept_ns = 1200 * MS;
    }
    judge(q);
}

/* A turn takes 16 ms, of which whoever has the GIL runs 12: waiters wait for it on any machine. */
static void test_contended_and_starved(void **state)
{
    struct inquiry *q = *state;
    share_gil_starved(q, 400);
    assert_first(q, GS_WHY_gil_contended, false);
    assert_non_null(strstr(q->why.list[0].evidence[1], "The machine has more to do than it can: about 2"));
}

/* It has it for 3 of them: what they wait for is the machine. */
static void test_not_contended_but_starved(void **state)
{
    struct inquiry *q = *state;
    share_gil_starved(q, 100);
    for (size_t i = 0; i < q->why.count; i++)
        assert_int_not_equal(q->why.list[i].kind, GS_WHY_gil_contended);
}

/* Of a deadlock those are told who asked for one in it, and only those. */
static void ask_for(struct inquiry *q, const char *pattern, enum gs_why_kind kind, size_t left_out)
{
    static const char *patterns[1];
    patterns[0] = pattern;
    gs_why_fini(&q->why);
    q->facts.patterns = patterns;
    q->facts.pattern_count = 1;
    judge(q);
    assert_string_equal(gs_why_kind_name(q->why.list[0].kind), gs_why_kind_name(kind));
    assert_int_equal(q->why.count, 1);
    assert_int_equal(q->why.left_out, left_out);
}

static void test_threads_asked_for(void **state)
{
    struct inquiry *q = *state;
    rest(q);
    for (uint32_t i = 1; i <= 2; i++)
        q->now[i] = q->before[i] = (struct gs_wait){
            .kind = GS_WAIT_LOCK, .word = 0x1000 * i, .recursive = true, .owner = 3 - i, .owner_stated = true};
    look(q, 2000);
    ask_for(q, "worker-1", GS_WHY_lock_deadlock, 0);
    ask_for(q, "5000001", GS_WHY_lock_deadlock, 0);
    ask_for(q, "Main*", GS_WHY_idle, 1);
    assert_string_equal(q->why.list[0].text, "It is idle: the thread asked for sleeps, and nobody waits for the GIL.");
    assert_int_equal(q->why.list[0].thread_count, 1);
    ask_for(q, "nobody", GS_WHY_idle, 1);
}

/* Thread `index`, whose first frame there is no other use for, collects, or not. */
static void collect(struct inquiry *q, size_t index, bool on)
{
    q->scene.interpreters[0].collecting_garbage = on;
    q->scene.frames[q->scene.threads[index].frames - q->scene.frames].kind = on ? GS_FRAME_GC : GS_FRAME_PYTHON;
}

static void test_collecting(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 2);
    look(q, 500);
    collect(q, 1, true);
    look(q, 1500);
    judge(q);
    assert_first(q, GS_WHY_gc, true);
    assert_int_equal(q->why.count, 1);
    assert_int_equal(q->why.list[0].threads[0], q->scene.threads[1].tid);
}

/* It computes all the time, of which it collects so many ms in each 100, where it has an eighth of a processor. */
static void collect_starved(struct inquiry *q, uint64_t collecting_ms)
{
    for (int i = 0; i < 20; i++) {
        hold(q, 1, 0);
        collect(q, 1, true);
        look(q, collecting_ms);
        collect(q, 1, false);
        look(q, 100 - collecting_ms);
    }
    q->before[1].ran_ns = 1000 * MS;
    q->now[1].ran_ns = 1250 * MS;
    q->now[1].kept_ns = 1750 * MS;
    judge(q);
}

/* A machine with too much to do hides no collection, */
static void test_collecting_starved(void **state)
{
    struct inquiry *q = *state;
    collect_starved(q, 80);
    assert_first(q, GS_WHY_gc, true);
    assert_non_null(strstr(q->why.list[0].evidence[2], "For 0.9 s in each second"));
}

/* and makes none. */
static void test_not_collecting_but_starved(void **state)
{
    struct inquiry *q = *state;
    collect_starved(q, 10);
    assert_first(q, GS_WHY_busy, false);
}

/* Without a GIL: one asks all others to stop, another one does not. */
static void test_stopped_worlds(void **state)
{
    struct inquiry *q = *state;
    struct gs_interpreter *interpreter = &q->scene.interpreters[0];
    for (size_t i = 0; i < q->scene.snapshot.thread_count; i++)
        q->scene.threads[i].gil = GS_NONE;
    q->scene.gils[0].state = GS_GIL_DISABLED;
    interpreter->world = (struct gs_stopped_world){.known = true};
    look(q, 500);
    collect(q, 1, true);
    interpreter->world.requested = true;
    interpreter->world.requester = q->scene.threads[1].tid;
    q->scene.threads[2].late = true;
    look(q, 1500);
    judge(q);
    assert_first(q, GS_WHY_world_stopped, true);
    assert_int_equal(q->why.list[0].thread_count, 2);
    assert_non_null(strstr(q->why.list[0].evidence[0], "asked for it to collect garbage"));
    assert_non_null(strstr(q->why.list[0].evidence[1], "does not stop"));
}

/* They all stopped, and it lasts: that is the collection. */
static void test_collecting_stopped(void **state)
{
    struct inquiry *q = *state;
    struct gs_interpreter *interpreter = &q->scene.interpreters[0];
    look(q, 500);
    collect(q, 1, true);
    interpreter->world = (struct gs_stopped_world){true, true, true, q->scene.threads[1].tid};
    look(q, 1500);
    judge(q);
    assert_first(q, GS_WHY_gc, true);
    assert_non_null(strstr(q->why.list[0].evidence[1], "All other threads were stopped for 1.5 s"));
}

/* A collection of 40 ms now and then is none of anybody's business. */
static void test_short_collections(void **state)
{
    struct inquiry *q = *state;
    for (int i = 0; i < 10; i++) {
        hold(q, 1, 0);
        collect(q, 1, true);
        look(q, 40);
        collect(q, 1, false);
        look(q, 160);
    }
    judge(q);
    assert_first(q, GS_WHY_busy, false);
}

static void test_idle(void **state)
{
    struct inquiry *q = *state;
    for (size_t i = 0; i < q->scene.snapshot.thread_count; i++)
        q->now[i].kind = GS_WAIT_NOTICE;
    look(q, 2000);
    judge(q);
    assert_first(q, GS_WHY_idle, true);
    assert_true(gs_why_healthy(&q->why));
}

/* Python's threads sleep; others of the process do, too, or have so much of a processor. */
static void judge_natives(struct inquiry *q, double ran, bool known)
{
    struct gs_why_native list[] = {{.tid = PID, .ran = 0.0, .python = true},
                                   {.tid = OTHER, .name = "polars-0", .ran = ran}};
    struct gs_why_natives natives = {.list = list, .count = 2, .known = known};
    for (size_t i = 0; i < q->scene.snapshot.thread_count; i++)
        q->now[i].kind = GS_WAIT_NOTICE;
    look(q, 2000);
    q->facts.natives = &natives;
    q->facts.cpu = ran;
    judge(q);
}

static void test_natives_busy(void **state)
{
    struct inquiry *q = *state;
    judge_natives(q, 0.96, true);
    assert_first(q, GS_WHY_busy, false);
    assert_int_equal(q->why.count, 1);
    assert_string_equal(q->why.list[0].evidence[0], "They are polars-0 (5000003) 96 %.");
}

static void test_natives_asleep(void **state)
{
    judge_natives(*state, 0, true);
    assert_first(*state, GS_WHY_idle, true);
}

static void test_natives_awake(void **state)
{
    judge_natives(*state, 0.2, true);
    assert_first(*state, GS_WHY_idle, false);
}

static void test_natives_unknown(void **state)
{
    judge_natives(*state, 0, false);
    assert_first(*state, GS_WHY_idle, false);
}

static void make_deadlock(struct inquiry *q, bool stated)
{
    const struct gs_wait wants[] = {
        {.referrer = GS_NOBODY, .kind = GS_WAIT_LOCK, .word = 0x1000, .owner = 2, .recursive = stated},
        {.referrer = GS_NOBODY, .kind = GS_WAIT_LOCK, .word = 0x2000, .owner = 1, .recursive = stated}};
    for (size_t i = 0; i < 2; i++) {
        q->now[i + 1] = wants[i];
        q->now[i + 1].owner_stated = stated;
        q->now[i + 1].with = q->scene.frames[3];
        q->before[i + 1] = q->now[i + 1];
    }
}

static void test_deadlock(void **state)
{
    struct inquiry *q = *state;
    make_deadlock(q, true);
    look(q, 2000);
    judge(q);
    assert_first(q, GS_WHY_lock_deadlock, true);
    assert_int_equal(q->why.list[0].thread_count, 2);
}

/* A Lock names no owner: that is never certain. */
static void test_deadlock_of_locks(void **state)
{
    struct inquiry *q = *state;
    make_deadlock(q, false);
    look(q, 2000);
    judge(q);
    assert_first(q, GS_WHY_lock_deadlock, false);
}

/* The circle is there in the last look only: its members ran a moment before. */
static void test_no_deadlock(void **state)
{
    struct inquiry *q = *state;
    make_deadlock(q, true);
    for (int i = 0; i < 400; i++) {
        q->scene.frames[1].instr = i;
        look(q, 5);
    }
    judge(q);
    for (size_t i = 0; i < q->why.count; i++)
        assert_int_not_equal(q->why.list[i].kind, GS_WHY_lock_deadlock);
}

static void test_gil_deadlock(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 2);
    q->scene.threads[1].activity.run = GS_RUN_SYSCALL;
    q->now[1] = (struct gs_wait){
        .referrer = GS_NOBODY, .kind = GS_WAIT_MUTEX, .word = 0x7f0000001000, .owner = 2, .owner_stated = true};
    q->now[2] = (struct gs_wait){.referrer = GS_NOBODY, .kind = GS_WAIT_GIL, .owner = 1, .owner_stated = true};
    q->before[1] = q->now[1];
    q->before[2] = q->now[2];
    look(q, 2000);
    judge(q);
    assert_first(q, GS_WHY_gil_deadlock, true);
    assert_int_equal(q->why.count, 1);
}

/* Thread 2 waits for a lock all the time, which its owner, also all the time, does not have. */
static void wait_for_lock(struct inquiry *q)
{
    q->now[2] = (struct gs_wait){.referrer = GS_NOBODY,
                                 .kind = GS_WAIT_LOCK,
                                 .recursive = true,
                                 .word = 0x7f0000002000,
                                 .owner = 1,
                                 .owner_stated = true};
    q->before[2] = q->now[2];
    look(q, 2000);
}

static void test_lock_wait(void **state)
{
    struct inquiry *q = *state;
    wait_for_lock(q);
    judge(q);
    assert_first(q, GS_WHY_lock_wait, true);
}

static void test_lock_that_goes_round(void **state)
{
    struct inquiry *q = *state;
    struct gs_wait list[2] = {{.kind = GS_WAIT_LOCK, .word = 0x7f0000002000, .tid = VICTIM, .owner_tid = OTHER},
                              {.kind = GS_WAIT_LOCK, .word = 0x7f0000002000, .tid = HOG, .owner_tid = OTHER}};
    struct gs_wait later[2] = {list[0], {.kind = GS_WAIT_CALL, .tid = HOG}};
    const struct gs_waits before = {list, 2}, now = {later, 2};
    gs_locks_passed_add(&q->passed, &before, &before);
    assert_int_equal(gs_locks_passed_times(&q->passed, 0x7f0000002000), 0);
    gs_locks_passed_add(&q->passed, &before, &now);
    assert_int_equal(gs_locks_passed_times(&q->passed, 0x7f0000002000), 1);
    later[1] = list[1];
    later[0].owner_tid = later[1].owner_tid = PID;
    gs_locks_passed_add(&q->passed, &before, &now);
    assert_int_equal(gs_locks_passed_times(&q->passed, 0x7f0000002000), 2);
    wait_for_lock(q);
    judge(q);
    assert_first(q, GS_WHY_lock_contended, false);
    assert_int_equal(q->why.count, 1);
}

/* Nobody hangs, and yet the lock of a dict costs two threads more than a third of their time; a lock that few wait for,
 * or that never went round, does not. */
static void test_lock_that_costs(void **state)
{
    struct inquiry *q = *state;
    struct gs_gilstat_lock locks[] = {
        {.kind = GS_LOCK_OBJECT,
         .type = "dict",
         .name = "app.cache",
         .address = 0x7f0000001040,
         .mean_waiters = 0.7,
         .most_waiters = 2,
         .wait_us = 1400000,
         .longest_wait_us = 81000,
         .waits = 900,
         .holder = HOG,
         .held_in = {.function = "put", .file = "/srv/app/cache.py", .line = 12},
         .waiters = {HOG, VICTIM},
         .waiter_count = 2},
        {.kind = GS_LOCK_LOCK, .mean_waiters = 0.4, .waits = 900, .waiters = {PID}, .waiter_count = 1},
        {.kind = GS_LOCK_LOCK, .mean_waiters = 1, .waits = 3, .waiters = {PID}, .waiter_count = 1}};
    const struct gs_gilstat figures = {.locks_known = true, .locks = locks, .lock_count = 3};
    q->facts.locks = &figures;
    look(q, 1000);
    judge(q);
    assert_first(q, GS_WHY_lock_contended, false);
    assert_string_equal(q->why.list[0].text,
                        "Waiting for the dict app.cache (its own lock, at 0x7f0000001040) costs 2 threads "
                        "35 % of the time each: 81 ms at worst.");
    assert_int_equal(q->why.list[0].thread_count, 2);
    assert_true(q->why.count == 1 || q->why.list[1].kind != GS_WHY_lock_contended);
}

/* Plain Locks without owners: what each wants the code of the other one names. */
static void judge_referrers(struct inquiry *q, uint32_t second)
{
    q->now[1] = (struct gs_wait){.kind = GS_WAIT_LOCK, .word = 0x1000, .owner = GS_NOBODY, .referrer = 2};
    q->now[2] = (struct gs_wait){.kind = GS_WAIT_LOCK, .word = 0x2000, .owner = GS_NOBODY, .referrer = second};
    q->before[1] = q->now[1];
    q->before[2] = q->now[2];
    look(q, 2000);
    judge(q);
}

static void test_deadlock_by_names(void **state)
{
    struct inquiry *q = *state;
    judge_referrers(q, 1);
    assert_first(q, GS_WHY_lock_deadlock, false);
    assert_int_equal(q->why.count, 1);
    assert_int_equal(q->why.list[0].thread_count, 2);
}

static void test_no_deadlock_by_names(void **state)
{
    struct inquiry *q = *state;
    judge_referrers(q, GS_NOBODY);
    assert_first(q, GS_WHY_lock_wait, false);
}

/* Two workers of a pool: the one waits for that pool, the other one, too, or for something else. */
static void judge_pool(struct inquiry *q, bool other)
{
    for (size_t i = 1; i <= 2; i++)
        q->now[i] = (struct gs_wait){.kind = GS_WAIT_NOTICE,
                                     .owner = GS_NOBODY,
                                     .referrer = GS_NOBODY,
                                     .pool = 0x3000,
                                     .own_pool = i == 1 || other};
    look(q, 2000);
    judge(q);
}

static void test_pool_exhausted(void **state)
{
    struct inquiry *q = *state;
    judge_pool(q, true);
    assert_first(q, GS_WHY_pool_exhausted, true);
    assert_int_equal(q->why.count, 1);
    assert_int_equal(q->why.list[0].thread_count, 2);
}

static void test_pool_at_work(void **state)
{
    judge_pool(*state, false);
    assert_first(*state, GS_WHY_idle, true);
}

/* Two threads that wait as queue.Queue does, called by that function, so many looks long. */
static void judge_dry_pool(struct inquiry *q, const char *file, const char *function, int looks)
{
    uint64_t wait = scene_code(&q->scene, "wait", NULL, "/usr/lib/python3.11/threading.py", 355);
    uint64_t from = scene_code(&q->scene, "get", NULL, "/usr/lib/python3.11/queue.py", 171);
    uint64_t get = scene_code(&q->scene, function, NULL, file, 140);
    scene_thread(&q->scene, OTHER + 2, "user", GS_WITHOUT, GS_RUN_SYSCALL, SYS_read);
    scene_frame(&q->scene, scene_code(&q->scene, "execute", NULL, "/lib/sqlalchemy/engine/base.py", 9), 0);
    for (int i = 0; i < 2; i++) {
        scene_thread(&q->scene, OTHER + i, "want", GS_WITHOUT, GS_RUN_SYSCALL, SYS_futex);
        if (i == 0)
            look(q, 2000 - looks);
        scene_frame(&q->scene, wait, 0);
        scene_frame(&q->scene, from, 0);
        scene_frame(&q->scene, get, 0);
        q->now[4 + i] =
            (struct gs_wait){.kind = GS_WAIT_QUEUE, .word = 0x5000, .owner = GS_NOBODY, .referrer = GS_NOBODY};
    }
    look(q, looks);
    judge(q);
}

static void test_pool_without_connections(void **state)
{
    struct inquiry *q = *state;
    judge_dry_pool(q, "/lib/sqlalchemy/pool/impl.py", "_do_get", 2000);
    assert_first(q, GS_WHY_pool_exhausted, false);
    assert_int_equal(q->why.list[0].thread_count, 2);
    assert_non_null(strstr(q->why.list[0].text, "A pool of connections of SQLAlchemy has none left for want"));
    assert_string_equal(q->why.list[0].evidence[0],
                        "In code of SQLAlchemy, and so perhaps with a connection: user (5000005).");
}

static void test_pool_of_nobody_known(void **state)
{
    judge_dry_pool(*state, "/srv/app/impl.py", "_do_get", 2000);
    assert_first(*state, GS_WHY_idle, true);
}

static void test_pool_waited_for_shortly(void **state)
{
    struct inquiry *q = *state;
    judge_dry_pool(q, "/lib/sqlalchemy/pool/impl.py", "_do_get", 1000);
    for (size_t i = 0; i < q->why.count; i++)
        assert_int_not_equal(q->why.list[i].kind, GS_WHY_pool_exhausted);
}

/* A lock that nobody here has, in a fork of a process with so many threads. */
static void judge_fork(struct inquiry *q, size_t threads)
{
    struct gs_why_origin origin = {
        .forked = true, .pid = 4999999, .comm = "python3", .threads = threads, .count = threads > 1};
    origin.list[0] =
        (struct gs_why_inherited){.word = 0x4000, .tid = 77, .who = "flusher (77)", .stack = "hold (app.py:3)"};
    q->now[2] = q->before[2] =
        (struct gs_wait){.kind = GS_WAIT_LOCK, .word = 0x4000, .owner = GS_NOBODY, .referrer = GS_NOBODY};
    look(q, 2000);
    q->facts.origin = &origin;
    judge(q);
    assert_first(q, GS_WHY_lock_wait, false);
}

static void test_fork_with_lock(void **state)
{
    struct inquiry *q = *state;
    judge_fork(q, 2);
    assert_non_null(strstr(q->why.list[0].text, "which flusher (77) had in process 4999999 when this was forked"));
    assert_non_null(strstr(q->why.list[0].advice, "spawn"));
}

static void test_fork_of_one_thread(void **state)
{
    struct inquiry *q = *state;
    judge_fork(q, 1);
    assert_null(strstr(q->why.list[0].advice, "spawn"));
}

/* A callback that lasts is told where others wait for their turn in its loop, and only there. */
static void judge_loop(struct inquiry *q, int64_t ready)
{
    struct gs_why_loops loops = {
        .list[0] = {.tid = PID,
                    .long_ns = 1600 * MS,
                    .long_count = 4,
                    .longest = {.ns = 400 * MS, .proven = true, .callback = "bad (app.py)", .waiting.ready = ready}},
        .count = 1};
    rest(q);
    look(q, 2000);
    q->facts.loops = &loops;
    judge(q);
}

static void test_loop_blocked(void **state)
{
    struct inquiry *q = *state;
    judge_loop(q, 20);
    assert_first(q, GS_WHY_loop_blocked, true);
    assert_non_null(strstr(q->why.list[0].text, "4 times for 1.6 s of the 2.0 s watched, up to 400 ms at a time"));
}

static void test_loop_alone(void **state)
{
    struct inquiry *q = *state;
    judge_loop(q, 0);
    assert_true(gs_why_healthy(&q->why));
}

/* ---- renderings ---- */

static void render(struct inquiry *q, const char *golden, bool utf8, int columns, enum gs_color_depth depth)
{
    struct gs_console console = {.out = golden_open(), .utf8 = utf8, .columns = columns, .depth = depth};
    q->scene.dump.snapshot = &q->scene.snapshot;
    assert_int_equal(gs_why_text(&q->why, &q->scene.dump, &console, false), GS_OK);
    golden_check(console.out, golden);
}

static void test_text(void **state)
{
    struct inquiry *q = *state;
    hold(q, 1, 2);
    look(q, 2000);
    judge(q);
    render(q, "why-hog.txt", true, 0, GS_COLORS_NONE);
    render(q, "why-hog-ascii-80-color.txt", false, 80, GS_COLORS_8);
}

static void test_text_of_deadlock(void **state)
{
    struct inquiry *q = *state;
    q->scene.names[1] = "\033[2Jworker\xff";
    make_deadlock(q, false);
    snprintf(q->now[1].name, sizeof q->now[1].name, "self.\nlock");
    look(q, 2000);
    judge(q);
    render(q, "why-deadlock.txt", true, 100, GS_COLORS_NONE);
}

static void test_json(void **state)
{
    struct inquiry *q = *state;
    FILE *out = golden_open();
    q->scene.names[1] = "\033[2Jworker\xff";
    make_deadlock(q, true);
    look(q, 2000);
    judge(q);
    assert_int_equal(gs_why_json(&q->why, &q->scene.dump, out), GS_OK);
    golden_check(out, "why.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hog, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hog_that_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_starved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hog_of_many_states, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hog_in_two_interpreters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hog_likely, setup, teardown),
        cmocka_unit_test_setup_teardown(test_short_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_saturated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_convoy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_convoy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_contended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_longest_wait_is_no_shorter_than_the_mean, setup, teardown),
        cmocka_unit_test_setup_teardown(test_contended_and_starved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_contended_but_starved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_collecting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_collecting_starved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_collecting_but_starved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_collecting_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopped_worlds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_short_collections, setup, teardown),
        cmocka_unit_test_setup_teardown(test_idle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadlock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadlock_of_locks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_deadlock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gil_deadlock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock_that_goes_round, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock_that_costs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loop_blocked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loop_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_natives_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_natives_asleep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_natives_awake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_natives_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadlock_by_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_deadlock_by_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool_exhausted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool_without_connections, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool_of_nobody_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool_waited_for_shortly, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool_at_work, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fork_with_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fork_of_one_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text_of_deadlock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
