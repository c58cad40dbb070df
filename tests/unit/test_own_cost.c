/* The rate that keeps gilspy within what it may cost. */
#include <stdio.h>

#include "session/own_cost.h"
#include "support/unit.h"

static char said[400];
static int count;

static void tell(void *context, const char *text)
{
    (void)context;
    count++;
    snprintf(said, sizeof said, "%s", text);
}

static const struct gs_remarks remarks = {.tell = tell};

UNIT_TEST(processor)
{
    struct gs_own_cost cost = {
        .cpu_most = 0.02, .bytes_most = 1 << 20, .wanted_hz = 19, .rate_hz = 19, .remarks = &remarks};
    count = 0;
    assert_false(gs_own_cost_judge(&cost, 0.019, 1000));
    assert_true(gs_own_cost_judge(&cost, 0.04, 1000));
    assert_float_equal(cost.rate_hz, 19 * 0.45, 1e-9);
    assert_string_equal(said, "gilspy used 4.0 % of a processor of the 2.0 that it may: all processes are sampled 8.6 "
                              "times a second instead of 19.0");
    for (int i = 0; i < 5; i++)
        assert_false(gs_own_cost_judge(&cost, 0.01, 1000));
    while (cost.rate_hz < 19)
        assert_true(gs_own_cost_judge(&cost, 0.01, 1000));
    assert_string_equal(said, "all processes are sampled 19.0 times a second again");
    assert_int_equal(count, 2);
    assert_false(gs_own_cost_judge(&cost, 0.01, 1000));
    cost.cpu_most = -1;
    assert_false(gs_own_cost_judge(&cost, 4, 1000));
}

UNIT_TEST(memory)
{
    struct gs_own_cost cost = {
        .cpu_most = -1, .bytes_most = 1 << 20, .wanted_hz = 19, .rate_hz = 19, .remarks = &remarks};
    assert_true(gs_own_cost_judge(&cost, 0, 2 << 20));
    assert_true(cost.full);
    assert_string_equal(said, "gilspy has 2 MB of the 1 that it may have: all processes are sampled 9.5 times a second "
                              "instead of 19.0, and no others are begun with");
    for (int i = 0; i < 20; i++)
        (void)!gs_own_cost_judge(&cost, 0, 2 << 20);
    assert_float_equal(cost.rate_hz, 0.5, 1e-9);
    assert_false(gs_own_cost_judge(&cost, 0, 1000));
    assert_false(cost.full);
}
