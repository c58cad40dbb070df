/* The books of who had a processor: they balance when all was looked at that ran, else the search for the others ends
 * as soon as all of the missing time is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sample/books.h"

enum { THREADS = 10, REST = 700 };

static struct gs_books settled(void)
{
    struct gs_books books = {0};
    assert_false(gs_books_balance(&books, REST, THREADS)); /* nothing to compare with */
    assert_int_equal(books.left, THREADS);
    for (int i = 0; i < THREADS; i++)
        gs_books_look(&books, 0);
    assert_int_equal(books.left, 0);
    assert_true(gs_books_balance(&books, REST, THREADS));
    assert_true(books.balanced);
    assert_int_equal(books.left, 0);
    return books;
}

static void all_slept(void **state)
{
    (void)state;
    struct gs_books books = settled();
    for (int i = 0; i < 3; i++)
        assert_true(gs_books_balance(&books, REST, THREADS));
    gs_books_look(&books, 5); /* outside of a search it says nothing */
    assert_true(gs_books_balance(&books, REST, THREADS));
}

/* Two ran: the search ends with the second of them, and what was found makes the books balance again. */
static void search_ends_when_all_is_found(void **state)
{
    (void)state;
    struct gs_books books = settled();
    assert_false(gs_books_balance(&books, REST + 30, THREADS));
    assert_false(books.balanced);
    gs_books_look(&books, 0);
    gs_books_look(&books, 20);
    assert_int_equal(books.left, THREADS - 2);
    gs_books_look(&books, 0);
    gs_books_look(&books, 10);
    assert_int_equal(books.left, 0);
    assert_true(books.balanced);
    assert_true(gs_books_balance(&books, REST, THREADS));
}

/* Who ran on since may hide that somebody else ran: all are looked at. */
static void more_than_is_missing(void **state)
{
    (void)state;
    struct gs_books books = settled();
    assert_false(gs_books_balance(&books, REST + 30, THREADS));
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(books.left, THREADS - i);
        gs_books_look(&books, i == 0 ? 31 : 0);
    }
    assert_int_equal(books.left, 0);
    assert_true(gs_books_balance(&books, REST, THREADS));
}

/* Threads came or went in the middle of a search. */
static void other_threads(void **state)
{
    (void)state;
    struct gs_books books = settled();
    assert_false(gs_books_balance(&books, REST + 30, THREADS));
    gs_books_restart(&books, THREADS + 2);
    for (int i = 0; i < THREADS + 2; i++)
        gs_books_look(&books, i == 1 ? 30 : 0);
    assert_int_equal(books.left, 0);
    assert_false(gs_books_balance(&books, REST + 5, THREADS + 2));
    for (int i = 0; i < THREADS + 2; i++)
        gs_books_look(&books, 0);
    assert_true(gs_books_balance(&books, REST + 5, THREADS + 2));
}

/* A thread that nobody looks at ran, or one has ended: no search finds it, and from then on that is the rest. */
static void time_of_others(void **state)
{
    (void)state;
    struct gs_books books = settled();
    assert_false(gs_books_balance(&books, REST + 30, THREADS));
    for (int i = 0; i < THREADS; i++)
        gs_books_look(&books, i == 3 ? 29 : 0);
    assert_int_equal(books.left, 0);
    assert_false(books.balanced);
    assert_false(gs_books_balance(&books, REST + 1, THREADS));
    for (int i = 0; i < THREADS; i++)
        gs_books_look(&books, 0);
    assert_true(gs_books_balance(&books, REST + 1, THREADS));
}

/* A new thread's time was part of the rest until it was looked at. */
static void rest_gets_less(void **state)
{
    (void)state;
    struct gs_books books = settled();
    assert_false(gs_books_balance(&books, REST - 50, THREADS));
    assert_int_equal(books.left, THREADS);
    gs_books_look(&books, 1000);
    assert_int_equal(books.left, THREADS - 1); /* how much is missing is not known */
    for (int i = 1; i < THREADS; i++)
        gs_books_look(&books, 0);
    assert_true(gs_books_balance(&books, REST - 50, THREADS));
}

static void not_told(void **state)
{
    (void)state;
    struct gs_books books = settled();
    assert_false(gs_books_balance(&books, GS_BOOKS_UNKNOWN, THREADS));
    assert_int_equal(books.left, THREADS);
    for (int i = 0; i < THREADS; i++)
        gs_books_look(&books, 9);
    assert_false(gs_books_balance(&books, REST, THREADS));
    assert_int_equal(books.left, THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_slept),
                                       cmocka_unit_test(search_ends_when_all_is_found),
                                       cmocka_unit_test(more_than_is_missing),
                                       cmocka_unit_test(other_threads),
                                       cmocka_unit_test(time_of_others),
                                       cmocka_unit_test(rest_gets_less),
                                       cmocka_unit_test(not_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
