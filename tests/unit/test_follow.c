/* Who had the GIL since the last snapshot, out of glances at its words. */
#include <stdlib.h>
#include <string.h>

#include "sample/reader.h"
#include "support/unit.h"

enum { THREADS = 64, MS = 1000000 };

struct world {
    struct gs_python python;
    struct gs_reader reader;
    struct gs_interp interp;
    struct gs_lock lock;
    struct gs_member members[THREADS];
    struct gs_member *list[THREADS];
};

static void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->lock.sharers = 1;
    w->lock.after = (struct gs_gil_fields){.exists = true, .enabled = true, .has_switches = true, .switches = 100};
    w->reader.threads = (struct gs_thread_list){.python = &w->python,
                                                .interps = &w->interp,
                                                .interp_count = 1,
                                                .locks = &w->lock,
                                                .lock_count = 1,
                                                .members = w->list,
                                                .member_count = THREADS,
                                                .taken_ns = 1000 * MS};
    for (size_t i = 0; i < THREADS; i++) {
        w->members[i].tstate = 0x5000 + 16 * i;
        w->list[i] = &w->members[i];
    }
    assert_true(gs_list_index(&w->reader.threads));
    w->lock.after.last_holder = w->members[0].tstate;
}

static void close_world(struct world *w)
{
    free(w->reader.threads.by_tstate.slots);
}

/* After so many more hand-overs it is the thread's. */
static void glance(struct world *w, uint64_t handed, size_t thread)
{
    w->lock.after.switches += handed;
    w->lock.after.last_holder = w->members[thread].tstate;
    gs_follow_note(&w->reader.follow, &w->lock.after);
}

/* A snapshot, `ms` after the one before. */
static void take(struct world *w, uint64_t ms)
{
    w->reader.threads.taken_ns += ms * MS;
    w->lock.stacked = w->lock.after;
    gs_follow_begin(&w->reader.follow, &w->reader.threads);
}

UNIT_TEST(test_chain)
{
    struct world w;
    struct gs_member *movers[GS_MOVERS_MOST];
    open_world(&w);
    take(&w, 0);
    glance(&w, 0, 0);
    glance(&w, 1, 3);
    glance(&w, 1, 5);
    glance(&w, 1, 3);
    assert_true(w.reader.follow.whole);
    assert_int_equal(gs_follow_movers(&w.reader.follow, &w.reader.threads, movers), 3);
    assert_ptr_equal(movers[0], &w.members[0]);
    assert_ptr_equal(movers[1], &w.members[3]);
    assert_ptr_equal(movers[2], &w.members[5]);
    take(&w, 10);
    assert_int_equal(gs_follow_movers(&w.reader.follow, &w.reader.threads, movers), 1);
    assert_ptr_equal(movers[0], &w.members[3]);
    close_world(&w);
}

UNIT_TEST(test_broken)
{
    struct world w;
    struct gs_member *movers[GS_MOVERS_MOST];
    open_world(&w);
    take(&w, 0);
    glance(&w, 2, 3); /* somebody was not seen */
    assert_false(w.reader.follow.whole);
    glance(&w, 1, 4);
    assert_false(w.reader.follow.whole);
    take(&w, 10);
    glance(&w, 1, 4); /* counted, but nobody else has it */
    assert_false(w.reader.follow.whole);
    take(&w, 10);
    glance(&w, 0, 6); /* somebody else has it, but that is not counted */
    assert_false(w.reader.follow.whole);
    take(&w, 10);
    for (size_t i = 7; w.reader.follow.whole; i++) /* too many */
        glance(&w, 1, i);
    assert_int_equal(w.reader.follow.count, GS_MOVERS_MOST);
    /* One who is in no list, because it is new, or ended before that snapshot. */
    take(&w, 10);
    w.lock.after.switches++;
    w.lock.after.last_holder = 0x9000;
    gs_follow_note(&w.reader.follow, &w.lock.after);
    assert_true(w.reader.follow.whole);
    assert_true(gs_follow_movers(&w.reader.follow, &w.reader.threads, movers) == SIZE_MAX);
    take(&w, 10);
    assert_int_equal(gs_follow_movers(&w.reader.follow, &w.reader.threads, movers), 0);
    w.lock.sharers = 2; /* two interpreters on one GIL: it proves nothing */
    take(&w, 10);
    assert_false(w.reader.follow.whole);
    close_world(&w);
}

/* Glances are taken where they pay: many threads, hand-overs that are neither few nor too many, samples not too rare.
 */
UNIT_TEST(test_worth)
{
    struct world w;
    open_world(&w);
    take(&w, 0);
    take(&w, 10);
    assert_true(w.reader.follow.next_ns == UINT64_MAX);
    w.lock.after.switches += 2;
    take(&w, 10);
    assert_true(w.reader.follow.next_ns > w.reader.threads.taken_ns &&
                w.reader.follow.next_ns < w.reader.threads.taken_ns + 10 * MS);
    assert_true(gs_reader_follow(&w.reader, w.reader.threads.taken_ns) == w.reader.follow.next_ns);
    w.lock.after.switches += 50;
    take(&w, 10);
    assert_true(w.reader.follow.next_ns == UINT64_MAX);
    w.lock.after.switches += 20;
    take(&w, 1000);
    assert_true(w.reader.follow.next_ns == UINT64_MAX);
    w.lock.after.switches += 2;
    take(&w, 10);
    assert_true(w.reader.follow.next_ns != UINT64_MAX);
    w.reader.threads.member_count = 8;
    w.lock.after.switches += 2;
    take(&w, 10);
    assert_true(w.reader.follow.next_ns == UINT64_MAX);
    close_world(&w);
}

/* What fails all the time is tried less and less often. */
UNIT_TEST(test_in_vain)
{
    struct world w;
    size_t tried = 0;
    open_world(&w);
    take(&w, 0);
    for (int i = 0; i < 400; i++) {
        bool due = w.reader.follow.next_ns != UINT64_MAX;
        w.reader.follow.asked = due;
        tried += due;
        glance(&w, 2, i % THREADS);
        take(&w, 10);
    }
    assert_in_range(tried, 5, 20);
    close_world(&w);
}
