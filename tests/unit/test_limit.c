/* The limit that the largest values pass. */

#include "profile/limit.h"
#include "support/unit.h"

static size_t passing(const uint64_t *values, size_t count, size_t keep, uint64_t *least)
{
    struct gs_limit limit = gs_limit_of(values, count, keep);
    size_t passed = 0;
    *least = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        if (!gs_limit_pass(&limit, values[i]))
            continue;
        passed++;
        if (values[i] < *least)
            *least = values[i];
    }
    return passed;
}

UNIT_TEST(the_largest_pass)
{
    static const uint64_t values[] = {7, 300, 0, UINT64_MAX, 7, 65536, 7, 1, UINT64_MAX - 1, 255};
    static const uint64_t least[] = {UINT64_MAX, UINT64_MAX, UINT64_MAX - 1, 65536, 300, 255, 7, 7, 7, 1, 0, 0};
    uint64_t found;
    for (size_t keep = 0; keep < 12; keep++) {
        assert_int_equal(passing(values, 10, keep, &found), keep < 10 ? keep : 10);
        assert_true(found == least[keep]);
    }
}

UNIT_TEST(of_equal_ones_the_first)
{
    static const uint64_t values[] = {5, 5, 5, 5};
    struct gs_limit limit = gs_limit_of(values, 4, 2);
    assert_true(gs_limit_pass(&limit, 5));
    assert_true(gs_limit_pass(&limit, 5));
    assert_false(gs_limit_pass(&limit, 5));
    assert_true(gs_limit_pass(&limit, 6));
}
