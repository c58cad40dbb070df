/* The place of a key among sorted ones: before equal ones or behind them, at both ends, in nothing. */

#include "base/sorted.h"
#include "support/unit.h"

static const int keys[] = {10, 20, 20, 20, 30};

enum { KEYS = sizeof keys / sizeof *keys };

UNIT_TEST(equal_ones)
{
    assert_int_equal(GS_FIRST_NOT(i, KEYS, keys[i] < 20), 1);
    assert_int_equal(GS_FIRST_NOT(i, KEYS, keys[i] <= 20), 4);
    assert_int_equal(GS_FIRST_NOT(i, KEYS, keys[i] < 25), 4);
}

UNIT_TEST(ends)
{
    assert_int_equal(GS_FIRST_NOT(i, KEYS, keys[i] < 5), 0);
    assert_int_equal(GS_FIRST_NOT(i, KEYS, keys[i] < 31), KEYS);
    assert_int_equal(GS_FIRST_NOT(i, 0, keys[i] < 5), 0);
    assert_int_equal(GS_FIRST_NOT(i, SIZE_MAX, i < SIZE_MAX - 1), SIZE_MAX - 1);
}
