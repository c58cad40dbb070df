/* Turns of exact tracing summed up into figures. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gil/exact_feed.h"
#include "support/unit.h"

enum { A = 11, B = 12 };
#define MS UINT64_C(1000000)

static const struct gs_gil_addresses one_gil = {.list = {{.owner = 16, .owner_len = 4}}, .count = 1, .waits = true};

struct sums {
    struct gs_exact_feed *exact;
    struct gs_gilstat stat;
};

static void find_name(void *context, pid_t tid, char *name, size_t size, uint64_t *ident, bool *main)
{
    (void)context;
    snprintf(name, size, "thread-%d", tid);
    *ident = 0x7000 + (uint64_t)tid;
    *main = tid == A;
}

/* So much for each thread since it was asked for last. */
static bool ran(void *context, pid_t tid, uint64_t *ran_ns)
{
    (void)context;
    static uint64_t asked;
    *ran_ns = 10 * MS * asked++;
    return tid != B;
}

static void begin(struct sums *s)
{
    struct gs_exact_feed_source source = {NULL, find_name, ran};
    *s = (struct sums){.exact = gs_exact_feed_new(&one_gil, 20 * MS, &source)};
    assert_non_null(s->exact);
}

static void finish(struct sums *s, uint64_t span_ns)
{
    gs_exact_feed_window(s->exact, span_ns);
    assert_int_equal(gs_exact_feed_finish(s->exact, span_ns, &s->stat), GS_OK);
}

static void end(struct sums *s)
{
    gs_gilstat_fini(&s->stat);
    gs_exact_feed_free(s->exact);
}

static void add(struct sums *s, pid_t tid, enum gs_gil_word word, uint64_t begin_ns, uint64_t end_ns, pid_t from)
{
    gs_exact_feed_turn(s->exact, &(struct gs_gil_span){.tid = tid,
                                                       .word = (uint8_t)word,
                                                       .begun = true,
                                                       .ended = true,
                                                       .since_ns = begin_ns,
                                                       .begin_ns = begin_ns,
                                                       .end_ns = end_ns,
                                                       .from = from});
}

UNIT_TEST(turns_become_figures)
{
    struct sums s;
    begin(&s);
    add(&s, A, GS_HOLDS, 0, 40 * MS, B);
    add(&s, B, GS_WAITS, 10 * MS, 40 * MS, 0);
    add(&s, A, GS_WITHOUT, 40 * MS, 100 * MS, 0);
    add(&s, B, GS_HOLDS, 40 * MS, 45 * MS, A);
    add(&s, B, GS_HOLDS, 50 * MS, 55 * MS, B); /* its own */
    gs_exact_feed_moment(s.exact, 0, A, 1, 40 * MS);
    gs_exact_feed_moment(s.exact, 0, 0, 0, 60 * MS);
    gs_exact_feed_moment(s.exact, 3, A, 1, 40 * MS); /* no such GIL */
    gs_exact_feed_blame(s.exact, B, A, 30 * MS);
    finish(&s, 100 * MS);
    assert_int_equal(s.stat.thread_count, 2);
    assert_int_equal(s.stat.gil_count, 1);
    const struct gs_gilstat_thread *a = &s.stat.threads[0], *b = &s.stat.threads[1];
    assert_string_equal(a->name, "thread-11");
    assert_int_equal(b->ident, 0x7000 + B);
    assert_true(a->main && !b->main);
    assert_true(fabs(a->has - 0.4) < 1e-9 && fabs(b->has - 0.1) < 1e-9 && fabs(b->waits - 0.3) < 1e-9);
    assert_int_equal(a->acquisitions.value, 1);
    assert_int_equal(b->acquisitions.value, 2);
    assert_int_equal(b->wait_count.value, 1);
    assert_int_equal(b->longest_wait_us.value, 30000);
    assert_int_equal(a->longest_hold_us.value, 40000);
    assert_int_equal(s.stat.gils[0].switches.value, 2);
    assert_int_equal(s.stat.gils[0].longest_hold_tid, A);
    assert_true(fabs(s.stat.gils[0].held.value - 0.4) < 1e-9);
    assert_int_equal(s.stat.blame_count, 1);
    assert_int_equal(s.stat.blame[0].us, 30000);
    assert_int_equal(s.stat.hog_count, 1); /* not the short ones */
    assert_int_equal(s.stat.hogs[0].held_us, 40000);
    end(&s);
}

static void see_in(struct sums *s, pid_t tid, uint64_t since_ns, uint64_t ns, const char *function)
{
    struct gs_place place = {.function = function, .file = "a.py", .line = 1, .kind = GS_FRAME_PYTHON};
    gs_exact_feed_see(s->exact, 0, tid, since_ns, ns, &place, &(struct gs_hold_call){.native = NULL});
}

static void see(struct sums *s, uint64_t ns, const char *function)
{
    see_in(s, A, 0, ns, function);
}

UNIT_TEST(long_holds_are_where_they_were_seen)
{
    struct sums s;
    begin(&s);
    see(&s, 15 * MS, "first");
    see(&s, 30 * MS, "first");
    see(&s, 40 * MS, "second");
    see(&s, 60 * MS, "third"); /* it is another hold by then */
    add(&s, A, GS_HOLDS, 0, 50 * MS, 0);
    finish(&s, 100 * MS);
    assert_int_equal(s.stat.hog_count, 2);
    assert_string_equal(s.stat.hogs[0].place.function, "first");
    assert_int_equal(s.stat.hogs[0].held_us, 30000);
    assert_int_equal(s.stat.hogs[0].holds, 1);
    assert_string_equal(s.stat.hogs[1].place.function, "second");
    assert_int_equal(s.stat.hogs[1].held_us, 20000);
    assert_int_equal(s.stat.hogs[1].longest_us, 50000);
    end(&s);
}

/* What happens is told some time after it did: by then the thread was seen again. */
UNIT_TEST(where_it_is_seen_it_was_since_it_was_seen_there_first)
{
    struct sums s;
    begin(&s);
    see(&s, 15 * MS, "first");
    see(&s, 60 * MS, "first");
    add(&s, A, GS_HOLDS, 0, 50 * MS, 0);
    finish(&s, 100 * MS);
    assert_int_equal(s.stat.hog_count, 1);
    assert_string_equal(s.stat.hogs[0].place.function, "first");
    assert_int_equal(s.stat.hogs[0].held_us, 50000);
    end(&s);
}

UNIT_TEST(a_hold_is_seen_before_the_end_of_the_last_is_told)
{
    struct sums s;
    begin(&s);
    see_in(&s, A, 0, 15 * MS, "first");
    see_in(&s, B, 50 * MS, 65 * MS, "second");
    add(&s, A, GS_HOLDS, 0, 50 * MS, 0);
    see_in(&s, A, 90 * MS, 95 * MS, "first"); /* a short one, of which nothing is left for the next */
    add(&s, B, GS_HOLDS, 50 * MS, 80 * MS, A);
    add(&s, A, GS_HOLDS, 90 * MS, 100 * MS, B);
    add(&s, A, GS_HOLDS, 101 * MS, 130 * MS, A);
    finish(&s, 200 * MS);
    assert_int_equal(s.stat.hog_count, 3);
    assert_string_equal(s.stat.hogs[0].place.function, "first");
    assert_int_equal(s.stat.hogs[0].held_us, 50000);
    assert_string_equal(s.stat.hogs[1].place.function, "second");
    assert_int_equal(s.stat.hogs[1].held_us, 30000);
    assert_int_equal(s.stat.hogs[1].tid, B);
    assert_string_equal(s.stat.hogs[2].place.function, "");
    end(&s);
}

/* A hold that goes on over two intervals is one take, and its length is that of all of it. */
UNIT_TEST(parts_are_summed_up_once)
{
    struct sums s;
    begin(&s);
    struct gs_gil_span part = {
        .tid = A, .word = GS_HOLDS, .begun = true, .since_ns = 10 * MS, .begin_ns = 10 * MS, .end_ns = 50 * MS};
    gs_exact_feed_turn(s.exact, &part);
    finish(&s, 50 * MS);
    assert_int_equal(s.stat.threads[0].acquisitions.value, 1);
    assert_int_equal(s.stat.threads[0].longest_hold_us.value, 40000);
    gs_gilstat_fini(&s.stat);
    gs_exact_feed_next(s.exact);
    part.begin_ns = 50 * MS;
    part.end_ns = 60 * MS;
    part.ended = true;
    gs_exact_feed_turn(s.exact, &part);
    finish(&s, 50 * MS);
    assert_int_equal(s.stat.threads[0].acquisitions.value, 0);
    assert_int_equal(s.stat.threads[0].longest_hold_us.value, 50000);
    assert_true(fabs(s.stat.threads[0].has - 0.2) < 1e-9);
    assert_int_equal(s.stat.hogs[0].held_us, 10000);
    end(&s);
}

/* A windowed trace of a process in which A has the GIL in every other one. */
static double width(uint64_t windows, uint64_t whole_ns, bool alike)
{
    struct sums s;
    begin(&s);
    for (uint64_t i = 0; i < windows; i++) {
        uint64_t at = i * 100 * MS;
        if (alike)
            add(&s, A, GS_HOLDS, at, at + 5 * MS, 0);
        else
            add(&s, A, i % 2 ? GS_HOLDS : GS_WITHOUT, at, at + 10 * MS, 0);
        gs_exact_feed_window(s.exact, 10 * MS);
    }
    assert_int_equal(gs_exact_feed_traced_ns(s.exact), windows * 10 * MS);
    assert_int_equal(gs_exact_feed_finish(s.exact, whole_ns, &s.stat), GS_OK);
    double found = s.stat.threads[0].half_width;
    end(&s);
    return found;
}

UNIT_TEST(windows_tell_how_good_they_are)
{
    assert_true(width(1, 10 * MS, true) == 0); /* all of it */
    assert_true(width(1, 1000 * MS, true) == 1);
    assert_true(width(20, 2000 * MS, true) < 1e-6);
    double few = width(10, 1000 * MS, false), many = width(1000, 100000 * MS, false);
    /* 0.5 off in each, a tenth of all is seen: 2.26 * 0.527 * sqrt(0.9 / 10) */
    assert_true(fabs(few - 0.357) < 0.005);
    assert_true(fabs(many - 2.05 * 0.5 * sqrt(0.9 / 1000)) < 0.002);
    assert_true(width(10, 100 * MS, false) == 0);
}

/* A thread that was there when the span began ran before it; one that is met later was born in it. */
UNIT_TEST(processor_time_is_that_of_the_span)
{
    struct sums s;
    begin(&s);
    gs_exact_feed_meet(s.exact, A, true); /* asked here, */
    gs_exact_feed_meet(s.exact, B, true);
    finish(&s, 100 * MS); /* and here, after B */
    assert_true(fabs(s.stat.threads[0].on_cpu.value - 0.2) < 1e-9);
    assert_false(s.stat.threads[1].on_cpu.known);
    end(&s);
}

/* However many there were, and those that go on have their own. */
UNIT_TEST(threads_that_ended_become_one_row)
{
    enum { FIRST = 100, COUNT = 5000 };
    struct sums s;
    uint64_t threads = 0;
    double has = 0;
    begin(&s);
    add(&s, A, GS_WITHOUT, 0, COUNT * MS, 0);
    for (int i = 0; i < COUNT; i++) {
        add(&s, FIRST + i, GS_HOLDS, (uint64_t)i * MS, ((uint64_t)i + 1) * MS, 0);
        gs_exact_feed_window(s.exact, MS);
        gs_exact_feed_ended(s.exact, FIRST + i);
    }
    add(&s, B, GS_WAITS, 0, COUNT * MS, 0);
    assert_int_equal(gs_exact_feed_finish(s.exact, 2 * COUNT * MS, &s.stat), GS_OK);
    assert_in_range(s.stat.thread_count, GS_ACCOUNT_ENDED_KEPT + 2, GS_ACCOUNT_ENDED + 3);
    for (size_t i = 0; i < s.stat.thread_count; i++) {
        const struct gs_gilstat_thread *thread = &s.stat.threads[i];
        threads += thread->folded ? thread->folded : 1;
        has += thread->has;
        assert_true(thread->tid > 0 || thread->folded > COUNT / 2);
        assert_true(thread->tid > 0 || (thread->half_width > 0 && thread->half_width < 1));
        assert_true(thread->tid != B || thread->waits == 1);
    }
    assert_int_equal(threads, COUNT + 2);
    assert_true(fabs(has - 1) < 1e-9);
    end(&s);
}
