/* Which threads the fields of a GIL prove to have stood still. */

#include "sample/proof.h"
#include "support/unit.h"

enum { A = 0x1000, B = 0x2000, C = 0x3000 };

UNIT_TEST(test_which_gil_proves)
{
    const struct gs_gil_fields counts = {.enabled = true, .has_switches = true}, off = {.has_switches = true},
                               silent = {.enabled = true};
    assert_true(gs_gil_proves(&counts, 1, false));
    assert_false(gs_gil_proves(&counts, 2, false)); /* its holder may go over to another state */
    assert_false(gs_gil_proves(&counts, 1, true));
    assert_false(gs_gil_proves(&off, 1, false));
    assert_false(gs_gil_proves(&silent, 1, false));
}

/* With one hand-over at most nobody had it in between but the two that are seen. */
UNIT_TEST(test_who_stood_still)
{
    struct gs_gil_fields before = {.has_switches = true, .switches = UINT64_MAX, .last_holder = A}, after = before;
    assert_true(gs_gil_kept_still(&before, &after, C));
    assert_false(gs_gil_kept_still(&before, &after, A));
    after.switches = 0; /* the count begins anew */
    after.last_holder = B;
    assert_true(gs_gil_kept_still(&before, &after, C));
    assert_false(gs_gil_kept_still(&before, &after, A));
    assert_false(gs_gil_kept_still(&before, &after, B));
    after.switches = 1;
    assert_false(gs_gil_kept_still(&before, &after, C));
    after = before;
    before.has_switches = false;
    assert_false(gs_gil_kept_still(&before, &after, C));
}
