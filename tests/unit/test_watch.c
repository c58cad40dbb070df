/* Work that gets stuck, in a thread or in a process: made by a pipe that nobody writes to. */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/isolated.h"
#include "base/parallel.h"
#include "base/watch.h"
#include "support/unit.h"

/* What the work is to do, and what it did. */
struct job {
    struct gs_watch *watch;
    int in; /* reading it does not end, -1: is not read */
    uint64_t addr, len;
    const char *step;
    bool ended;
    pid_t tid;
};

/* A thread that was left behind goes on when it is let, and ends. */
static void wait_ended(pid_t tid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d", (int)tid);
    while (access(path, F_OK) == 0)
        sched_yield();
}

static enum gs_status work(void *context)
{
    struct job *job = context;
    char byte;
    job->tid = gettid();
    for (int i = 0; i < 1000; i++) {
        gs_watch_enter(job->watch, "counting", 0, 0);
        gs_watch_leave(job->watch);
    }
    gs_watch_enter(job->watch, job->step, job->addr, job->len);
    if (job->in >= 0 && read(job->in, &byte, 1) < 0)
        return GS_FAILED;
    gs_watch_leave(job->watch);
    job->ended = true;
    return GS_LOST;
}

UNIT_TEST(done_work_returns_its_status)
{
    struct gs_stuck stuck;
    struct job job = {.watch = gs_watch_new(NULL, NULL), .in = -1, .step = "nothing"};
    assert_int_equal(gs_watch_run(job.watch, work, &job, &stuck), GS_LOST);
    assert_null(stuck.what);
    assert_true(job.ended);
    assert_false(gs_watch_careful(job.watch));
    assert_false(gs_watch_avoids(job.watch, 0, UINT64_MAX));
    gs_watch_free(job.watch);
}

UNIT_TEST(nobody_watching_is_fine)
{
    gs_watch_enter(NULL, "x", 0, 0);
    gs_watch_leave(NULL);
    gs_watch_hold(NULL, true);
    assert_false(gs_watch_careful(NULL));
    assert_false(gs_watch_avoids(NULL, 1, 1));
    assert_true(gs_watch_enter_spare(NULL, "x"));
}

/* The first time it is not known what did not answer; the second time it is, and is avoided from then on. */
UNIT_TEST(stuck_work_is_left_behind)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct gs_stuck stuck;
    struct gs_watch *watch = NULL;
    static struct job jobs[2];
    for (int i = 0; i < 2; i++) {
        watch = gs_watch_new(watch, &stuck);
        assert_int_equal(gs_watch_careful(watch), i > 0);
        jobs[i] = (struct job){.watch = watch, .in = ends[0], .addr = 0x5000, .len = 0x1000, .step = "reading"};
        assert_int_equal(gs_watch_run(watch, work, &jobs[i], &stuck), GS_FAILED);
        assert_string_equal(stuck.what, "reading");
        assert_int_equal(stuck.addr, 0x5000);
        assert_int_equal(stuck.len, 0x1000);
        assert_int_not_equal(stuck.tid, 0);
        assert_int_not_equal(stuck.tid, gettid());
        assert_false(stuck.holding);
        assert_false(jobs[i].ended);
        assert_false(gs_watch_avoids(watch, 0x5000, 1));
    }
    struct gs_watch *last = gs_watch_new(watch, &stuck);
    assert_true(gs_watch_avoids(last, 0x5000, 1));
    assert_true(gs_watch_avoids(last, 0x5fff, 1));
    assert_true(gs_watch_avoids(last, 0x4fff, 2));
    assert_true(gs_watch_avoids(last, 0, UINT64_MAX));
    assert_false(gs_watch_avoids(last, 0x6000, 8));
    assert_false(gs_watch_avoids(last, 0x4ff8, 8));
    gs_watch_free(last);
    assert_int_equal(write(ends[1], "xx", 2), 2);
    wait_ended(jobs[0].tid);
    wait_ended(jobs[1].tid);
    gs_watch_free(jobs[0].watch);
    gs_watch_free(watch);
}

UNIT_TEST(a_stuck_step_is_avoided_by_name)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct gs_stuck stuck;
    static struct job job;
    struct gs_watch *watch = gs_watch_new(NULL, NULL);
    gs_watch_hold(watch, true);
    job = (struct job){.watch = watch, .in = ends[0], .step = "asking"};
    assert_int_equal(gs_watch_run(watch, work, &job, &stuck), GS_FAILED);
    assert_true(stuck.holding);
    struct gs_watch *next = gs_watch_new(watch, &stuck);
    assert_false(gs_watch_enter_spare(next, "asking"));
    assert_true(gs_watch_enter_spare(next, "counting"));
    gs_watch_leave(next);
    assert_false(gs_watch_avoids(next, 0, 8));
    gs_watch_free(next);
    assert_int_equal(write(ends[1], "x", 1), 1);
    wait_ended(job.tid);
    gs_watch_free(watch);
}

struct told {
    int out;
};

static void give_up(const struct gs_stuck *stuck, void *context)
{
    const struct told *told = context;
    if (write(told->out, stuck->what, strlen(stuck->what)) < 0)
        abort();
}

UNIT_TEST(the_guard_tells_of_the_thread_that_called_it)
{
    int ends[2];
    char text[32] = "";
    assert_int_equal(pipe(ends), 0);
    static struct told told;
    told.out = ends[1];
    struct gs_watch *watch = gs_watch_new(NULL, NULL);
    assert_int_equal(gs_watch_guard(watch, give_up, &told), GS_OK);
    gs_watch_enter(watch, "waiting", 1, 1);
    assert_int_equal(read(ends[0], text, sizeof text - 1), 7);
    assert_string_equal(text, "waiting");
    gs_watch_unguard(watch);
    gs_watch_free(watch);
}

struct result {
    int number;
    char filler[100000]; /* more than a pipe holds */
};

static void compute(const void *context, void *result)
{
    struct result *out = result;
    out->number = *(const int *)context + 1;
    memset(out->filler, 'x', sizeof out->filler);
}

static void hang(const void *context, void *result)
{
    (void)context;
    (void)result;
    for (;;)
        pause();
}

static void die(const void *context, void *result)
{
    (void)context;
    (void)result;
    _exit(3);
}

UNIT_TEST(work_apart_gives_its_result)
{
    int input = 41;
    static struct result result;
    assert_int_equal(gs_isolated_run(compute, &input, &result, sizeof result), GS_ISOLATED_DONE);
    assert_int_equal(result.number, 42);
    assert_int_equal(result.filler[sizeof result.filler - 1], 'x');
}

UNIT_TEST(work_apart_is_given_up)
{
    int result = 7;
    assert_int_equal(gs_isolated_run(hang, NULL, &result, sizeof result), GS_ISOLATED_LATE);
    assert_int_equal(gs_isolated_run(die, NULL, &result, sizeof result), GS_ISOLATED_FAILED);
    assert_int_equal(waitpid(-1, NULL, 0), -1); /* no zombie is left */
    assert_int_equal(result, 7);
}

/* ---- workers ---- */

enum { THINGS = 200 };

struct lanes_result {
    enum gs_isolated outcomes[THINGS];
    size_t told[THINGS], len[THINGS];
};

/* Thing 3 hangs, thing 5 dies, the others say their number, some of them at length. */
static void do_thing(const void *context, size_t i, FILE *out)
{
    (void)context;
    if (i == 3)
        hang(NULL, NULL);
    if (i == 5)
        die(NULL, NULL);
    fprintf(out, "%zu", i);
    for (size_t k = 0; k < i * 1000; k++)
        fputc('x', out);
}

static enum gs_status thing_done(void *context, size_t i, enum gs_isolated outcome, const char *bytes, size_t len)
{
    struct lanes_result *result = context;
    assert_true(i < THINGS);
    result->told[i]++;
    result->outcomes[i] = outcome;
    result->len[i] = len;
    assert_int_equal(strlen(bytes), len);
    if (outcome == GS_ISOLATED_DONE)
        assert_int_equal(strtoul(bytes, NULL, 10), i);
    return GS_OK;
}

UNIT_TEST(one_that_hangs_holds_no_lane_up)
{
    for (size_t workers = 1; workers <= 4; workers += 3) {
        static struct lanes_result result;
        memset(&result, 0, sizeof result);
        const struct gs_parallel_work work = {.count = THINGS,
                                              .work = do_thing,
                                              .done = thing_done,
                                              .result = &result,
                                              .patience_ns = 1000000000,
                                              .workers = workers};
        assert_int_equal(gs_parallel_run(&work), GS_OK);
        for (size_t i = 0; i < THINGS; i++) {
            assert_int_equal(result.told[i], 1);
            assert_int_equal(result.outcomes[i], i == 3   ? GS_ISOLATED_LATE
                                                 : i == 5 ? GS_ISOLATED_FAILED
                                                          : GS_ISOLATED_DONE);
            assert_true(result.outcomes[i] != GS_ISOLATED_DONE || result.len[i] >= i * 1000);
        }
        assert_int_equal(waitpid(-1, NULL, 0), -1); /* no zombie is left */
    }
}

static enum gs_status end_all(void *context, size_t i, enum gs_isolated outcome, const char *bytes, size_t len)
{
    (void)i, (void)outcome, (void)bytes, (void)len;
    ++*(size_t *)context;
    return GS_NO_MEMORY;
}

UNIT_TEST(a_failure_ends_all_lanes)
{
    size_t told = 0;
    const struct gs_parallel_work work = {.count = THINGS,
                                          .work = do_thing,
                                          .done = end_all,
                                          .result = &told,
                                          .patience_ns = UINT64_C(100) * 1000000000,
                                          .workers = 2};
    assert_int_equal(gs_parallel_run(&work), GS_NO_MEMORY);
    assert_int_equal(told, 1);
    assert_int_equal(waitpid(-1, NULL, 0), -1);
}
