/* Values as users type them, and words that they mistype. */
#include <math.h>

#include "base/nearest.h"
#include "base/parse.h"
#include "gilspy/layout.h"
#include "support/unit.h"

UNIT_TEST(times)
{
    static const struct {
        const char *text;
        uint64_t us; /* 0: wrong */
    } cases[] = {{"30", 30000000},
                 {"30s", 30000000},
                 {"5m", 300000000},
                 {"5min", 300000000},
                 {"2h", 7200000000},
                 {"500ms", 500000},
                 {"20us", 20},
                 {"0.5", 500000},
                 {".5s", 500000},
                 {"1.5h", 5400000000},
                 {"1d", 86400000000},
                 {"", 0},
                 {"0", 0},
                 {"-1", 0},
                 {"+1", 0},
                 {"5x", 0},
                 {"5 s", 0},
                 {"s", 0},
                 {".", 0},
                 {"1.2.3", 0},
                 {"1e3", 0},
                 {"99999999999", 0},
                 {"inf", 0},
                 {"nan", 0},
                 {"0x10", 0},
                 {"0.0000001", 0},
                 {"5M", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t us = 0;
        assert_int_equal(gs_parse_time_us(cases[i].text, &us), cases[i].us > 0);
        assert_int_equal(us, cases[i].us);
    }
}

UNIT_TEST(sizes)
{
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: wrong */
    } cases[] = {{"64K", 65536},  {"64KB", 65536}, {"1.5M", 1572864}, {"1G", 1 << 30}, {"2T", UINT64_C(2) << 40},
                 {"100", 0},      {"5m", 0},       {"5k", 0},         {"M", 0},        {"5MB ", 0},
                 {"9999999T", 0}, {"0K", 0},       {"-1K", 0},        {"1KK", 0},      {"", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t bytes = 0;
        assert_int_equal(gs_parse_size(cases[i].text, &bytes), cases[i].bytes != 0);
        assert_int_equal(bytes, cases[i].bytes);
    }
}

UNIT_TEST(a_thousand_digits_are_no_time)
{
    char text[1001];
    uint64_t us;
    for (size_t i = 0; i < 1000; i++)
        text[i] = i == 500 ? '.' : '9';
    text[1000] = '\0';
    assert_false(gs_parse_time_us(text, &us));
}

UNIT_TEST(shares_and_rates)
{
    double value = -1;
    assert_true(gs_parse_share("2%", &value));
    assert_true(fabs(value - 0.02) < 1e-12);
    assert_true(gs_parse_share("0.5", &value) && value == 0.5);
    assert_true(gs_parse_share("100%", &value) && value == 1);
    static const char *const bad_shares[] = {"", "%", "0", "0%", "2", "101%", "-1%", "2%%", "x", "1 %"};
    for (size_t i = 0; i < sizeof bad_shares / sizeof *bad_shares; i++)
        assert_false(gs_parse_share(bad_shares[i], &value));
    assert_true(gs_parse_rate("100", &value) && value == 100);
    assert_true(gs_parse_rate("0.5", &value) && value == 0.5);
    assert_true(gs_parse_rate("1000000", &value) && value == 1000000);
    assert_true(gs_parse_rate("max", &value) && isinf(value));
    static const char *const bad_rates[] = {"", "0", "1000001", "-5", "100Hz", "maxi"};
    for (size_t i = 0; i < sizeof bad_rates / sizeof *bad_rates; i++)
        assert_false(gs_parse_rate(bad_rates[i], &value));
}

UNIT_TEST(numbers_and_versions)
{
    int64_t number = -1;
    uint32_t version = 0;
    assert_true(gs_parse_int("42", 1, 100, &number) && number == 42);
    assert_false(gs_parse_int("101", 1, 100, &number));
    assert_false(gs_parse_int("99999999999999999999999", 1, INT64_MAX, &number));
    assert_false(gs_parse_int("4 2", 1, 100, &number));
    assert_false(gs_parse_int("", 0, 100, &number));
    assert_true(gs_parse_version("3.15", &version));
    assert_int_equal(version, GS_VERSION(3, 15));
    static const char *const bad[] = {"", "3", "3.", ".11", "3.11.2", "3.x", "12345.1", "3.100"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(gs_parse_version(bad[i], &version));
}

UNIT_TEST(distances)
{
    assert_int_equal(gs_edit_distance("dump", "dump"), 0);
    assert_int_equal(gs_edit_distance("dmup", "dump"), 1);
    assert_int_equal(gs_edit_distance("dumps", "dump"), 1);
    assert_int_equal(gs_edit_distance("kitten", "sitting"), 3);
    assert_int_equal(gs_edit_distance("", "abc"), 3);
    assert_int_equal(gs_edit_distance("subp", "subprocesses"), 1);
    char longer[200] = {0};
    for (size_t i = 0; i < sizeof longer - 1; i++)
        longer[i] = 'x';
    assert_int_equal(gs_edit_distance(longer, "x"), GS_NEAREST_MAX);
    assert_int_equal(gs_edit_distance("x", longer), GS_NEAREST_MAX);
}

UNIT_TEST(the_nearest_is_kept)
{
    struct gs_nearest nearest = {.word = "jsno"};
    gs_nearest_try(&nearest, "once");
    gs_nearest_try(&nearest, "json");
    gs_nearest_try(&nearest, "jsox");
    assert_string_equal(nearest.best, "json");
    nearest = (struct gs_nearest){.word = "zzzz"};
    gs_nearest_try(&nearest, "dump");
    assert_null(nearest.best);
}
