/* The audit of CPU time: it is complete when all was looked at that ran, else the search for the others ends as soon as
 * all of the missing time is found. */

#include "sample/cpu_audit.h"
#include "support/unit.h"

enum { THREADS = 10, REST = 700 };

static struct gs_cpu_audit settled(void)
{
    struct gs_cpu_audit audit = {0};
    assert_false(gs_cpu_audit_check(&audit, REST, THREADS)); /* nothing to compare with */
    assert_int_equal(audit.left, THREADS);
    for (int i = 0; i < THREADS; i++)
        gs_cpu_audit_count(&audit, 0);
    assert_int_equal(audit.left, 0);
    assert_true(gs_cpu_audit_check(&audit, REST, THREADS));
    assert_true(audit.complete);
    assert_int_equal(audit.left, 0);
    return audit;
}

UNIT_TEST(all_slept)
{
    struct gs_cpu_audit audit = settled();
    for (int i = 0; i < 3; i++)
        assert_true(gs_cpu_audit_check(&audit, REST, THREADS));
    gs_cpu_audit_count(&audit, 5); /* outside of a search it says nothing */
    assert_true(gs_cpu_audit_check(&audit, REST, THREADS));
}

/* Two ran: the search ends with the second of them, and what was found makes the audit complete again. */
UNIT_TEST(search_ends_when_all_is_found)
{
    struct gs_cpu_audit audit = settled();
    assert_false(gs_cpu_audit_check(&audit, REST + 30, THREADS));
    assert_false(audit.complete);
    gs_cpu_audit_count(&audit, 0);
    gs_cpu_audit_count(&audit, 20);
    assert_int_equal(audit.left, THREADS - 2);
    gs_cpu_audit_count(&audit, 0);
    gs_cpu_audit_count(&audit, 10);
    assert_int_equal(audit.left, 0);
    assert_true(audit.complete);
    assert_true(gs_cpu_audit_check(&audit, REST, THREADS));
}

/* Who ran on since may hide that somebody else ran: all are looked at. */
UNIT_TEST(more_than_is_missing)
{
    struct gs_cpu_audit audit = settled();
    assert_false(gs_cpu_audit_check(&audit, REST + 30, THREADS));
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(audit.left, THREADS - i);
        gs_cpu_audit_count(&audit, i == 0 ? 31 : 0);
    }
    assert_int_equal(audit.left, 0);
    assert_true(gs_cpu_audit_check(&audit, REST, THREADS));
}

/* Threads came or went in the middle of a search. */
UNIT_TEST(other_threads)
{
    struct gs_cpu_audit audit = settled();
    assert_false(gs_cpu_audit_check(&audit, REST + 30, THREADS));
    gs_cpu_audit_restart(&audit, THREADS + 2);
    for (int i = 0; i < THREADS + 2; i++)
        gs_cpu_audit_count(&audit, i == 1 ? 30 : 0);
    assert_int_equal(audit.left, 0);
    assert_false(gs_cpu_audit_check(&audit, REST + 5, THREADS + 2));
    for (int i = 0; i < THREADS + 2; i++)
        gs_cpu_audit_count(&audit, 0);
    assert_true(gs_cpu_audit_check(&audit, REST + 5, THREADS + 2));
}

/* A thread that nobody looks at ran, or one has ended: no search finds it, and from then on that is the rest. */
UNIT_TEST(time_of_others)
{
    struct gs_cpu_audit audit = settled();
    assert_false(gs_cpu_audit_check(&audit, REST + 30, THREADS));
    for (int i = 0; i < THREADS; i++)
        gs_cpu_audit_count(&audit, i == 3 ? 29 : 0);
    assert_int_equal(audit.left, 0);
    assert_false(audit.complete);
    assert_false(gs_cpu_audit_check(&audit, REST + 1, THREADS));
    for (int i = 0; i < THREADS; i++)
        gs_cpu_audit_count(&audit, 0);
    assert_true(gs_cpu_audit_check(&audit, REST + 1, THREADS));
}

/* A new thread's time was part of the rest until it was looked at. */
UNIT_TEST(rest_gets_less)
{
    struct gs_cpu_audit audit = settled();
    assert_false(gs_cpu_audit_check(&audit, REST - 50, THREADS));
    assert_int_equal(audit.left, THREADS);
    gs_cpu_audit_count(&audit, 1000);
    assert_int_equal(audit.left, THREADS - 1); /* how much is missing is not known */
    for (int i = 1; i < THREADS; i++)
        gs_cpu_audit_count(&audit, 0);
    assert_true(gs_cpu_audit_check(&audit, REST - 50, THREADS));
}

UNIT_TEST(not_told)
{
    struct gs_cpu_audit audit = settled();
    assert_false(gs_cpu_audit_check(&audit, GS_CPU_TIME_UNKNOWN, THREADS));
    assert_int_equal(audit.left, THREADS);
    for (int i = 0; i < THREADS; i++)
        gs_cpu_audit_count(&audit, 9);
    assert_false(gs_cpu_audit_check(&audit, REST, THREADS));
    assert_int_equal(audit.left, THREADS);
}
