/* Who waits for which lock: the lists of a parking lot out of made bytes, and the sums of what is seen. */
#include <string.h>

#include "gil/lock_account.h"
#include "python/locks.h"
#include "python/parked.h"
#include "support/mem_fake.h"
#include "support/unit.h"

enum { MS = 1000000 };
#define BUCKET UINT64_C(0x500000)
#define STACK  UINT64_C(0x7f0000001000)
#define WORD   UINT64_C(0x600010)
#define ENTRY  (STACK + 0x100)
#define FUTEX  (ENTRY + 16)
#define NODE   (ENTRY + 48)
#define MUTEX  (STACK + 0x200)
#define WAIT(at, lock, since, which)                                                                                   \
    {                                                                                                                  \
        .thread_at = (at), .word = (lock), .since_ns = (since), .number = (which)                                      \
    }

static const struct gs_layout layout = {.we_arg = 0,
                                        .we_addr = 8,
                                        .we_sema = 16,
                                        .we_node = 48,
                                        .me_fair = 0,
                                        .ts_critical_section = 8,
                                        .cs_prev = 0,
                                        .cs_mutex = 8,
                                        .cs_mutex2 = 16};

static void link_pair(struct gs_mem *mem, gs_addr a, gs_addr b)
{
    mem_fake_put64(mem, a, b);
    mem_fake_put64(mem, b + 8, a);
}

/* One waiter in the ring of a bucket, which asked 5 ms after the clock began. */
static struct gs_mem *one_waiter(void)
{
    struct gs_mem *mem = mem_fake_new();
    mem_fake_map(mem, BUCKET, 32);
    mem_fake_map(mem, STACK, 0x1000);
    mem_fake_put64(mem, ENTRY, MUTEX);
    mem_fake_put64(mem, ENTRY + 8, WORD);
    mem_fake_put64(mem, MUTEX, 6 * MS);
    link_pair(mem, BUCKET + 8, NODE);
    link_pair(mem, NODE, BUCKET + 8);
    return mem;
}

static void test_parked(void **state)
{
    (void)state;
    struct gs_mem *mem = one_waiter();
    struct gs_parked parked;
    const struct gs_parked *list[] = {&parked};
    bool stays;
    assert_true(gs_parked_read(&layout, mem, FUTEX, &parked));
    assert_true(parked.mutex && parked.word == WORD && parked.entry == ENTRY && parked.since_ns == 5 * MS);
    gs_parked_stay(&layout, mem, list, 1, &stays);
    assert_true(stays);
    mem_fake_put64(mem, MUTEX, 7 * MS); /* it waits again, at the same place of its stack */
    gs_parked_stay(&layout, mem, list, 1, &stays);
    assert_false(stays);
    mem_fake_put64(mem, MUTEX, 6 * MS);
    mem_fake_put64(mem, NODE, 0); /* it was taken out of the ring */
    mem_fake_put64(mem, NODE + 8, 0);
    gs_parked_stay(&layout, mem, list, 1, &stays);
    assert_false(stays || gs_parked_read(&layout, mem, FUTEX, &parked));
    gs_mem_free(mem);
}

/* An event has no argument; what an argument far away points to is nobody's mutex. */
static void test_other_waits(void **state)
{
    (void)state;
    struct gs_mem *mem = one_waiter();
    struct gs_parked parked;
    static const uint64_t arguments[] = {0, BUCKET, STACK + 0x10000, UINT64_MAX};
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        mem_fake_put64(mem, ENTRY, arguments[i]);
        assert_true(gs_parked_read(&layout, mem, FUTEX, &parked));
        assert_true(!parked.mutex && parked.since_ns == 0);
    }
    gs_mem_free(mem);
}

/* Whatever the neighbours are, nobody is taken for a waiter who is in no ring; where there are no such lists, nobody
 * is. */
static void test_hostile_rings(void **state)
{
    (void)state;
    static const uint64_t wild[] = {0, 1, NODE + 4, STACK + 0x2000, UINT64_MAX, UINT64_MAX - 7, BUCKET + 24};
    const struct gs_layout old = {
        .we_arg = GS_ABSENT, .we_addr = GS_ABSENT, .we_sema = GS_ABSENT, .we_node = GS_ABSENT, .me_fair = GS_ABSENT};
    struct gs_mem *mem = one_waiter();
    struct gs_parked parked;
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        mem_fake_put64(mem, NODE, wild[i]);
        assert_false(gs_parked_read(&layout, mem, FUTEX, &parked));
        mem_fake_put64(mem, NODE, BUCKET + 8);
        mem_fake_put64(mem, NODE + 8, wild[i]);
        assert_false(gs_parked_read(&layout, mem, FUTEX, &parked) || parked.entry);
        mem_fake_put64(mem, NODE + 8, BUCKET + 8);
        assert_false(gs_parked_read(&layout, mem, wild[i], &parked));
    }
    assert_true(gs_parked_read(&layout, mem, FUTEX, &parked));
    assert_false(gs_parked_read(&old, mem, FUTEX, &parked));
    gs_mem_free(mem);
}

/* Critical sections, one inside another: two locks, one that is given back for now, a circle. */
static void test_sections(void **state)
{
    (void)state;
    struct gs_mem *mem = mem_fake_new();
    gs_addr tstate = 0x800000, outer = 0x801000, inner = 0x802000;
    mem_fake_map(mem, tstate, 64);
    mem_fake_map(mem, outer, 24);
    mem_fake_map(mem, inner, 24);
    assert_false(gs_lock_in_section(&layout, mem, tstate, WORD));
    mem_fake_put64(mem, tstate + 8, inner);
    mem_fake_put64(mem, inner, outer | 2);
    mem_fake_put64(mem, outer + 16, WORD);
    assert_true(gs_lock_in_section(&layout, mem, tstate, WORD));
    mem_fake_put64(mem, inner, outer); /* of one lock: there is no second */
    assert_false(gs_lock_in_section(&layout, mem, tstate, WORD));
    mem_fake_put64(mem, inner, outer | 3);
    assert_false(gs_lock_in_section(&layout, mem, tstate, WORD));
    mem_fake_put64(mem, outer, inner);
    assert_false(gs_lock_in_section(&layout, mem, tstate, WORD));
    mem_fake_put64(mem, outer, UINT64_MAX);
    assert_false(gs_lock_in_section(&layout, mem, tstate, WORD));
    gs_mem_free(mem);
}

/* ---- the account ---- */

/* Looks 10 ms apart. */
static void play(struct gs_lock_account *sum, int moment, const struct gs_lock_sample *waits, size_t count)
{
    gs_lock_account_begin(sum, (uint64_t)(1 + moment) * 10 * MS, moment > 0 ? 10 * MS : 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(gs_lock_account_wait(sum, 100 + (pid_t)waits[i].thread_at, &waits[i]), GS_OK);
    gs_lock_account_end(sum);
}

static void tell(struct gs_lock_account *sum, uint64_t number, gs_addr word, enum gs_lock_kind kind, pid_t holder)
{
    struct gs_lock_look look = {.number = number,
                                .word = word,
                                .object = word - 8,
                                .kind = kind,
                                .type = "",
                                .name = kind == GS_LOCK_NONE ? "" : "lock",
                                .holder = holder,
                                .held_in = {.function = holder == 7 ? "seldom" : "often", .file = "f.py", .line = 3}};
    assert_int_equal(gs_lock_account_look(sum, &look), GS_OK);
}

static const struct gs_bounds_span span = {.ns = 40 * MS, .samples = 5};

static void test_account(void **state)
{
    (void)state;
    struct gs_lock_account *sum = gs_lock_account_new();
    struct gs_gilstat stat = {0};
    /* 0 waits for a lock all the while, 1 for a notice, 2 for the lock in the middle, since 17 ms. */
    const struct gs_lock_sample all[] = {WAIT(0, 0x1008, 0, 1), WAIT(1, 0x2000, 0, 2), WAIT(2, 0x1008, 17 * MS, 3)};
    play(sum, 0, all, 2);
    play(sum, 1, all, 3);
    tell(sum, 1, 0x1008, GS_LOCK_LOCK, 7);
    tell(sum, 2, 0x2000, GS_LOCK_NONE, 0);
    play(sum, 2, all, 3);
    tell(sum, 1, 0x1008, GS_LOCK_LOCK, 8);
    tell(sum, 1, 0x1008, GS_LOCK_LOCK, 8);
    play(sum, 3, all, 2);
    play(sum, 4, all, 2);
    assert_int_equal(gs_lock_account_finish(sum, &span, 1, &stat), GS_OK);
    assert_true(stat.locks_known && stat.lock_count == 1);
    const struct gs_gilstat_lock *lock = &stat.locks[0];
    assert_true(lock->kind == GS_LOCK_LOCK && lock->address == 0x1000 && strcmp(lock->name, "lock") == 0);
    assert_int_equal(lock->wait_us, 40000 + 20000);
    assert_true(lock->mean_waiters > 1.499 && lock->mean_waiters < 1.501 && lock->half_width > 0);
    assert_int_equal(lock->most_waiters, 2);
    assert_int_equal(lock->longest_wait_us, 40000);
    assert_true(lock->holder == 8 && strcmp(lock->held_in.function, "often") == 0);
    assert_true(lock->waiter_count == 2 && lock->waiters[0] == 102 && lock->waiters[1] == 100);
    gs_gilstat_fini(&stat);
    /* In the next span what it is is known without a look, and also that of a wait that none was taken of. */
    const struct gs_lock_sample next[] = {WAIT(2, 0x1008, 58 * MS, 9)};
    gs_lock_account_next(sum);
    play(sum, 5, next, 1);
    play(sum, 6, NULL, 0);
    assert_int_equal(gs_lock_account_finish(sum, &span, 1, &stat), GS_OK);
    assert_true(stat.lock_count == 1 && stat.locks[0].wait_us == 15000 && stat.locks[0].longest_wait_us == 45000);
    assert_int_equal(stat.locks[0].holder, 0);
    gs_gilstat_fini(&stat);
    gs_lock_account_free(sum);
}

/* Nobody has to look to know a wait for an object's lock, nor is such a look to be believed that comes too late. */
static void test_object(void **state)
{
    (void)state;
    struct gs_lock_account *sum = gs_lock_account_new();
    struct gs_gilstat stat = {0};
    const struct gs_lock_sample one = {.word = 0x100a, .object = 0x1000, .number = 1};
    play(sum, 0, &one, 1);
    tell(sum, 1, 0x100a, GS_LOCK_NONE, 0);
    play(sum, 1, &one, 1);
    assert_int_equal(gs_lock_account_finish(sum, &span, 1, &stat), GS_OK);
    assert_true(stat.lock_count == 1 && stat.locks[0].wait_us == 10000 && stat.locks[0].most_waiters == 1);
    assert_true(stat.locks[0].kind == GS_LOCK_OBJECT && stat.locks[0].address == 0x1000);
    gs_gilstat_fini(&stat);
    gs_lock_account_free(sum);
}

/* Words without end, none of which is known to be a lock, take no memory without end. */
static void test_many_words(void **state)
{
    (void)state;
    struct gs_lock_account *sum = gs_lock_account_new();
    struct gs_gilstat stat = {0};
    struct gs_lock_sample lock = WAIT(0, 0x1008, 0, 1);
    play(sum, 0, &lock, 1);
    tell(sum, 1, 0x1008, GS_LOCK_RLOCK, 0);
    for (int i = 1; i < 5000; i++) {
        struct gs_lock_sample one = WAIT((uint32_t)i, 0x100000 + (gs_addr)i * 8, 0, 1 + (uint64_t)i);
        one.object = i % 2 ? one.word - 10 : 0;
        play(sum, i, &one, 1);
    }
    assert_int_equal(gs_lock_account_finish(sum, &span, 1, &stat), GS_OK);
    assert_true(stat.lock_count > 1 && stat.lock_count < 1024);
    size_t kept = 0;
    while (kept < stat.lock_count && stat.locks[kept].kind != GS_LOCK_RLOCK)
        kept++;
    assert_true(kept < stat.lock_count);
    gs_gilstat_fini(&stat);
    gs_lock_account_free(sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_object),        cmocka_unit_test(test_parked),   cmocka_unit_test(test_other_waits),
        cmocka_unit_test(test_hostile_rings), cmocka_unit_test(test_sections), cmocka_unit_test(test_account),
        cmocka_unit_test(test_many_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
