/* Stopped worlds and collections, from made events. */
#include <string.h>

#include "gil/exact_pauses.h"
#include "support/unit.h"

enum { A = 11, B = 12, RUNTIME = 0, MAIN = 1 };
#define MS UINT64_C(1000000)

static const struct gs_gil_addresses worlds = {
    .list = {[MAIN] = {.wait = 64}}, .count = 2, .waits = true, .none = true};

struct seen {
    struct gs_exact_pause last;
    int count;
};

static void note(void *context, const struct gs_exact_pause *pause)
{
    struct seen *seen = context;
    seen->last = *pause;
    seen->count++;
}

static void tell(struct gs_exact_pauses *pauses, uint64_t ns, pid_t tid, enum gs_act act, uint8_t lock,
                 enum gs_pause_kind kind)
{
    const struct gs_event event = {.time_ns = ns, .tid = tid, .act = (uint8_t)act, .lock = lock, .what = (uint8_t)kind};
    assert_int_equal(gs_exact_pauses_event(pauses, &event), GS_OK);
}

static struct gs_gilstat finish(struct gs_exact_pauses *pauses, const struct gs_gil_addresses *addresses)
{
    struct gs_gilstat stat = {.pid = A};
    assert_int_equal(gs_exact_pauses_finish(pauses, 100 * MS, addresses, &stat), GS_OK);
    return stat;
}

static void end(struct gs_exact_pauses *pauses, struct gs_gilstat *stat)
{
    gs_gilstat_fini(stat);
    gs_pauses_fini(&pauses->sums);
}

UNIT_TEST(pauses_are_told_by_their_requester)
{
    struct seen seen = {.count = 0};
    struct gs_exact_pauses pauses = {.context = &seen, .over = note};
    gs_exact_pauses_begin(&pauses, 1 * MS);
    tell(&pauses, 10 * MS, A, GS_ACT_TAKE, MAIN, GS_PAUSE_GC);
    tell(&pauses, 11 * MS, B, GS_ACT_TAKE, MAIN, GS_PAUSE_GC); /* in vain */
    tell(&pauses, 12 * MS, A, GS_ACT_TAKE, MAIN, GS_PAUSE_WORLD);
    tell(&pauses, 15 * MS, A, GS_ACT_DROP, MAIN, GS_PAUSE_WORLD);
    assert_true(seen.count == 1 && seen.last.gc && seen.last.begin_ns == 12 * MS && seen.last.end_ns == 15 * MS);
    tell(&pauses, 16 * MS, B, GS_ACT_CHANGE, RUNTIME, GS_PAUSE_WORLD);
    tell(&pauses, 17 * MS, B, GS_ACT_CHANGE, RUNTIME, GS_PAUSE_WORLD);
    assert_false(seen.last.gc);
    tell(&pauses, 20 * MS, A, GS_ACT_DROP, MAIN, GS_PAUSE_GC);
    struct gs_gilstat stat = finish(&pauses, &worlds);
    assert_true(stat.worlds.known && stat.gc.known && !stat.by_generation);
    assert_int_equal(stat.worlds.count.value, 2);
    assert_int_equal(stat.worlds.us, 4000);
    assert_int_equal(stat.worlds.longest_us, 3000);
    assert_int_equal(stat.worlds.longest.tid, A);
    assert_int_equal(stat.worlds.cause_count, 2);
    assert_string_equal(stat.worlds.causes[0].why, "gc");
    assert_int_equal(stat.worlds.causes[1].tid, B);
    assert_string_equal(stat.worlds.causes[1].why, "");
    assert_int_equal(stat.gc.count.value, 1);
    assert_int_equal(stat.gc.us, 10000);
    assert_true(stat.gc.share > 0.0999 && stat.gc.share < 0.1001);
    end(&pauses, &stat);
}

UNIT_TEST(who_asked_is_told_where_a_look_lies_in_the_pause)
{
    struct seen seen = {.count = 0};
    struct gs_exact_pauses pauses = {.context = &seen, .over = note};
    struct gs_exact_sight sight = {.from_ns = 11 * MS,
                                   .to_ns = 12 * MS,
                                   .cause = {.tid = A, .why = "fork", .place = {.function = "f", .line = 3}}};
    gs_exact_pauses_begin(&pauses, 1 * MS);
    gs_exact_pauses_see(&pauses, &sight);
    tell(&pauses, 10 * MS, A, GS_ACT_TAKE, MAIN, GS_PAUSE_WORLD);
    tell(&pauses, 20 * MS, A, GS_ACT_DROP, MAIN, GS_PAUSE_WORLD);
    assert_true(seen.last.place && strcmp(seen.last.place->function, "f") == 0 && !seen.last.gc);
    sight.from_ns = 25 * MS;
    sight.to_ns = 31 * MS; /* it ended before that */
    gs_exact_pauses_see(&pauses, &sight);
    tell(&pauses, 24 * MS, A, GS_ACT_TAKE, MAIN, GS_PAUSE_WORLD);
    tell(&pauses, 30 * MS, A, GS_ACT_DROP, MAIN, GS_PAUSE_WORLD);
    assert_true(seen.count == 2 && !seen.last.place);
    sight = (struct gs_exact_sight){.from_ns = 41 * MS, .to_ns = 42 * MS, .collects = true, .cause.tid = B};
    gs_exact_pauses_see(&pauses, &sight);
    tell(&pauses, 40 * MS, B, GS_ACT_TAKE, RUNTIME, GS_PAUSE_WORLD); /* whose collections are not watched */
    tell(&pauses, 43 * MS, B, GS_ACT_DROP, RUNTIME, GS_PAUSE_WORLD);
    assert_true(seen.last.gc);
    struct gs_gilstat stat = finish(&pauses, &worlds);
    assert_int_equal(stat.worlds.cause_count, 3);
    assert_string_equal(stat.worlds.causes[0].why, "fork");
    end(&pauses, &stat);
}

UNIT_TEST(what_goes_on_counts_as_far_as_it_is_traced)
{
    struct gs_exact_pauses pauses = {.context = NULL};
    gs_exact_pauses_begin(&pauses, 10 * MS);
    tell(&pauses, 9 * MS, A, GS_ACT_TAKE, MAIN, GS_PAUSE_WORLD);  /* before */
    tell(&pauses, 12 * MS, A, GS_ACT_DROP, MAIN, GS_PAUSE_WORLD); /* since the beginning */
    tell(&pauses, 20 * MS, B, GS_ACT_TAKE, MAIN, GS_PAUSE_WORLD);
    assert_int_equal(gs_exact_pauses_cut(&pauses, 25 * MS), GS_OK);
    struct gs_gilstat stat = finish(&pauses, &worlds);
    assert_int_equal(stat.worlds.count.value, 2);
    assert_int_equal(stat.worlds.us, 7000);
    gs_gilstat_fini(&stat);
    gs_pauses_next(&pauses.sums);
    tell(&pauses, 26 * MS, B, GS_ACT_DROP, MAIN, GS_PAUSE_WORLD);
    stat = finish(&pauses, &worlds);
    assert_int_equal(stat.worlds.count.value, 1);
    assert_int_equal(stat.worlds.us, 1000);
    assert_int_equal(stat.gc.count.value, 0);
    end(&pauses, &stat);
}

UNIT_TEST(what_is_not_watched_is_not_known)
{
    const struct gs_gil_addresses one_gil = {.count = 1, .waits = true}, registers_in_use = {.count = 2, .none = true},
                                  nothing = {.none = true};
    struct gs_exact_pauses pauses = {.context = NULL};
    struct gs_gilstat stat = finish(&pauses, &one_gil);
    assert_false(stat.worlds.known || stat.gc.known);
    stat = finish(&pauses, &registers_in_use);
    assert_true(stat.worlds.known && !stat.gc.known);
    stat = finish(&pauses, &nothing);
    assert_false(stat.worlds.known || stat.gc.known);
    end(&pauses, &stat);
}
