/* What top reckons: shares of time by thread, and when samples are due. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <math.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/pace.h"
#include "profile/shares.h"

enum { GAP_NS = 1000000 };

/* A sample at a time with thread 1 and 2 in these states. */
static void add(struct gs_shares *shares, uint64_t time_ns, enum gs_gil_word one, enum gs_gil_word two,
                uint64_t switches)
{
    struct gs_thread threads[] = {{.tid = 2, .main = true, .gil = two}, {.tid = 1, .gil = one}};
    struct gs_gil gil = {.state = one == GS_HOLDS || two == GS_HOLDS ? GS_GIL_HELD : GS_GIL_FREE,
                         .has_switches = true,
                         .switches = switches};
    struct gs_snapshot snapshot = {
        .time_ns = time_ns, .gils = &gil, .gil_count = 1, .threads = threads, .thread_count = 2};
    assert_int_equal(gs_shares_add(shares, &snapshot, GAP_NS), GS_OK);
}

static void time_is_the_weight(void **state)
{
    struct gs_shares shares = {0};
    (void)state;
    add(&shares, 1000, GS_HOLDS, GS_WAITS, 10);
    add(&shares, 1100, GS_HOLDS, GS_WAITS, 10);
    add(&shares, 1400, GS_WAITS, GS_HOLDS, 11);
    add(&shares, 2000, GS_WITHOUT, GS_WITHOUT, 12);
    assert_int_equal(shares.count, 2);
    assert_int_equal(shares.list[0].tid, 1);
    assert_int_equal(shares.list[0].word_ns[GS_HOLDS], 100);
    assert_int_equal(shares.list[0].word_ns[GS_WAITS], 300);
    assert_int_equal(shares.list[0].word_ns[GS_WITHOUT], 600);
    assert_int_equal(shares.list[0].since_ns, 2000);
    assert_true(gs_share_of(&shares.list[1], GS_HOLDS) == 0.3);
    assert_true(gs_shares_held(&shares) == 0.4);
    assert_int_equal(shares.waiters_ns, 400);
    assert_true(fabs(gs_shares_switches_hz(&shares) - 2e6) < 1e-6);
    gs_shares_fini(&shares);
}

static void long_gaps_are_charged_to_nobody(void **state)
{
    struct gs_shares shares = {0};
    (void)state;
    add(&shares, 1000, GS_HOLDS, GS_WAITS, 0);
    add(&shares, 1001 + GAP_NS, GS_HOLDS, GS_WAITS, 0);
    assert_int_equal(shares.missed_ns, GAP_NS + 1);
    assert_int_equal(shares.watched_ns, 0);
    assert_true(gs_share_of(&shares.list[0], GS_HOLDS) == 0);
    gs_shares_fini(&shares);
}

static void ended_threads_are_forgotten(void **state)
{
    struct gs_shares shares = {0};
    struct gs_thread thread = {.tid = 7, .gil = GS_WITHOUT};
    struct gs_snapshot snapshot = {.time_ns = 2000, .threads = &thread, .thread_count = 1};
    (void)state;
    add(&shares, 1000, GS_HOLDS, GS_WAITS, 0);
    assert_int_equal(gs_shares_add(&shares, &snapshot, GAP_NS), GS_OK);
    assert_int_equal(shares.count, 1);
    assert_int_equal(shares.list[0].tid, 7);
    gs_shares_fini(&shares);
}

static void two_states_of_a_thread_count_once(void **state)
{
    struct gs_shares shares = {0};
    struct gs_thread threads[] = {{.tid = 7, .gil = GS_WITHOUT},
                                  {.tid = 7, .gil = GS_HOLDS, .interpreter = 1},
                                  {.tid = 7, .gil = GS_WITHOUT, .interpreter = 2}};
    struct gs_snapshot snapshot = {.time_ns = 1000, .threads = threads, .thread_count = 3};
    (void)state;
    for (int i = 0; i < 3; i++, snapshot.time_ns += 100)
        assert_int_equal(gs_shares_add(&shares, &snapshot, GAP_NS), GS_OK);
    assert_int_equal(shares.count, 1);
    assert_int_equal(shares.list[0].word_ns[GS_HOLDS], 200);
    assert_int_equal(shares.list[0].word_ns[GS_WITHOUT], 0);
    gs_shares_fini(&shares);
}

static void one_sample_in_each_slot(void **state)
{
    struct gs_pace pace;
    uint64_t now = 5 * GS_NS_PER_S, period = GS_NS_PER_S / 100, earliest = period, latest = 0;
    (void)state;
    gs_pace_init(&pace, 100, now);
    for (uint64_t slot = 1; slot < 1000; slot++) {
        uint64_t moment = gs_pace_next(&pace, now), in_slot = (moment - pace.start_ns) % period;
        assert_int_equal((moment - pace.start_ns) / period, slot);
        earliest = in_slot < earliest ? in_slot : earliest;
        latest = in_slot > latest ? in_slot : latest;
        now = moment;
    }
    assert_int_equal(pace.late, 0);
    assert_true(earliest < period / 20 && latest > period - period / 20);
}

static void missed_slots_are_counted(void **state)
{
    struct gs_pace pace;
    (void)state;
    gs_pace_init(&pace, 1000, 1000);
    assert_true(gs_pace_next(&pace, 1000) >= 1000 + 1000000);
    uint64_t moment = gs_pace_next(&pace, 1000 + 10 * 1000000);
    assert_int_equal(pace.late, 8);
    assert_true(moment >= 1000 + 10 * 1000000);
    gs_pace_init(&pace, INFINITY, 1000);
    assert_int_equal(gs_pace_next(&pace, 4242), 4242);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_the_weight),          cmocka_unit_test(long_gaps_are_charged_to_nobody),
        cmocka_unit_test(ended_threads_are_forgotten), cmocka_unit_test(two_states_of_a_thread_count_once),
        cmocka_unit_test(one_sample_in_each_slot),     cmocka_unit_test(missed_slots_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
