/* What a target contains, made harmless: decoding, escaping, fitting into columns. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "support/golden.h"
#include "support/unit.h"

static void check(const char *theirs, bool utf8, const char *expected, int columns)
{
    struct gs_text text;
    gs_text_init(&text, utf8);
    gs_text_add(&text, theirs);
    assert_string_equal(text.bytes, expected);
    assert_int_equal(text.columns, columns);
    assert_int_equal(gs_text_width(theirs, utf8), columns);
    gs_text_fini(&text);
}

UNIT_TEST(controls_become_visible)
{
    check("a\033[2J\a\r\n\t\177b", true, "a\\x1b[2J\\x07\\x0d\\x0a\\x09\\x7fb", 29);
    check("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", true, "\\x80\\x9b\\x9f\xc2\xa0", 13);
}

UNIT_TEST(direction_and_line_ends_become_visible)
{
    static const uint32_t marks[] = {0x61c,  0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b,
                                     0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char theirs[5] = "", expected[8];
        gs_utf8_encode(marks[i], theirs);
        snprintf(expected, sizeof expected, "\\u%04x", marks[i]);
        check(theirs, true, expected, 6);
    }
}

UNIT_TEST(ascii_terminals_get_escapes)
{
    check("h\u00e4\u65e5\U0001F600", false, "h\\xe4\\u65e5\\U0001f600", 21);
    check("h\u00e4\u65e5\U0001F600", true, "h\u00e4\u65e5\U0001F600", 6);
}

UNIT_TEST(invalid_bytes_become_replacements)
{
    check("\xff\xc0\xaf", true, "\ufffd\ufffd\ufffd", 3);
    check("\xed\xa0\x80", true, "\ufffd\ufffd\ufffd", 3);           /* a surrogate */
    check("\xf4\x90\x80\x80", true, "\ufffd\ufffd\ufffd\ufffd", 4); /* over U+10FFFF */
    check("\xe2\x82", true, "\ufffd\ufffd", 2);                     /* cut short */
    check("\xe2\x82z", true, "\ufffd\ufffdz", 3);
    char *clean = gs_utf8_clean("a\xff\u00e4");
    assert_string_equal(clean, "a\ufffd\u00e4");
    free(clean);
}

UNIT_TEST(every_character_survives_a_round_trip)
{
    for (uint32_t c = 1; c <= 0x10ffff; c++) {
        char bytes[4];
        uint32_t back;
        size_t len = gs_utf8_encode(c, bytes);
        size_t taken = gs_utf8_next(bytes, len, &back);
        if (c >= 0xd800 && c < 0xe000) {
            assert_int_equal(back, GS_UTF8_REPLACEMENT);
        } else {
            assert_int_equal(back, c);
            assert_int_equal(taken, len);
        }
    }
}

static void check_fit(const char *theirs, int columns, enum gs_cut cut, bool utf8, const char *expected)
{
    struct gs_text text;
    gs_text_init(&text, utf8);
    gs_text_fit(&text, theirs, columns, cut);
    assert_string_equal(text.bytes ? text.bytes : "", expected);
    assert_true(columns == 0 || text.columns <= columns);
    gs_text_fini(&text);
}

UNIT_TEST(fitting_cuts_where_it_is_told)
{
    check_fit("abcdef", 6, GS_CUT_END, true, "abcdef");
    check_fit("abcdef", 5, GS_CUT_END, true, "abcd…");
    check_fit("abcdef", 5, GS_CUT_START, true, "…cdef");
    check_fit("abcdef", 5, GS_CUT_END, false, "ab...");
    check_fit("abcdef", 5, GS_CUT_START, false, "...ef");
    check_fit("abcdef", 1, GS_CUT_START, false, "f");
    check_fit("abcdef", 5, GS_CUT_MIDDLE, true, "ab…ef");
    check_fit("abcdef", 4, GS_CUT_MIDDLE, true, "a…ef");
    check_fit("abcdefgh", 6, GS_CUT_MIDDLE, false, "a...gh");
    check_fit("abcdef", 2, GS_CUT_MIDDLE, true, "…f");
    check_fit("abcdef", 1, GS_CUT_MIDDLE, true, "f");
    check_fit("ThreadPoolExecutor-0_3", 20, GS_CUT_MIDDLE, true, "ThreadPoo…ecutor-0_3");
    check_fit("abcdef", 0, GS_CUT_END, true, "abcdef");
    check_fit("\u65e5\u672c\u8a9e", 4, GS_CUT_END, true, "\u65e5…");
    check_fit("\u65e5\u672c\u8a9e", 4, GS_CUT_START, true, "…\u8a9e");
    check_fit("ab\033", 4, GS_CUT_END, true, "ab…"); /* an escape is cut as a whole */
}

UNIT_TEST(lines_are_cut_and_painted)
{
    struct gs_console console = {.out = golden_open(), .utf8 = true, .depth = GS_COLORS_8};
    struct gs_text text;
    gs_text_init(&text, true);
    gs_text_style(&text, GS_STYLE_WAITS);
    gs_text_put(&text, "● %d", 42);
    gs_text_style(&text, GS_STYLE_PLAIN);
    gs_text_pad(&text, 6);
    gs_text_add(&text, "\u65e5\u672c");
    assert_int_equal(text.columns, 10);
    gs_text_cut(&text, 9);
    assert_int_equal(text.columns, 8);
    gs_text_write(&text, &console);
    assert_int_equal(text.len, 0);
    console.depth = GS_COLORS_NONE;
    gs_text_style(&text, GS_STYLE_HOLDS);
    gs_text_put(&text, "plain");
    gs_text_write(&text, &console);
    gs_text_fini(&text);
    char *written = golden_text(console.out);
    assert_string_equal(written, "\033[31m● 42\033[0m  \u65e5\nplain\n");
    free(written);
}
