/* Whether a thread waits for the GIL, judged of plain values. */

#include "sample/verdict.h"
#include "support/unit.h"

/* Somebody else has the GIL, and nobody else is there. */
static const struct gs_gil_fields held = {
    .exists = true, .enabled = true, .locked = true, .has_switches = true, .has_users = true};

static void assert_verdict(const struct gs_gil_fields *now, const struct gs_gil_counts *counts,
                           const struct gs_wait_facts *thread, enum gs_gil_word gil, enum gs_evidence evidence)
{
    struct gs_verdict verdict = gs_wait_verdict(&held, now, counts, thread);
    assert_int_equal(verdict.gil, gil);
    assert_int_equal(verdict.evidence, evidence);
}

/* What the GIL's fields or the thread's own say comes before what it sleeps on, and that before what it does. */
UNIT_TEST(test_what_comes_first)
{
    static const struct {
        struct gs_wait_facts thread;
        enum gs_gil_word gil;
        enum gs_evidence evidence;
    } cases[] = {
        {{.holds = true, .futex = GS_FUTEX_COND, .run = GS_RUN_SYSCALL}, GS_HOLDS, GS_EXACT},
        {{.holds = true, .told = true, .requested = true, .run = GS_RUN_RUNNING}, GS_HOLDS, GS_EXACT},
        {{.told = true, .requested = true, .run = GS_RUN_RUNNING}, GS_WAITS, GS_EXACT},
        {{.requested = true, .run = GS_RUN_SYSCALL}, GS_WITHOUT, GS_INFERRED}, /* of an earlier sample */
        {{.told = true, .futex = GS_FUTEX_COND, .run = GS_RUN_SYSCALL}, GS_WAITS, GS_INFERRED},
        {{.told = true, .futex = GS_FUTEX_PERHAPS, .run = GS_RUN_SYSCALL}, GS_WITHOUT, GS_EXACT},
        {{.told = true, .run = GS_RUN_RUNNING}, GS_WITHOUT, GS_EXACT},
        {{.futex = GS_FUTEX_MUTEX, .run = GS_RUN_SYSCALL}, GS_WAITS, GS_INFERRED},
        {{.futex = GS_FUTEX_SWITCH, .run = GS_RUN_SYSCALL}, GS_WAITS, GS_INFERRED},
        {{.futex = GS_FUTEX_PERHAPS, .run = GS_RUN_SYSCALL}, GS_UNKNOWN, GS_INFERRED},
        {{.run = GS_RUN_SYSCALL}, GS_WITHOUT, GS_INFERRED},
        {{.run = GS_RUN_GONE}, GS_WITHOUT, GS_INFERRED},
        {{.run = GS_RUN_UNKNOWN, .one_of_many = true}, GS_UNKNOWN, GS_INFERRED},
    };
    static const struct gs_gil_counts counts = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_verdict(&held, &counts, &cases[i].thread, cases[i].gil, cases[i].evidence);
}

/* A GIL that is off, free, about to be taken, or does not tell who has it. */
UNIT_TEST(test_states_of_the_gil)
{
    static const struct gs_gil_counts counts = {0};
    const struct gs_wait_facts holder = {.holds = true, .run = GS_RUN_RUNNING},
                               owner = {.holds = true, .owns_mutex = true, .run = GS_RUN_RUNNING},
                               sleeper = {.run = GS_RUN_SYSCALL},
                               perhaps = {.futex = GS_FUTEX_PERHAPS, .run = GS_RUN_SYSCALL};
    struct gs_gil_fields off = held, unlocked = held, taken = held, hidden = held;
    off.enabled = false;
    unlocked.locked = false;
    taken.mutex_owner = 7;
    hidden.locked = false;
    hidden.hidden = true;
    assert_verdict(&off, &counts, &holder, GS_NONE, GS_EXACT);
    assert_verdict(&off, &counts, &perhaps, GS_NONE, GS_EXACT);
    assert_verdict(&unlocked, &counts, &perhaps, GS_WITHOUT, GS_INFERRED);
    assert_verdict(&taken, &counts, &holder, GS_HOLDS, GS_INFERRED); /* by somebody else, this moment */
    assert_verdict(&taken, &counts, &owner, GS_HOLDS, GS_EXACT);
    assert_verdict(&hidden, &counts, &perhaps, GS_UNKNOWN, GS_INFERRED);
    assert_verdict(&hidden, &counts, &sleeper, GS_UNKNOWN, GS_INFERRED);
}

/* Awake without holding it: by how many users are missing among the sleepers. */
UNIT_TEST(test_awake_by_counts)
{
    static const struct {
        uint32_t cond_users, switch_users, mutex_owner;
        struct gs_gil_counts counts;
        struct gs_wait_facts thread;
        enum gs_gil_word gil;
    } cases[] = {
        /* Nobody is missing. */
        {1, 0, 0, {.in_cond = 1, .open = 2}, {.one_of_many = true}, GS_WITHOUT},
        {1, 0, 0, {.in_cond = 1, .open = 2}, {.outside = true}, GS_WITHOUT},
        {1, 0, 0, {.in_cond = 1, .open = 2}, {.before = GS_WAITS, .kept_out = true}, GS_UNKNOWN},
        /* Both, one of both; this one if it waited before and did not have it since. */
        {3, 0, 0, {.in_cond = 1, .open = 2}, {.outside = true}, GS_WAITS},
        {2, 0, 0, {.in_cond = 1, .open = 2}, {.one_of_many = true}, GS_UNKNOWN},
        {2, 0, 0, {.in_cond = 1, .open = 2}, {.before = GS_WAITS, .kept_out = true}, GS_WAITS},
        {2, 0, 0, {.in_cond = 1, .open = 2}, {.before = GS_WAITS}, GS_UNKNOWN},
        /* One of those that are missing only has the mutex. */
        {3, 0, 9, {.in_cond = 1, .open = 2}, {.one_of_many = true}, GS_UNKNOWN},
        {4, 0, 9, {.in_cond = 1, .open = 2}, {.one_of_many = true}, GS_WAITS},
        {4, 0, 9, {.in_cond = 1, .open = 2}, {.owns_mutex = true, .one_of_many = true}, GS_UNKNOWN},
        /* Who sleeps on the mutex may count among its users or not. */
        {1, 0, 0, {.in_mutex = 1, .open = 1}, {.one_of_many = true}, GS_UNKNOWN},
        {2, 0, 0, {.in_mutex = 1, .open = 1}, {.one_of_many = true}, GS_WAITS},
        /* They gave it up on request. */
        {1, 2, 0, {.in_cond = 1, .open = 2}, {.one_of_many = true}, GS_WAITS},
        {1, 1, 0, {.in_cond = 1, .open = 2}, {.one_of_many = true}, GS_UNKNOWN},
        /* In a poll as many were woken out of the wait as are missing there. */
        {2, 0, 0, {.in_cond = 1, .open = 2, .waited = 1}, {.polling = true, .before = GS_WAITS}, GS_WAITS},
        {2, 0, 0, {.in_cond = 1, .open = 2, .waited = 1}, {.polling = true, .before = GS_WITHOUT}, GS_WITHOUT},
        {2, 0, 0, {.in_cond = 1, .open = 2, .waited = 2}, {.polling = true, .before = GS_WITHOUT}, GS_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gs_gil_fields now = held;
        struct gs_wait_facts thread = cases[i].thread;
        now.cond_users = cases[i].cond_users;
        now.switch_users = cases[i].switch_users;
        now.mutex_owner = cases[i].mutex_owner;
        for (int run = 0; run < 2; run++) {
            thread.run = run ? GS_RUN_RUNNING : GS_RUN_BLOCKED;
            struct gs_verdict verdict = gs_wait_verdict(&held, &now, &cases[i].counts, &thread);
            if (verdict.gil != cases[i].gil || verdict.evidence != GS_INFERRED)
                fail_msg("case %zu: %s", i, gs_gil_word_name(verdict.gil));
        }
    }
}

/* Without counts nothing is known but that whoever waited and did not have it waits on. */
UNIT_TEST(test_awake_without_counts)
{
    static const struct gs_gil_counts counts = {.open = 1};
    struct gs_gil_fields now = held, fresh = held;
    const struct gs_wait_facts waited = {.run = GS_RUN_RUNNING, .before = GS_WAITS, .kept_out = true},
                               other = {.run = GS_RUN_RUNNING, .before = GS_WITHOUT, .kept_out = true};
    now.has_users = false;
    assert_verdict(&now, &counts, &waited, GS_WAITS, GS_INFERRED);
    assert_verdict(&now, &counts, &other, GS_UNKNOWN, GS_INFERRED);
    /* Nobody is missing: but musl's count leaves out who was woken. */
    now.has_users = now.skips_woken = true;
    assert_verdict(&now, &counts, &waited, GS_WAITS, GS_INFERRED);
    assert_verdict(&now, &counts, &other, GS_UNKNOWN, GS_INFERRED);
    now.has_users = now.skips_woken = false;
    fresh.enabled = false; /* it was off until now */
    assert_int_equal(gs_wait_verdict(&fresh, &now, &counts, &waited).gil, GS_UNKNOWN);
    now.has_switches = false;
    assert_verdict(&now, &counts, &waited, GS_UNKNOWN, GS_INFERRED);
}
