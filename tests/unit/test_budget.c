/* How long threads may be stopped in each second, with a clock that is made up. */
#include <stdlib.h>

#include "base/budget.h"
#include "support/unit.h"

enum { US = 1000, MS = 1000 * US };
#define S (UINT64_C(1000) * MS)

/* What was stopped when, to be judged by the letter of the budget. */
struct run {
    uint64_t now_ns, asked, taken, count;
    struct stop {
        uint64_t from_ns, to_ns;
    } * stops;
    struct gs_budget budget;
};

enum { STOPS_MOST = 1 << 18 };

static struct run begin(double share)
{
    struct run run = {.now_ns = 5 * S + 123};
    run.stops = malloc(STOPS_MOST * sizeof *run.stops);
    assert_non_null(run.stops);
    gs_budget_init(&run.budget, share, run.now_ns);
    return run;
}

static void stand(struct run *run, uint64_t length_ns)
{
    assert_true(run->count < STOPS_MOST);
    run->stops[run->count++] = (struct stop){run->now_ns, run->now_ns + length_ns};
    run->now_ns += length_ns;
    gs_budget_spend(&run->budget, run->now_ns, length_ns);
}

/* A sample that wants so many stops; returns how many it had. */
static int sample(struct run *run, int stops, uint64_t length_ns)
{
    int had = 0;
    run->asked++;
    if (!gs_budget_admits(&run->budget, run->now_ns))
        return -1;
    run->taken++;
    while (had < stops && gs_budget_allows(&run->budget)) {
        stand(run, length_ns);
        had++;
    }
    return had;
}

/* The most that was stopped within any second. */
static uint64_t worst_second(const struct run *run)
{
    uint64_t worst = 0, sum = 0;
    for (size_t first = 0, i = 0; i < run->count; i++) {
        sum += run->stops[i].to_ns - run->stops[i].from_ns;
        while (run->stops[first].to_ns + S <= run->stops[i].to_ns) {
            sum -= run->stops[first].to_ns - run->stops[first].from_ns;
            first++;
        }
        worst = sum > worst ? sum : worst;
    }
    return worst;
}

static uint64_t all_of(const struct run *run)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < run->count; i++)
        sum += run->stops[i].to_ns - run->stops[i].from_ns;
    return sum;
}

/* Ten seconds with a sample in each slot, or with one after the other (0). */
static struct run run_at(double share, uint64_t period_ns, uint64_t length_ns)
{
    struct run run = begin(share);
    uint64_t begin_ns = run.now_ns;
    for (uint64_t slot = 0; run.now_ns < begin_ns + 10 * S; slot++) {
        sample(&run, 1, length_ns);
        uint64_t next_ns = period_ns > 0 ? begin_ns + slot * period_ns : run.now_ns + 50 * US;
        run.now_ns = next_ns > run.now_ns ? next_ns : run.now_ns + 1;
    }
    return run;
}

UNIT_TEST(no_second_has_more)
{
    static const struct {
        double share;
        uint64_t period_ns, length_ns;
    } rows[] = {{0.02, MS, 41 * US},  {0.02, 0, 41 * US},       {0.02, 0, 400 * US},
                {0.001, MS, 60 * US}, {0.05, 0, 20 * US},       {0.02, 10 * US, 9 * MS},
                {0.3, 0, 40 * US},    {0.02, 100 * US, 3 * MS}, {0.02, 10 * MS, 2 * MS}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct run run = run_at(rows[i].share, rows[i].period_ns, rows[i].length_ns);
        uint64_t second_ns = (uint64_t)(rows[i].share * (double)S), all = all_of(&run);
        assert_true(worst_second(&run) <= second_ns);
        assert_true(run.taken < run.asked);
        assert_true((double)all > 0.65 * 10 * (double)second_ns); /* what is left is used */
        free(run.stops);
    }
}

UNIT_TEST(what_it_has_room_for_is_never_left_out)
{
    struct run run = run_at(0.02, MS, 17 * US);
    assert_true(run.taken == run.asked);
    free(run.stops);
    run = run_at(0, 0, 41 * US); /* no limit */
    assert_true(run.taken == run.asked);
    free(run.stops);
}

UNIT_TEST(it_is_spread_over_the_second)
{
    struct run run = run_at(0.02, MS, 100 * US);
    uint64_t parts[100] = {0}, begin_ns = 5 * S + 123;
    for (size_t i = 0; i < run.count; i++)
        parts[(run.stops[i].from_ns - begin_ns) / (S / 10) % 100]++;
    for (size_t i = 0; i < 100; i++) /* each would have 20 if no chance were in it */
        assert_in_range(parts[i], 8, 40);
    free(run.stops);
}

/* After one long stop, as on a busy machine, nothing is stopped in that second, and then it goes on. */
UNIT_TEST(a_long_stop_is_the_last_in_its_second)
{
    struct run run = begin(0.02);
    stand(&run, 100 * MS);
    uint64_t end_ns = run.now_ns;
    while (run.now_ns < end_ns + 20 * S) {
        run.now_ns += MS;
        if (sample(&run, 1, 50 * US) > 0)
            break;
    }
    assert_true(run.now_ns - end_ns >= S);
    assert_true(run.now_ns - end_ns < 2 * S);
    free(run.stops);
}

/* A sample with many threads takes what is left of the second, and no more. */
UNIT_TEST(a_large_sample_ends_with_the_budget)
{
    struct run run = begin(0.02);
    int had = sample(&run, 1000, 50 * US);
    assert_int_equal(had, 400);
    assert_false(gs_budget_allows(&run.budget));
    assert_false(gs_budget_admits(&run.budget, run.now_ns + S / 2));
    free(run.stops);
}

/* It is less than one stop takes: there is one at most in each second. */
UNIT_TEST(one_stop_may_be_more_than_a_second_has)
{
    struct run run = run_at(0.00001, MS, 40 * US); /* 10 us a second */
    assert_in_range(run.count, 5, 10);
    free(run.stops);
}

/* A process is half of the time in a state whose samples are cheap, half in one whose samples cost ten times as much.
 * Weighed by the time since the one before, both are seen for half of the time, however long they last. */
UNIT_TEST(what_is_left_out_has_nothing_to_do_with_what_it_shows)
{
    static const uint64_t lasts_ns[] = {700 * US, 3 * MS, 40 * MS, 900 * MS};
    for (size_t i = 0; i < sizeof lasts_ns / sizeof *lasts_ns; i++) {
        struct run run = begin(0.02);
        uint64_t begin_ns = run.now_ns, last_ns = begin_ns, weight[2] = {0}, state_of = 1;
        for (uint64_t slot = 1; run.now_ns < begin_ns + 100 * S; slot++) {
            state_of = state_of * UINT64_C(6364136223846793005) + 1442695040888963407;
            uint64_t at = begin_ns + slot * MS + (state_of >> 33) % MS;
            run.now_ns = at > run.now_ns ? at : run.now_ns + 1;
            int dear = (int)((run.now_ns - begin_ns) / lasts_ns[i] % 2);
            uint64_t now_ns = run.now_ns;
            if (sample(&run, 1, dear ? 100 * US : 10 * US) < 1)
                continue;
            weight[dear] += now_ns - last_ns;
            last_ns = now_ns;
        }
        double share = (double)weight[1] / (double)(weight[0] + weight[1]);
        assert_true(share > 0.48 && share < 0.52);
        assert_true(worst_second(&run) <= 20 * MS);
        free(run.stops);
    }
}
