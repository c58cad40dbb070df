/* Figures of the GIL out of made-up polls: shares, holds, waits, blame, what is not known, and how far shares may be
 * off. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gil/sample_feed.h"
#include "support/unit.h"

#define MS UINT64_C(1000000)

enum { RATE = 1000, NOWHERE = 1 << 30 /* no process has this number: nobody's processor time is read */ };

/* A process of up to four threads, tids 11 to 14, and what it does at the moment. */
struct play {
    struct gs_sample_feed *polls;
    struct gs_stacks *stacks;
    uint64_t now_ns, begin_ns;
    uint64_t switches;
    int last;           /* thread that had it last, -1: nobody */
    bool counted, gone; /* its GIL counts hand-overs; the last thread has ended */
    uint8_t words[4];
    uint32_t stack; /* of the holder */
    uint32_t processor;
    size_t threads;
};

static void begin(struct play *play, size_t threads)
{
    static const char *const names[] = {"MainThread", "worker-1", "worker-2", "worker-3"};
    struct gs_sampled_process process = {.pid = NOWHERE, .python = "3.11.7"};
    *play = (struct play){.last = -1, .counted = true, .threads = threads, .now_ns = 1000 * MS, .begin_ns = 1000 * MS};
    play->polls = gs_sample_feed_new(&process, &(struct gs_sample_feed_options){.rate_hz = RATE, .long_us = 20000});
    play->stacks = gs_stacks_new();
    assert_non_null(play->polls);
    for (size_t i = 0; i < threads; i++) {
        struct gs_sampled_thread thread = {.tid = 11 + (pid_t)i, .ident = 0x7000 + i, .name = names[i], .main = i == 0};
        assert_int_equal(gs_sample_feed_thread(play->polls, (uint32_t)i, &thread), GS_OK);
        play->words[i] = GS_WITHOUT;
    }
}

static void finish(struct play *play, struct gs_gilstat *stat)
{
    gs_gilstat_fini(stat);
    gs_sample_feed_free(play->polls);
    gs_stacks_free(play->stacks);
}

/* A poll `ns` after the last one. */
static void poll(struct play *play, uint64_t ns)
{
    struct gs_thread_sample threads[4];
    size_t count = play->threads - play->gone;
    int holder = -1;
    play->now_ns += ns;
    for (size_t i = 0; i < count; i++) {
        threads[i] = (struct gs_thread_sample){.thread = (uint32_t)i, .gil = play->words[i]};
        if (play->words[i] == GS_HOLDS) {
            holder = (int)i;
            threads[i].stack = play->stack;
        }
    }
    struct gs_sampled_gil gil = {.state = holder >= 0 ? GS_GIL_HELD : GS_GIL_FREE,
                                 .last = play->last >= 0 ? (uint32_t)play->last : GS_NO_THREAD,
                                 .counted = play->counted,
                                 .switches = play->switches};
    gs_sampled_gils_count(&gil, 1, threads, count);
    struct gs_sample sample = {.time_ns = play->now_ns,
                               .weight_ns = ns <= 10 * MS ? ns : MS,
                               .gap_ns = ns <= 10 * MS ? 0 : ns - MS,
                               .processor = play->processor,
                               .threads = threads,
                               .thread_count = count,
                               .gils = &gil,
                               .gil_count = 1,
                               .stacks = play->stacks};
    assert_int_equal(gs_sample_feed_add(play->polls, &sample), GS_OK);
}

/* The GIL goes over to this thread; -1: it is let go. Who has it loses it; nobody waits but those that are told to. */
static void hand(struct play *play, int thread)
{
    for (size_t i = 0; i < play->threads; i++)
        play->words[i] = play->words[i] == GS_HOLDS ? GS_WITHOUT : play->words[i];
    if (thread < 0)
        return;
    play->words[thread] = GS_HOLDS;
    play->switches += play->last != thread;
    play->last = thread;
}

static void figures(struct play *play, struct gs_gilstat *stat)
{
    assert_int_equal(gs_sample_feed_finish(play->polls, stat), GS_OK);
}

static bool near(double value, double wanted, double error)
{
    return fabs(value - wanted) <= error;
}

UNIT_TEST(two_threads_in_turns)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 3);
    for (int i = 0; i < 100; i++) {
        int holder = 1 + i % 2;
        hand(&play, holder);
        play.words[3 - holder] = GS_WAITS;
        for (int k = 0; k < 10; k++)
            poll(&play, MS);
    }
    figures(&play, &stat);
    assert_true(near(stat.seconds, 0.999, 1e-9));
    assert_int_equal(stat.method, GS_METHOD_SAMPLED);
    assert_int_equal(stat.thread_count, 3);
    assert_int_equal(stat.gil_count, 1);
    assert_true(near(stat.gils[0].held.value, 1, 1e-9));
    assert_true(near(stat.gils[0].contended.value, 1, 1e-9));
    assert_true(near(stat.gils[0].mean_waiters.value, 1, 1e-9));
    assert_int_equal(stat.gils[0].switches.value, 99);
    assert_true(stat.threads[0].main);
    assert_int_equal(stat.threads[0].ident, 0x7000);
    assert_string_equal(stat.threads[0].name, "MainThread");
    assert_true(stat.threads[0].without == 1);
    assert_false(stat.threads[0].on_cpu.known);
    for (size_t i = 1; i < 3; i++) {
        const struct gs_gilstat_thread *thread = &stat.threads[i];
        assert_true(near(thread->has, 0.5, 1e-3));
        assert_true(near(thread->waits, 0.5, 1e-3));
        assert_true(near(thread->has + thread->waits + thread->without + thread->unknown, 1, 1e-12));
        assert_true(thread->acquisitions.known && thread->wait_count.known);
        assert_int_equal(thread->acquisitions.value, i == 1 ? 49 : 50);
        assert_int_equal(thread->wait_count.value, i == 1 ? 50 : 50);
        assert_int_equal(thread->longest_hold_us.value, 10000);
        assert_int_equal(thread->longest_wait_us.value, 10000);
        assert_true(near((double)thread->hold_us[GS_P50].value, 10000, 600));
        assert_true(thread->half_width > 0.001 && thread->half_width < 0.02);
    }
    assert_int_equal(stat.blame_count, 2);
    assert_int_equal(stat.blame[0].us + stat.blame[1].us, 999000);
    assert_int_equal(stat.hog_count, 0);
    finish(&play, &stat);
}

UNIT_TEST(unseen_takes_are_counted_if_it_is_known_whose)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 2);
    hand(&play, 0);
    for (int i = 0; i < 400; i++) {
        poll(&play, MS);
        if (i % 20 == 10) {
            hand(&play, 1);
            hand(&play, 0);
        }
    }
    figures(&play, &stat);
    assert_int_equal(stat.gils[0].switches.value, 40);
    assert_int_equal(stat.threads[0].acquisitions.value, 20);
    assert_int_equal(stat.threads[1].acquisitions.value, 20);
    assert_true(near((double)stat.threads[1].hold_us[GS_P90].value, 333, 20));
    assert_true(near((double)stat.threads[0].hold_us[GS_P50].value, 19333, 1200));
    finish(&play, &stat);

    /* Of three, which none waited for, nobody knows. */
    begin(&play, 3);
    hand(&play, 0);
    for (int i = 0; i < 400; i++) {
        poll(&play, MS);
        if (i % 20 == 10) {
            hand(&play, 1 + i / 20 % 2);
            hand(&play, 0);
        }
    }
    figures(&play, &stat);
    assert_int_equal(stat.gils[0].switches.value, 40);
    assert_false(stat.threads[0].acquisitions.known);
    assert_true(stat.threads[0].hold_us[GS_P50].known);
    finish(&play, &stat);
}

UNIT_TEST(what_sampling_cannot_know_is_not_told)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 2);
    for (int i = 0; i < 1000; i++) { /* a hand-over for every third poll: too fast */
        if (i % 3 == 0)
            hand(&play, i / 3 % 2);
        poll(&play, MS);
    }
    figures(&play, &stat);
    assert_true(stat.gils[0].switches.known);
    assert_true(stat.gils[0].longest_hold_us.known);
    for (size_t i = 0; i < 2; i++) {
        assert_false(stat.threads[i].acquisitions.known);
        assert_false(stat.threads[i].wait_count.known);
        assert_false(stat.threads[i].hold_us[GS_P99].known);
        assert_true(near(stat.threads[i].has, 0.5, 0.01));
    }
    finish(&play, &stat);

    begin(&play, 2); /* no count of hand-overs */
    play.counted = false;
    for (int i = 0; i < 100; i++) {
        hand(&play, i / 50);
        poll(&play, MS);
    }
    figures(&play, &stat);
    assert_false(stat.gils[0].switches.known);
    assert_false(stat.gils[0].longest_hold_us.known);
    assert_false(stat.threads[0].acquisitions.known);
    assert_false(stat.threads[0].longest_hold_us.known);
    assert_true(stat.gils[0].held.known);
    assert_int_equal(stat.hog_count, 0);
    finish(&play, &stat);
}

/* A stack of one frame. */
static uint32_t place(struct play *play, const char *function, int line)
{
    struct gs_place made = {.function = function, .file = "app.py", .line = line};
    return gs_stacks_push(play->stacks, 0, gs_stacks_place(play->stacks, &made));
}

UNIT_TEST(long_holds_are_charged_to_where_they_are)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 3);
    uint32_t match = place(&play, "match", 5), other = place(&play, "other", 9);
    for (int i = 0; i < 4; i++) {
        hand(&play, -1);
        play.words[1] = play.words[2] = GS_WITHOUT;
        poll(&play, MS);
        hand(&play, 0);
        play.words[1] = GS_WAITS;
        play.words[2] = i == 2 ? GS_WAITS : GS_WITHOUT;
        for (int k = 0; k < 100; k++) {
            play.stack = k == 25 ? match : k == 75 && i == 3 ? other : 0; /* as seldom as it is read */
            poll(&play, MS);
        }
    }
    hand(&play, -1);
    poll(&play, MS);
    figures(&play, &stat);
    assert_int_equal(stat.hog_count, 2);
    const struct gs_gilstat_hog *first = &stat.hogs[0], *second = &stat.hogs[1];
    assert_string_equal(first->place.function, "match");
    assert_int_equal(first->place.line, 5);
    assert_int_equal(first->tid, 11);
    assert_int_equal(first->holds, 4);
    assert_int_equal(first->longest_us, 100000);
    assert_int_equal(first->waiters, 2);
    assert_string_equal(second->place.function, "other");
    assert_int_equal(second->holds, 1);
    assert_int_equal(second->waiters, 1);
    assert_int_equal(first->held_us + second->held_us, 400000);
    assert_true(near((double)second->held_us, 25000, 1001));
    finish(&play, &stat);
}

static uint32_t native(struct play *play, uint32_t caller, const char *function, const char *module)
{
    struct gs_place place = {.function = function, .file = "", .module = module, .kind = GS_FRAME_NATIVE};
    return gs_stacks_push(play->stacks, caller, gs_stacks_place(play->stacks, &place));
}

/* Of the C functions called in one place that one is told in which most of the time was spent. */
UNIT_TEST(long_holds_have_their_c_function)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 2);
    uint32_t match = place(&play, "match", 5), other = place(&play, "other", 9);
    uint32_t sre = native(&play, match, "sre_ucs1_match", "_sre.so"), sort = native(&play, match, "sort", "lib.so");
    uint32_t copying = native(&play, sre, "__memmove_avx512", "libc.so.6");
    uint32_t asking = native(&play, other, "malloc", "libc.so.6");
    const struct {
        uint32_t stack;
        int ms;
    } parts[] = {{sre, 100}, {copying, 100}, {match, 80}, {sort, 100}, {asking, 60}};
    hand(&play, 0);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        play.stack = parts[i].stack;
        for (int k = 0; k < parts[i].ms; k++)
            poll(&play, MS);
        for (int k = 0; k < 5000; k++) /* the table of places moves */
            place(&play, "more", 1000 + (int)i * 5000 + k);
    }
    figures(&play, &stat);
    assert_int_equal(stat.hog_count, 2);
    assert_string_equal(stat.hogs[0].place.function, "match");
    assert_string_equal(stat.hogs[0].native, "sre_ucs1_match");
    assert_string_equal(stat.hogs[0].module, "_sre.so");
    assert_string_equal(stat.hogs[1].place.function, "other");
    assert_string_equal(stat.hogs[1].native, "malloc"); /* Python itself asks for memory */
    finish(&play, &stat);
    begin(&play, 2); /* as much in none */
    match = place(&play, "match", 5);
    hand(&play, 0);
    for (int k = 0; k < 300; k++) {
        play.stack = k < 160 ? match : native(&play, match, "sort", "lib.so");
        poll(&play, MS);
    }
    figures(&play, &stat);
    assert_null(stat.hogs[0].native);
    finish(&play, &stat);
}

/* Where no function had half of the time, what was called for it is told. */
UNIT_TEST(many_functions_of_one_call)
{
    static const char *const inner[] = {"compare", "merge_at", "gallop_left"};
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 2);
    uint32_t way = native(&play, place(&play, "match", 5), "cfunction_vectorcall_FASTCALL", "libpython3.14.so.1.0");
    uint32_t call = native(&play, way, "builtin_sorted", "libpython3.14.so.1.0");
    hand(&play, 0);
    for (int k = 0; k < 300; k++) {
        play.stack = native(&play, call, inner[k / 100], "libpython3.14.so.1.0");
        poll(&play, MS);
    }
    figures(&play, &stat);
    assert_string_equal(stat.hogs[0].native, "builtin_sorted");
    finish(&play, &stat);
}

UNIT_TEST(a_new_span_begins_with_nothing)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 2);
    play.stack = place(&play, "match", 5);
    hand(&play, 0);
    play.words[1] = GS_WAITS;
    for (int i = 0; i < 1001; i++)
        poll(&play, MS);
    figures(&play, &stat);
    assert_int_equal(stat.threads[0].longest_hold_us.value, 1000000);
    gs_gilstat_fini(&stat);
    gs_sample_feed_next(play.polls);
    assert_int_equal(gs_sample_feed_count(play.polls), 0);
    for (int i = 0; i < 500; i++)
        poll(&play, MS);
    figures(&play, &stat);
    assert_true(near(stat.seconds, 0.5, 1e-9));
    assert_true(near(stat.threads[0].has, 1, 1e-9));
    assert_int_equal(stat.threads[0].longest_hold_us.value, 1500000); /* it goes on since then, */
    assert_int_equal(stat.hogs[0].held_us, 500000);                   /* but this much of it is in this span */
    assert_int_equal(stat.threads[1].longest_wait_us.value, 1500000);
    assert_int_equal(stat.threads[1].wait_count.value, 1);
    assert_int_equal(stat.threads[1].wait_us.value, 500000);
    finish(&play, &stat);
}

UNIT_TEST(a_thread_that_ended_has_its_part_of_the_span)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 2);
    hand(&play, 1);
    for (int i = 0; i < 101; i++)
        poll(&play, MS);
    hand(&play, -1);
    play.gone = true;
    for (int i = 0; i < 300; i++)
        poll(&play, MS);
    figures(&play, &stat);
    assert_int_equal(stat.thread_count, 2);
    assert_true(near(stat.threads[1].has, 0.25, 0.002));
    assert_true(near(stat.threads[1].without, 0.75, 0.002));
    assert_true(near(stat.gils[0].held.value, 0.25, 0.002));
    finish(&play, &stat);
}

UNIT_TEST(a_poll_that_comes_too_late_stands_for_nothing)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 2);
    hand(&play, 0);
    for (int i = 0; i < 11; i++)
        poll(&play, MS);
    poll(&play, 500 * MS); /* late, but nothing has changed hands */
    hand(&play, 1);
    poll(&play, 700 * MS); /* who knows */
    for (int i = 0; i < 10; i++)
        poll(&play, MS);
    figures(&play, &stat);
    assert_true(near(stat.seconds, 1.220, 1e-9));
    assert_int_equal(stat.gils[0].switches.value, 1); /* and that is known all the same */
    assert_true(stat.threads[0].half_width > 0.1);    /* of what is made of the rest */
    assert_int_equal(stat.threads[0].longest_hold_us.value, 510000);
    assert_true(near(stat.threads[0].has, 510.0 / 520, 1e-9));
    finish(&play, &stat);
}

UNIT_TEST(a_late_poll_makes_no_long_hold)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 2);
    for (int i = 0; i < 100; i++) {
        hand(&play, i % 2);
        hand(&play, -1);
        poll(&play, i % 10 ? MS : 16 * MS); /* somebody had it meanwhile */
    }
    figures(&play, &stat);
    assert_int_equal(stat.gils[0].switches.value, 99); /* of the first it is not known when it was */
    assert_true(near(stat.gils[0].held.value, 0, 1e-9));
    assert_in_range(stat.gils[0].longest_hold_us.value, 1, 1000); /* a slot */
    finish(&play, &stat);
}

UNIT_TEST(nonsense_does_no_harm)
{
    static const uint64_t counts[] = {5, UINT64_MAX, 0, 1, UINT64_MAX / 2, 7, 6, UINT64_MAX - 1};
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 3);
    hand(&play, 0);
    for (int i = 0; i < 800; i++) {
        play.switches = counts[i % 8];
        play.last = i % 5 - 1;
        if (i % 3 == 0)
            hand(&play, i % 4 - 1);
        poll(&play, i % 100 == 50 ? 50 * MS : i % 7 == 0 ? 0 : MS);
    }
    figures(&play, &stat);
    for (size_t i = 0; i < stat.thread_count; i++) {
        const struct gs_gilstat_thread *thread = &stat.threads[i];
        assert_true(thread->has >= 0 && thread->has <= 1 && thread->half_width >= 0 && thread->half_width <= 1);
        assert_true(near(thread->has + thread->waits + thread->without + thread->unknown, 1, 1e-9));
    }
    finish(&play, &stat);
}

/* Of two that have it by turns, whoever's processor is taken for the look is found without. */
static double bound_of_two(bool counted, bool differs)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 2);
    play.counted = counted;
    for (int i = 0; i < 2000; i++) {
        play.processor = 1 + (uint32_t)(i / 20 % 2);
        hand(&play, differs ? (int)(play.processor - 1) ^ (i % 4 == 3) : i % 2);
        poll(&play, MS);
    }
    figures(&play, &stat);
    assert_true(near(stat.threads[0].has, 0.5, 0.01));
    double bound = stat.threads[0].half_width;
    finish(&play, &stat);
    return bound;
}

UNIT_TEST(what_differs_by_processor_is_in_the_bound)
{
    assert_true(bound_of_two(false, false) < 0.05);
    assert_true(near(bound_of_two(false, true), 0.25, 0.05)); /* seen 75 % of the time from one, 25 from the other */
    assert_true(bound_of_two(true, true) < 0.05);             /* where hand-overs are rare it is a matter of chance */
}

UNIT_TEST(averages_wait_until_they_are_known)
{
    struct play play;
    struct gs_gilstat stat;
    begin(&play, 2);
    hand(&play, 0);
    for (int i = 0; i < 5900; i++)
        poll(&play, 10 * MS);
    figures(&play, &stat);
    assert_false(stat.gils[0].held_avg[0].known);
    gs_gilstat_fini(&stat);
    gs_sample_feed_next(play.polls);
    for (int i = 0; i < 200; i++)
        poll(&play, 10 * MS);
    figures(&play, &stat);
    assert_true(stat.gils[0].held_avg[0].known);
    assert_true(near(stat.gils[0].held_avg[0].value, 1, 1e-6));
    assert_true(near(stat.gils[0].wait_avg[0].value, 0, 1e-6));
    assert_false(stat.gils[0].held_avg[1].known);
    gs_gilstat_fini(&stat);
    hand(&play, -1);
    for (int i = 0; i < 24100; i++)
        poll(&play, 10 * MS);
    figures(&play, &stat); /* held for one minute, four ago */
    double after = exp(-241.0 / 60) * (1 - exp(-61.0 / 60)) / (1 - exp(-302.0 / 60));
    assert_true(near(stat.gils[0].held_avg[0].value, after, 1e-3));
    assert_true(stat.gils[0].held_avg[1].known);
    assert_false(stat.gils[0].held_avg[2].known);
    finish(&play, &stat);
}

/* ---- how far the shares may be off ---- */

static uint64_t seed;

static double draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)(seed >> 11) / 9007199254740992.0;
}

/* Of 200 runs of a second each, in how many the truth lies within the bound; holds and pauses have these mean lengths,
 * exponentially distributed, or just these. */
static int count_inside(double hold_ms, double pause_ms, bool random, double *widest)
{
    int inside = 0;
    *widest = 0;
    for (int run = 0; run < 200; run++) {
        struct play play;
        struct gs_gilstat stat;
        double truth = 0, at = 0, next, from, to;
        bool held = draw() < hold_ms / (hold_ms + pause_ms);
        begin(&play, 2);
        next = (held ? hold_ms : pause_ms) * draw();
        if (held)
            hand(&play, 0);
        for (int slot = 0; slot < 1000; slot++) {
            double moment = slot + draw();
            while (next < moment) {
                truth += held ? next - at : 0;
                at = next;
                held = !held;
                hand(&play, held ? 0 : 1);
                double mean = held ? hold_ms : pause_ms;
                next += random ? -log(1 - draw()) * mean : mean;
            }
            truth += held ? moment - at : 0;
            at = moment;
            if (slot == 0)
                from = moment;
            to = moment;
            uint64_t time_ns = play.begin_ns + (uint64_t)(moment * 1e6);
            poll(&play, time_ns - play.now_ns);
            if (slot == 0)
                truth = 0;
        }
        figures(&play, &stat);
        inside += near(stat.threads[0].has, truth / (to - from), stat.threads[0].half_width);
        *widest = fmax(*widest, stat.threads[0].half_width);
        finish(&play, &stat);
    }
    return inside;
}

UNIT_TEST(the_truth_lies_within_the_bound)
{
    static const struct {
        double hold_ms, pause_ms;
        bool random;
        double widest;
    } plays[] = {{5, 5, true, 0.06},   {5, 5, false, 0.06},   {0.2, 0.2, true, 0.06},
                 {0.3, 7, true, 0.03}, {50, 5, true, 0.03},   {0.02, 2, true, 0.03},
                 {1, 1, false, 0.06},  {300, 50, true, 0.01}, {0.05, 300, true, 0.01}};
    seed = 88172645463325252u;
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) {
        double widest;
        int inside = count_inside(plays[i].hold_ms, plays[i].pause_ms, plays[i].random, &widest);
        if (inside < 186 || widest > plays[i].widest)
            print_message("holds of %g ms, pauses of %g ms: %d of 200 inside, widest %g\n", plays[i].hold_ms,
                          plays[i].pause_ms, inside, widest);
        assert_true(inside >= 186);
        assert_true(widest <= plays[i].widest);
    }
}

UNIT_TEST(percentiles_are_near)
{
    static struct gs_spread spread;
    assert_int_equal(gs_spread_at(&spread, 0.5), 0);
    for (uint64_t us = 1; us <= 1000; us++)
        gs_spread_add(&spread, us * 1000, 1);
    assert_true(near((double)gs_spread_at(&spread, 0.5), 500e3, 20e3));
    assert_true(near((double)gs_spread_at(&spread, 0.9), 900e3, 40e3));
    assert_true(near((double)gs_spread_at(&spread, 0.99), 990e3, 40e3));
    assert_true(near((double)gs_spread_at(&spread, 1), 1000e3, 40e3));
    gs_spread_add(&spread, UINT64_MAX, 1000000);
    assert_true(gs_spread_at(&spread, 0.5) > UINT64_C(1) << 40);
    memset(&spread, 0, sizeof spread);
    gs_spread_add(&spread, 7, 3);
    assert_int_equal(gs_spread_at(&spread, 0.5), 7);
}

/* However many threads there ever were, the rows are few, and nothing of what they did is missing. */
UNIT_TEST(many_that_ended_are_one_row)
{
    enum { THREADS = 100000 };
    struct gs_sampled_process process = {.pid = 10, .python = "3.11.7"};
    struct gs_sample_feed *polls = gs_sample_feed_new(&process, &(struct gs_sample_feed_options){.rate_hz = 1000});
    struct gs_gilstat stat;
    for (uint32_t i = 0; i < THREADS; i++) {
        struct gs_sampled_thread about = {.tid = (pid_t)(1000 + i), .name = "worker"};
        struct gs_thread_sample threads[2] = {{.thread = i, .gil = GS_HOLDS}, {.thread = i + 1, .gil = GS_WAITS}};
        struct gs_sampled_gil gil = {.state = GS_GIL_HELD, .last = i, .counted = true, .switches = i};
        struct gs_sample sample = {.time_ns = (i + 1) * MS,
                                   .weight_ns = MS,
                                   .threads = threads,
                                   .thread_count = 2,
                                   .gils = &gil,
                                   .gil_count = 1};
        gs_sampled_gils_count(&gil, 1, threads, 2);
        if (i == 0)
            assert_int_equal(gs_sample_feed_thread(polls, 0, &about), GS_OK);
        about.tid++;
        assert_int_equal(gs_sample_feed_thread(polls, i + 1, &about), GS_OK);
        assert_int_equal(gs_sample_feed_add(polls, &sample), GS_OK);
    }
    assert_int_equal(gs_sample_feed_finish(polls, &stat), GS_OK);
    assert_int_equal(stat.threads_left_out, 0);
    assert_true(stat.thread_count < 600);
    assert_int_equal(gs_gilstat_threads(&stat), THREADS + 1);
    const struct gs_gilstat_thread *rest = &stat.threads[stat.thread_count - 1];
    assert_true(rest->folded > THREADS - 600);
    assert_int_equal(rest->tid, 0);
    double has = 0, waits = 0;
    uint64_t blamed_us = 0;
    for (size_t i = 0; i < stat.thread_count; i++) {
        has += stat.threads[i].has;
        waits += stat.threads[i].waits;
    }
    for (size_t i = 0; i < stat.blame_count; i++)
        blamed_us += stat.blame[i].us;
    assert_true(near(has, 1, 0.001));
    assert_true(near(waits, 1, 0.001));
    assert_true(near((double)blamed_us, THREADS * 1000.0, 2000));
    gs_gilstat_fini(&stat);
    /* The next span has none of them. */
    gs_sample_feed_next(polls);
    assert_int_equal(gs_sample_feed_finish(polls, &stat), GS_OK);
    assert_int_equal(stat.thread_count, 2);
    gs_gilstat_fini(&stat);
    gs_sample_feed_free(polls);
}

/* What a thread has had of a processor, as far as the process is asked. */
static uint64_t ran;
static bool lives;

static bool tell_ran(pid_t pid, pid_t tid, uint64_t *ran_ns)
{
    (void)pid;
    (void)tid;
    *ran_ns = ran;
    return lives;
}

static struct gs_sample_feed *polls_of(pid_t pid)
{
    static const struct gs_sample_feed_options options = {.rate_hz = 1000, .ran = tell_ran};
    struct gs_sampled_process process = {.pid = pid, .python = "3.11.7"};
    struct gs_sample_feed *polls = gs_sample_feed_new(&process, &options);
    struct gs_sampled_thread thread = {.tid = pid, .name = "MainThread", .main = true};
    assert_non_null(polls);
    assert_int_equal(gs_sample_feed_thread(polls, 0, &thread), GS_OK);
    lives = true;
    return polls;
}

static void add_poll(struct gs_sample_feed *polls, uint64_t now_ns, size_t threads)
{
    struct gs_thread_sample thread = {.gil = GS_WITHOUT};
    struct gs_sampled_gil gil = {
        .state = GS_GIL_FREE, .holder_at = GS_NO_THREAD, .last = GS_NO_THREAD, .counted = true};
    struct gs_sample sample = {
        .time_ns = now_ns, .weight_ns = MS, .threads = &thread, .thread_count = threads, .gils = &gil, .gil_count = 1};
    assert_int_equal(gs_sample_feed_add(polls, &sample), GS_OK);
}

/* The pid of a program that execs is that of the one before, with all its time. */
UNIT_TEST(time_of_before_is_not_counted)
{
    struct gs_gilstat stat;
    struct gs_sample_feed *polls = polls_of(10);
    ran = 5000 * MS;
    for (uint64_t i = 1; i <= 100; i++, ran += MS / 2)
        add_poll(polls, i * MS, i > 1);
    assert_int_equal(gs_sample_feed_finish(polls, &stat), GS_OK);
    assert_int_equal(stat.thread_count, 1);
    assert_true(stat.threads[0].on_cpu.known && near(stat.threads[0].on_cpu.value, 0.5, 0.01));
    gs_gilstat_fini(&stat);
    gs_sample_feed_free(polls);
}

/* Read once, and ended before it was read again: nothing is known. */
UNIT_TEST(time_of_one_that_ended_is_not_nothing)
{
    struct gs_gilstat stat;
    for (int by_itself = 0; by_itself < 2; by_itself++) {
        struct gs_sample_feed *polls = polls_of(10);
        ran = 7;
        for (uint64_t i = 1; i <= 100; i++)
            add_poll(polls, i * MS, 1);
        lives = false;
        if (by_itself)
            add_poll(polls, 101 * MS, 0);
        assert_int_equal(gs_sample_feed_finish(polls, &stat), GS_OK);
        assert_int_equal(stat.thread_count, 1);
        assert_false(stat.threads[0].on_cpu.known);
        gs_gilstat_fini(&stat);
        gs_sample_feed_free(polls);
    }
}

/* PyGILState_Ensure makes a state, and Release ends it: a thread that does so again and again is one row. */
UNIT_TEST(a_thread_with_ever_new_states_is_one_row)
{
    enum { ROUNDS = 2000 };
    for (int asked = 0; asked < 2; asked++) {
        const struct gs_sample_feed_options options = {.rate_hz = 1000, .ran = asked ? tell_ran : NULL};
        struct gs_sampled_process process = {.pid = 10, .python = "3.11.7"};
        struct gs_sample_feed *polls = gs_sample_feed_new(&process, &options);
        struct gs_gilstat stat;
        ran = 100 * MS;
        lives = true;
        for (uint32_t i = 0; i < ROUNDS; i++, ran += MS) {
            /* In two of four samples it has a state, which is another one each time; in one of them the GIL. */
            struct gs_sampled_thread about = {.tid = 11, .name = "native"};
            struct gs_thread_sample thread = {.thread = i, .gil = i % 4 == 0 ? GS_HOLDS : GS_WITHOUT};
            struct gs_sampled_gil gil = {.state = i % 4 == 0 ? GS_GIL_HELD : GS_GIL_FREE,
                                         .last = i % 4 == 0 ? i : GS_NO_THREAD,
                                         .counted = true,
                                         .switches = i / 4};
            struct gs_sample sample = {.time_ns = (i + 1) * MS,
                                       .weight_ns = MS,
                                       .threads = &thread,
                                       .thread_count = i % 4 < 2,
                                       .gils = &gil,
                                       .gil_count = 1};
            gs_sampled_gils_count(&gil, 1, &thread, sample.thread_count);
            if (sample.thread_count > 0)
                assert_int_equal(gs_sample_feed_thread(polls, i, &about), GS_OK);
            assert_int_equal(gs_sample_feed_add(polls, &sample), GS_OK);
        }
        assert_int_equal(gs_sample_feed_finish(polls, &stat), GS_OK);
        assert_int_equal(stat.thread_count, 1);
        assert_int_equal(stat.threads[0].tid, 11);
        assert_true(near(stat.threads[0].has, 0.25, 0.01));
        assert_true(near(stat.threads[0].without, 0.75, 0.01));
        assert_int_equal(stat.threads[0].on_cpu.known, asked);
        assert_true(!asked || near(stat.threads[0].on_cpu.value, 1, 0.001));
        gs_gilstat_fini(&stat);
        gs_sample_feed_free(polls);
    }
}
