/* The tests of a program that has no main of its own. */
#include <locale.h>
#include <stdlib.h>

#include "support/unit.h"

enum { TESTS_MOST = 256 };

static struct CMUnitTest tests[TESTS_MOST];
static size_t count;
static CMFixtureFunction before, behind;

void unit_add(const struct CMUnitTest *test)
{
    if (count >= TESTS_MOST)
        abort();
    tests[count++] = *test;
}

void unit_surround(CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    before = set_up;
    behind = tear_down;
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    return _cmocka_run_group_tests("tests", tests, count, before, behind);
}
