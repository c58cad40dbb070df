/* Line tables of all four generations, whole, cut short, and senseless. */
#include <stdlib.h>
#include <string.h>

#include "python/code_read.h"
#include "support/unit.h"

struct expected {
    int instr, line;
};

static int line_of(int table_kind, int first_line, const uint8_t *table, size_t len, int instr)
{
    struct gs_layout layout = {.line_table = table_kind};
    struct gs_code code = {.first_line = first_line, .lines = (uint8_t *)(uintptr_t)table, .line_bytes = (uint32_t)len};
    return gs_code_line(&layout, &code, instr);
}

static void check(int table_kind, int first_line, const uint8_t *table, size_t len, const struct expected *expected,
                  size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(line_of(table_kind, first_line, table, len, expected[i].instr), expected[i].line);
}

#define CHECK(kind, first, table, expected)                                                                            \
    check(kind, first, table, sizeof(table), expected, sizeof(expected) / sizeof((expected)[0]))

/* def f(a,\n b):\n return g(\n a,\n b) as each version compiles it. */
UNIT_TEST(test_unsigned_lnotab)
{
    static const uint8_t table[] = {0, 2, 3, 1, 3, 1};
    static const struct expected expected[] = {{-1, 1}, {0, 3}, {2, 3}, {3, 4}, {5, 4}, {6, 5}, {9, 5}, {1000, 5}};
    CHECK(GS_LINES_LNOTAB_U8, 1, table, expected);
    /* 255 lines and more: an unsigned step each. */
    static const uint8_t far[] = {6, 255, 0, 45};
    static const struct expected far_expected[] = {{5, 10}, {6, 310}};
    CHECK(GS_LINES_LNOTAB_U8, 10, far, far_expected);
}

UNIT_TEST(test_signed_lnotab)
{
    static const uint8_t table[] = {0, 2, 2, 1, 2, 1, 2, 0xfe};
    static const struct expected expected[] = {{-1, 1}, {0, 3}, {1, 3}, {2, 4}, {4, 5}, {6, 3}, {99, 3}};
    CHECK(GS_LINES_LNOTAB_I8, 1, table, expected);
    /* 300 bytes, then 200 lines further. */
    static const uint8_t far[] = {255, 0, 45, 127, 0, 73};
    static const struct expected far_expected[] = {{0, 7}, {299, 7}, {300, 207}};
    CHECK(GS_LINES_LNOTAB_I8, 7, far, far_expected);
}

UNIT_TEST(test_pep626)
{
    static const uint8_t table[] = {2, 2, 2, 1, 2, 1, 4, 0xfe};
    static const struct expected expected[] = {{-1, 1}, {0, 3}, {2, 4}, {4, 5}, {6, 3}, {9, 3}, {10, 0}};
    CHECK(GS_LINES_PEP626, 1, table, expected);
    /* A beginning without line belongs to the definition; later there is none; empty ranges only count lines. */
    static const uint8_t none[] = {2, 0x80, 0, 100, 2, 27, 2, 0x80, 2, 1};
    static const struct expected none_expected[] = {{0, 5}, {2, 132}, {4, 0}, {6, 133}};
    CHECK(GS_LINES_PEP626, 5, none, none_expected);
}

UNIT_TEST(test_pep657)
{
    static const uint8_t table[] = {0x80, 0x00, 0xdc, 0x0b, 0x14, 0x90, 0x51, 0x8b, 0x3c,
                                    0x98, 0x21, 0xd1, 0x0b, 0x1b, 0xd0, 0x04, 0x1b};
    static const struct expected expected[] = {{-2, 9},  {-1, 9},  {0, 9},   {2, 10},
                                               {12, 10}, {20, 10}, {29, 10}, {30, 0}};
    CHECK(GS_LINES_PEP657, 9, table, expected);
    /* Long form, back by two lines, then no columns and far ahead, then none. */
    static const uint8_t forms[] = {0xf9, 0xf1, 0x05, 0x02, 0x0c, 0x0b, 0xe8, 0x50, 0x06, 0xf8, 0xd8, 0x01, 0x02};
    static const struct expected forms_expected[] = {{0, 5}, {2, 5}, {4, 3}, {6, 3}, {8, 3 + 200}, {10, 0}, {12, 204}};
    CHECK(GS_LINES_PEP657, 5, forms, forms_expected);
}

/* A table that ends anywhere, or is noise, gives some line and no harm. */
UNIT_TEST(test_damaged)
{
    uint8_t noise[64];
    srand(1);
    for (int round = 0; round < 2000; round++) {
        size_t len = (size_t)(rand() % (int)sizeof noise);
        uint8_t *table = malloc(len + 1); /* of just that size, for the sanitizer to see */
        assert_non_null(table);
        for (size_t i = 0; i < len; i++)
            table[i] = (uint8_t)rand();
        for (int kind = GS_LINES_LNOTAB_U8; kind <= GS_LINES_PEP657; kind++)
            assert_true(line_of(kind, 3, table, len, rand() % 300) >= 0);
        free(table);
    }
    static const uint8_t unfinished[] = {0xe8, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f};
    assert_int_equal(line_of(GS_LINES_PEP657, 3, unfinished, sizeof unfinished, 0), 0);
    assert_int_equal(line_of(GS_LINES_PEP626, 3, unfinished, 0, 0), 0);
    assert_int_equal(line_of(GS_LINES_LNOTAB_I8, 3, unfinished, 0, 0), 3);
    assert_int_equal(line_of(GS_LINES_LNOTAB_I8, -7, unfinished, 0, -1), 0);
    assert_int_equal(line_of(GS_LINES_LNOTAB_I8, 3, NULL, 0, 0), 0); /* could not be read */
}

/* With marks and without them the same line stands at every instruction, whatever the table is like. */
UNIT_TEST(test_long_tables)
{
    enum { BYTES = 6 * GS_LINE_MARK_BYTES + 100 };
    static const uint8_t kinds_of_bytes[] = {0xff, 0x8f, 0x7f, 0x07};
    srand(2);
    for (int kind = GS_LINES_LNOTAB_U8; kind <= GS_LINES_PEP657; kind++) {
        for (size_t k = 0; k < sizeof kinds_of_bytes; k++) {
            struct gs_layout layout = {.line_table = kind};
            struct gs_code code = {.first_line = 1000000, .line_bytes = BYTES, .lines = malloc(BYTES)};
            assert_non_null(code.lines);
            for (size_t i = 0; i < BYTES; i++)
                code.lines[i] = (uint8_t)rand() & kinds_of_bytes[k];
            /* Columns, and no entry among them. */
            memset(code.lines + BYTES / 2, 0, 2 * GS_LINE_MARK_BYTES);
            gs_code_mark_lines(&layout, &code);
            assert_true(code.mark_count <= BYTES / GS_LINE_MARK_BYTES);
            for (int instr = 0; instr < 4000000; instr += 1 + rand() % 20000)
                assert_int_equal(gs_code_line(&layout, &code, instr),
                                 line_of(kind, code.first_line, code.lines, BYTES, instr));
            free(code.marks);
            free(code.lines);
        }
    }
    /* A short one has none. */
    uint8_t few[16] = {0};
    struct gs_code code = {.first_line = 1, .line_bytes = sizeof few, .lines = few};
    gs_code_mark_lines(&(struct gs_layout){.line_table = GS_LINES_PEP657}, &code);
    assert_null(code.marks);
    assert_int_equal(code.mark_count, 0);
}

UNIT_TEST(test_marks_are_used)
{
    struct gs_layout layout = {.line_table = GS_LINES_PEP626};
    struct gs_code code = {.first_line = 1, .line_bytes = 4 * GS_LINE_MARK_BYTES};
    code.lines = malloc(code.line_bytes);
    assert_non_null(code.lines);
    for (size_t i = 0; i < code.line_bytes; i += 2) {
        code.lines[i] = 2;
        code.lines[i + 1] = 1;
    }
    gs_code_mark_lines(&layout, &code);
    assert_int_equal(code.mark_count, 4);
    assert_int_equal(gs_code_line(&layout, &code, 5000), 1 + 5000 / 2 + 1);
    memset(code.lines, 0, GS_LINE_MARK_BYTES); /* before the mark: not looked at again */
    assert_int_equal(gs_code_line(&layout, &code, 5000), 1 + 5000 / 2 + 1);
    free(code.marks);
    free(code.lines);
}
