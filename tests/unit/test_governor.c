/* How long it is traced exactly, so that it costs no more than it may: on a process that is made up. */
#include <math.h>

#include "trace/governor.h"
#include "trace/cpu_available.h"
#include "support/unit.h"

enum { US = 1000, MS = 1000 * US };
#define S (UINT64_C(1000) * MS)

/* Runs for ten seconds a process that does so many events a second while it is traced, each of which takes 10 us. */
static struct gs_governor run_at(double most, double events_hz, double could)
{
    struct gs_governor governor;
    uint64_t now_ns = S;
    double events = 0;
    gs_governor_init(&governor, most, now_ns);
    governor.could = could;
    while (now_ns < 11 * S) {
        uint64_t next_ns = gs_governor_next_ns(&governor, now_ns);
        assert_true(next_ns > now_ns);
        events += governor.on ? events_hz * (double)(next_ns - now_ns) / 1e9 : 0;
        now_ns = next_ns;
        gs_governor_judge(&governor, now_ns, (uint64_t)(events * 10 * US));
    }
    return governor;
}

static struct gs_governor run(double most, double events_hz)
{
    return run_at(most, events_hz, 1);
}

static double cost_of(const struct gs_governor *governor)
{
    return (double)governor->cost_ns / (double)(governor->last_ns - S);
}

UNIT_TEST(who_does_little_is_traced_all_the_time)
{
    struct gs_governor governor = run(0.02, 1000); /* 1 % */
    assert_true(governor.on);
    assert_false(governor.paused);
    assert_int_equal(governor.windows, 1);
    assert_true(fabs(cost_of(&governor) - 0.01) < 0.001);
}

UNIT_TEST(who_does_much_is_traced_in_windows)
{
    static const struct {
        double most, hz;
    } rows[] = {{0.02, 20000}, {0.02, 90000}, {0.01, 90000}, {0.2, 90000}, {0.05, 10000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gs_governor governor = run(rows[i].most, rows[i].hz);
        double cost = cost_of(&governor);
        assert_true(governor.paused);
        assert_in_range(governor.windows, 5, 100);
        assert_true(cost <= rows[i].most);
        assert_true(cost > rows[i].most * 0.6);
        assert_false(gs_governor_hopeless(&governor, 5 * S));
    }
}

/* Of a process that gets a quarter of a processor only a quarter of the time is its own. */
UNIT_TEST(who_can_hardly_run_is_traced_less)
{
    struct gs_governor governor = run_at(0.2, 20000, 0.25);
    double cost = cost_of(&governor);
    assert_true(governor.paused);
    assert_true(cost <= 0.25 * 0.2);
    assert_true(cost > 0.25 * 0.2 * 0.6);
    governor = run_at(0.2, 20000, 1);
    assert_true(cost_of(&governor) > 0.1);
}

UNIT_TEST(a_process_could_run_when_nobody_else_did)
{
    assert_true(gs_cpu_available_judge(100 * MS, 0, 0) == 1);       /* it sleeps */
    assert_true(gs_cpu_available_judge(100 * MS, 50 * MS, 0) == 1); /* half of the time */
    assert_true(gs_cpu_available_judge(100 * MS, 50 * MS, 50 * MS) == 0.5);
    assert_true(gs_cpu_available_judge(100 * MS, 60 * MS, 500 * MS) == 0.6); /* many are kept from running */
    assert_true(gs_cpu_available_judge(100 * MS, 180 * MS, 20 * MS) == 1);   /* two processors */
    assert_true(gs_cpu_available_judge(100 * MS, 0, 100 * MS) > 0);
}

UNIT_TEST(what_costs_too_much_even_so_is_told)
{
    struct gs_governor governor = run(0.0005, 90000);
    assert_true(governor.paused);
    governor = run(0.0005, 90000);
    gs_governor_init(&governor, 0.0005, 0);
    assert_false(gs_governor_judge(&governor, 12 * MS, 1000 * 10 * US));
    assert_true(gs_governor_hopeless(&governor, 5 * S));
    assert_true(gs_governor_busy_cost(&governor) > 10.0 / 12);
    assert_true(governor.busy_ns == 12 * MS);
}

/* What is told as the reason of a pause is more than what it is compared with, whatever was before: not the mean of a
 * window that was calm for long, and with all that tracing costs beside its events. */
UNIT_TEST(the_reason_of_a_pause_is_more_than_what_it_may_cost)
{
    static const struct {
        double most, cost;
        uint64_t calm_ns;
    } rows[] = {{0.02, 0.1, 9 * S}, {0.2, 0.161, 0}, {0.02, 0.016, 9 * S}, {0.2, 0.9, 100 * MS}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gs_governor governor;
        uint64_t now_ns = S;
        double cost_ns = 0;
        gs_governor_init(&governor, rows[i].most, now_ns);
        while (gs_governor_judge(&governor, now_ns, (uint64_t)cost_ns)) {
            now_ns += MS;
            cost_ns += now_ns > S + rows[i].calm_ns ? rows[i].cost * MS : 0;
            assert_true(now_ns < 100 * S);
        }
        assert_true(gs_governor_busy_cost(&governor) > rows[i].most);
        assert_true(fabs(gs_governor_busy_cost(&governor) - rows[i].cost / 0.72) < 0.01);
        assert_true(governor.busy_ns <= (double)(now_ns - S - rows[i].calm_ns) + 1);
    }
}

UNIT_TEST(windows_are_further_apart_where_they_take_long_to_begin)
{
    struct gs_governor governor;
    gs_governor_init(&governor, 0.1, S);
    double usual_ns = governor.credit_ns;
    gs_governor_begun(&governor, MS / 10);
    assert_true(governor.credit_ns == usual_ns);
    gs_governor_begun(&governor, 10 * MS);
    assert_true(governor.credit_ns > 3 * usual_ns);
    gs_governor_begun(&governor, S);
    assert_true(governor.credit_ns < 7 * usual_ns);
    gs_governor_begun(&governor, MS / 10);
    assert_true(governor.credit_ns == usual_ns);
}

UNIT_TEST(it_may_cost_whatever_it_does)
{
    struct gs_governor governor = run(0, 90000);
    assert_true(governor.on);
    assert_false(governor.paused);
    assert_true(fabs(cost_of(&governor) - 0.9) < 0.01);
}
