/* cmocka, with the headers that it wants before it, and a main that runs each UNIT_TEST of a program. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* UNIT_TEST(name) { ... }: a test, which is run in its turn. A program that needs more than that has a main of its own
 * and lists its tests. */
#define UNIT_TEST_WITH(name, set_up, tear_down)                                                                        \
    static void name(void **state);                                                                                    \
    __attribute__((constructor)) static void unit_add_##name(void)                                                     \
    {                                                                                                                  \
        unit_add(&(struct CMUnitTest)cmocka_unit_test_setup_teardown(name, set_up, tear_down));                        \
    }                                                                                                                  \
    static void name(void **state)
#define UNIT_TEST(name) UNIT_TEST_WITH(name, NULL, NULL)
/* Before the first test of the program, and behind the last one. */
#define UNIT_GROUP(set_up, tear_down)                                                                                  \
    __attribute__((constructor)) static void unit_group(void)                                                          \
    {                                                                                                                  \
        unit_surround(set_up, tear_down);                                                                              \
    }                                                                                                                  \
    _Static_assert(1, "")

void unit_add(const struct CMUnitTest *test);
void unit_surround(CMFixtureFunction set_up, CMFixtureFunction tear_down);

#endif
