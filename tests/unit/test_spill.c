/* Spans come back by thread and in order, whether they fitted into memory or not. */

#include "export/spill.h"
#include "support/unit.h"

enum { THREADS = 7, SPANS = 5000 };

static void check(size_t in_memory)
{
    struct gs_spill *spill = gs_spill_new(in_memory);
    struct gs_span span;
    assert_non_null(spill);
    for (uint32_t i = 0; i < SPANS; i++) {
        /* Thread 5 has none. */
        uint32_t thread = i * 2654435761U % THREADS == 5 ? 6 : i * 2654435761U % THREADS;
        assert_int_equal(gs_spill_add(spill, &(struct gs_span){thread, i, i, i + 1}), GS_OK);
    }
    assert_int_equal(gs_spill_sort(spill), GS_OK);
    uint32_t all = 0;
    for (uint32_t thread = 0; thread < THREADS; thread++) {
        for (int again = 0; again < 2; again++) {
            uint64_t before = 0;
            uint32_t count = 0;
            for (; gs_spill_next(spill, thread, &span); count++) {
                assert_int_equal(span.thread, thread);
                assert_true(count == 0 || span.begin_ns > before);
                assert_int_equal(span.node, span.begin_ns);
                before = span.begin_ns;
            }
            assert_int_equal(count == 0, thread == 5);
            all += again ? count : 0;
            if (!again)
                gs_spill_again(spill);
        }
    }
    assert_int_equal(all, SPANS);
    assert_false(gs_spill_failed(spill));
    gs_spill_free(spill);
}

UNIT_TEST(all_in_memory)
{
    check(GS_SPILL_SPANS);
}

UNIT_TEST(many_runs_in_the_file)
{
    check(100);
    check(SPANS / 2); /* nothing is left in memory */
    check(3);
}

UNIT_TEST(nothing_at_all)
{
    struct gs_spill *spill = gs_spill_new(4);
    struct gs_span span;
    assert_int_equal(gs_spill_sort(spill), GS_OK);
    assert_false(gs_spill_next(spill, 0, &span));
    gs_spill_free(spill);
}

/* What goes on is one span, whatever other threads do meanwhile; a gap or another node begins the next. */
UNIT_TEST(what_goes_on_is_one)
{
    struct gs_spill *spill = gs_spill_new(2);
    struct gs_span span;
    assert_int_equal(gs_spill_end(spill, 1), 0);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(gs_spill_add(spill, &(struct gs_span){1, 7, i, i + 1}), GS_OK);
        assert_int_equal(gs_spill_add(spill, &(struct gs_span){0, i, i, i + 1}), GS_OK);
    }
    assert_int_equal(gs_spill_end(spill, 1), 10);
    assert_int_equal(gs_spill_add(spill, &(struct gs_span){1, 7, 11, 12}), GS_OK);
    assert_int_equal(gs_spill_add(spill, &(struct gs_span){1, 8, 12, 13}), GS_OK);
    assert_int_equal(gs_spill_sort(spill), GS_OK);
    for (uint32_t i = 0; i < 10; i++)
        assert_true(gs_spill_next(spill, 0, &span) && span.node == i);
    static const struct gs_span expected[] = {{1, 7, 0, 10}, {1, 7, 11, 12}, {1, 8, 12, 13}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(gs_spill_next(spill, 1, &span));
        assert_memory_equal(&span, &expected[i], sizeof span);
    }
    assert_false(gs_spill_next(spill, 1, &span));
    gs_spill_free(spill);
}
