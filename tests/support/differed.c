/* The difference of two made-up programs. */

#include "support/differed.h"
#include "support/plays.h"
#include "support/unit.h"

void differed_open(struct differed *differed, const char *before, const char *after,
                   const struct gs_selection *selection)
{
    static const char *const names[] = {"before.gilspy", "after <1>.gilspy"};
    const char *const sides[] = {before, after};
    assert_int_equal(gs_diff_new(&differed->diff, selection, names), GS_OK);
    for (int side = 0; side < GS_SIDES; side++)
        assert_int_equal(play_find(sides[side])->run(gs_diff_sink(differed->diff, side)), GS_OK);
    assert_int_equal(gs_diff_finish(differed->diff, &differed->difference), GS_OK);
}

void differed_close(struct differed *differed)
{
    gs_diff_free(differed->diff);
}
