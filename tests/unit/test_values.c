/* Reprs of values of every version's shape, and that none of them can be too long, too deep or too much work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/values_type.h"
#include "support/mem_fake.h"
#include "support/objects_fake.h"
#include "support/unit.h"

static bool is_two(const struct objects *o)
{
    return o->layout.str_length == GS_ABSENT;
}

static void assert_repr(struct objects *o, gs_addr object, const char *expected)
{
    char text[GS_REPR_MAX];
    gs_value_repr(&o->layout, o->mem, object, false, text);
    assert_string_equal(text, expected);
}

static gs_addr make_float(struct objects *o, double value)
{
    gs_addr object = objects_new(o, objects_type(o, "float"), 8);
    memcpy(mem_fake_at(o->mem, object + (gs_addr)o->layout.float_value, 8), &value, 8);
    return object;
}

static gs_addr make_bool(struct objects *o, bool value)
{
    gs_addr object = objects_int(o, value);
    objects_put64(o, object + (gs_addr)o->layout.ob_type, objects_type(o, "bool"));
    return object;
}

/* 2 ** 539 */
#define POWER_539                                                                                                      \
    "179956551781727855312421540307439274354787884732076665324030"                                                     \
    "222904473503226859514812761627444155634285996836425340835804"                                                     \
    "9283306422197719875603406072346065542053888"

static void check_integers(struct objects *o)
{
    static const uint32_t full[] = {0x3fffffff, 0x3fffffff, 0xf}, above[] = {0, 0, 0x10}, huge[] = {0, 0, 0, 1};
    static const uint32_t damaged[] = {0x7fffffff};
    assert_repr(o, objects_int(o, 0), "0");
    assert_repr(o, objects_int(o, 1), "1");
    assert_repr(o, objects_int(o, -1), "-1");
    assert_repr(o, objects_int(o, 1073741824), "1073741824");
    assert_repr(o, objects_int(o, INT64_MIN), "-9223372036854775808");
    assert_repr(o, make_bool(o, true), "True");
    assert_repr(o, make_bool(o, false), "False");
    assert_repr(o, objects_long(o, false, full, 3), is_two(o) ? "18446744073709551615L" : "18446744073709551615");
    assert_repr(o, objects_long(o, true, full, 3), is_two(o) ? "-18446744073709551615L" : "-18446744073709551615");
    assert_repr(o, objects_long(o, false, above, 3), is_two(o) ? "18446744073709551616L" : "18446744073709551616");
    assert_repr(o, objects_long(o, true, huge, 4),
                is_two(o) ? "-1237940039285380274899124224L" : "-1237940039285380274899124224");
    uint32_t most[19] = {0};
    most[17] = 1u << 29;
    assert_repr(o, objects_long(o, false, most, 18), is_two(o) ? POWER_539 "L" : POWER_539);
    most[18] = 1;
    assert_repr(o, objects_long(o, false, most, 19), "<int of 541 bits>");
    assert_repr(o, objects_long(o, false, damaged, 1), "<unreadable>");
    gs_addr vast = objects_long(o, false, huge, 4);
    objects_put64(o, vast + (gs_addr)(o->layout.long_tag != GS_ABSENT ? o->layout.long_tag : o->layout.ob_size),
                  INT64_MAX);
    assert_repr(o, vast, "<unreadable>");
}

static void check_floats(struct objects *o)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.0, "0.0"},
                 {-0.0, "-0.0"},
                 {0.1, "0.1"},
                 {100, "100.0"},
                 {-1234.5678, "-1234.5678"},
                 {0.30000000000000004, "0.30000000000000004"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.0001, "0.0001"},
                 {0.00001, "1e-05"},
                 {2.5e-7, "2.5e-07"},
                 {1e15, "1000000000000000.0"},
                 {1e16, "1e+16"},
                 {123456789012345678.0, "1.2345678901234568e+17"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_repr(o, make_float(o, cases[i].value), cases[i].text);
    assert_repr(o, make_float(o, strtod("inf", NULL)), "inf");
    assert_repr(o, make_float(o, -strtod("inf", NULL)), "-inf");
    assert_repr(o, make_float(o, strtod("nan", NULL)), "nan");
}

static void check_strings(struct objects *o)
{
    char text[260], expected[260];
    assert_repr(o, objects_str(o, ""), "''");
    assert_repr(o, objects_str(o, "it's"), "\"it's\"");
    assert_repr(o, objects_str(o, "'\""), "'\\'\"'");
    assert_repr(o, objects_str(o, "a\\b\n\t\r\x1b[31m\x7f"), "'a\\\\b\\n\\t\\r\\x1b[31m\\x7f'");
    memset(text, 'x', 250);
    text[250] = '\0';
    snprintf(expected, sizeof expected, "'%.200s'...", text);
    assert_repr(o, objects_str(o, text), expected);
    memset(text, '\x01', 250); /* four characters each: the repr is full before the limit of the string */
    char repr[GS_REPR_MAX];
    gs_value_repr(&o->layout, o->mem, objects_str(o, text), false, repr);
    assert_int_equal(strlen(repr), 1 + 62 * 4 + 3);
    assert_string_equal(repr + strlen(repr) - 7, "\\x01...");
    const char *prefix = is_two(o) ? "" : "b";
    snprintf(expected, sizeof expected, "%s'a\\x00\\xff\\'\"'", prefix);
    assert_repr(o, objects_bytes(o, "a\0\xff'\"", 5), expected);
}

/* What would not show, or change what stands beside it. */
static void check_unicode(struct objects *o)
{
    static const uint32_t points[] = {0xe9, 0x202e, 0xd800, 0x2028, 0x4e2d};
    static const uint32_t astral[] = {0x1f40d, 0xe0001, 0x85}, latin[] = {0xe9, 0x85, 0xad};
    assert_repr(o, objects_wide(o, 2, points, 5), "'\xc3\xa9\\u202e\\ud800\\u2028\xe4\xb8\xad'");
    assert_repr(o, objects_wide(o, 4, astral, 3), "'\xf0\x9f\x90\x8d\\U000e0001\\x85'");
    assert_repr(o, objects_wide(o, 1, latin, 3), "'\xc3\xa9\\x85\\xad'");
}

static void check_sequences(struct objects *o)
{
    gs_addr one = objects_int(o, 1), items[9];
    for (size_t i = 0; i < 9; i++)
        items[i] = objects_int(o, (int64_t)i);
    assert_repr(o, objects_tuple(o, NULL, 0), "()");
    assert_repr(o, objects_tuple(o, &one, 1), "(1,)");
    assert_repr(o, objects_tuple(o, items, 5), "(0, 1, 2, 3, 4)");
    assert_repr(o, objects_tuple(o, items, 6), "(0, 1, 2, 3, 4, ...)");
    assert_repr(o, objects_list(o, items, 0), "[]");
    assert_repr(o, objects_list(o, items, 9), "[0, 1, 2, 3, 4, ...]");
    gs_addr deep = one;
    for (int i = 0; i < 5; i++)
        deep = objects_list(o, &deep, 1);
    assert_repr(o, deep, "[[[[...]]]]");
    gs_addr self = objects_list(o, items, 2), array;
    assert_int_equal(gs_mem_read_addr(o->mem, self + (gs_addr)o->layout.list_items, &array), GS_OK);
    objects_put64(o, array, self);
    assert_repr(o, self, "[[...], 1]");
    objects_put64(o, array, 0);
    assert_repr(o, self, "[<unreadable>, 1]");
    objects_put64(o, self + (gs_addr)o->layout.ob_size, UINT64_MAX);
    assert_repr(o, self, "[<unreadable>]");
}

static void check_dicts(struct objects *o)
{
    gs_addr pairs[14];
    for (size_t i = 0; i < 14; i++)
        pairs[i] = i % 2 ? objects_int(o, (int64_t)i) : objects_str(o, "k");
    assert_repr(o, objects_dict(o, pairs, 0), "{}");
    assert_repr(o, objects_dict(o, pairs, 1), "{'k': 1}");
    assert_repr(o, objects_dict(o, pairs, 7), "{'k': 1, 'k': 3, 'k': 5, 'k': 7, 'k': 9, ...}");
    gs_addr dict = objects_dict(o, pairs, 2);
    pairs[1] = dict;
    gs_addr outer = objects_dict(o, pairs, 1);
    assert_repr(o, outer, "{'k': {'k': 1, 'k': 3}}");
    objects_put64(o, dict + (gs_addr)(is_two(o) ? o->layout.dict_table : o->layout.dict_keys), 8);
    assert_repr(o, dict, is_two(o) ? "{}" : "{<unreadable>}");
}

static void check_secrets(struct objects *o)
{
    char text[GS_REPR_MAX];
    const gs_addr password = objects_str(o, "db_password"), value = objects_str(o, "hunter2"), four = objects_int(o, 4);
    const gs_addr cookie = objects_bytes(o, "Cookie", 6), pair[] = {cookie, value, four};
    const char *b = is_two(o) ? "" : "b";
    char expected[100];
    gs_addr dict = objects_dict(o, (gs_addr[]){password, value, four, value, objects_str(o, "author"), four}, 3);
    assert_repr(o, dict, "{'db_password': <hidden>, 4: 'hunter2', 'author': 4}");
    assert_repr(o, objects_dict(o, (gs_addr[]){four, dict}, 1),
                "{4: {'db_password': <hidden>, 4: 'hunter2', 'author': 4}}");
    gs_value_repr(&o->layout, o->mem, dict, true, text);
    assert_string_equal(text, "{'db_password': 'hunter2', 4: 'hunter2', 'author': 4}");
    /* A header: two items, of which the first is the name. */
    snprintf(expected, sizeof expected, "[(%s'Cookie', <hidden>)]", b);
    assert_repr(o, objects_list(o, (gs_addr[]){objects_tuple(o, pair, 2)}, 1), expected);
    snprintf(expected, sizeof expected, "[%s'Cookie', <hidden>]", b);
    assert_repr(o, objects_list(o, pair, 2), expected);
    snprintf(expected, sizeof expected, "(%s'Cookie', 'hunter2', 4)", b);
    assert_repr(o, objects_tuple(o, pair, 3), expected);
    assert_repr(o, objects_tuple(o, (gs_addr[]){value, value}, 2), "('hunter2', 'hunter2')");
}

static void check_sets(struct objects *o)
{
    gs_addr set = objects_new(o, objects_type(o, "set"), 64), table = objects_alloc(o, 8 * 16);
    size_t key = is_two(o) ? 8 : 0, hash = 8 - key;
    assert_repr(o, set, "set()");
    objects_put64(o, set + (gs_addr)o->layout.set_table, table);
    objects_put64(o, set + (gs_addr)o->layout.set_mask, 7);
    objects_put64(o, set + (gs_addr)o->layout.set_used, 2);
    objects_put64(o, table + 16 + key, objects_str(o, "<dummy key>"));
    objects_put64(o, table + 16 + hash, is_two(o) ? 5 : UINT64_MAX);
    objects_put64(o, table + 32 + key, objects_int(o, 3));
    objects_put64(o, table + 112 + key, objects_int(o, 4));
    assert_repr(o, set, "{3, 4}");
    objects_put64(o, set + (gs_addr)o->layout.ob_type, objects_type(o, "frozenset"));
    assert_repr(o, set, "frozenset({3, 4})");
    objects_put64(o, set + (gs_addr)o->layout.set_mask, 6);
    assert_repr(o, set, "<unreadable>");
}

static void check_others(struct objects *o)
{
    char expected[100];
    assert_repr(o, objects_new(o, objects_type(o, "NoneType"), 0), "None");
    gs_addr object = objects_new(o, objects_class(o, "app.models.User\x1b\n", GS_TYPE_HEAP), 0);
    snprintf(expected, sizeof expected, "<User\\x1b\\n object at 0x%llx>", (unsigned long long)object);
    assert_repr(o, object, expected);
    /* A class of the program's own that only has the name of a builtin one. */
    object = objects_new(o, objects_class(o, "float", GS_TYPE_HEAP), 0);
    snprintf(expected, sizeof expected, "<float object at 0x%llx>", (unsigned long long)object);
    assert_repr(o, object, expected);
    gs_addr class = objects_class(o, "pkg.Thing", GS_TYPE_HEAP);
    objects_put64(o, class + (gs_addr)o->layout.ob_type, objects_type(o, "type"));
    assert_repr(o, class, "<class 'Thing'>");
    const gs_addr pairs[] = {objects_str(o, "__name__"), objects_str(o, "os.path")};
    gs_addr module = objects_new(o, objects_type(o, "module"), 64);
    assert_repr(o, module, "<module>");
    objects_put64(o, module + (gs_addr)o->layout.mod_dict, objects_dict(o, pairs, 1));
    assert_repr(o, module, "<module 'os.path'>");
    assert_repr(o, 0, "<unreadable>");
    assert_repr(o, 0x1000, "<unreadable>");
    assert_repr(o, UINT64_MAX - 3, "<unreadable>");
}

/* Lists of lists: the work ends after a number of reads, the text at its size. */
static void check_bounds(struct objects *o)
{
    gs_addr items[5], leaf = objects_str(o, "");
    char text[GS_REPR_MAX];
    for (int depth = 0; depth < 3; depth++) {
        for (size_t i = 0; i < 5; i++)
            items[i] = leaf;
        leaf = objects_dict(o, (gs_addr[]){leaf, leaf, items[1], leaf, items[2], leaf}, 3);
    }
    gs_value_repr(&o->layout, o->mem, leaf, false, text);
    assert_true(strlen(text) < GS_REPR_MAX);
    assert_non_null(strstr(text, "..."));
}

UNIT_TEST(test_all_versions)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct objects o;
        objects_init(&o, objects_versions[i]);
        check_integers(&o);
        check_floats(&o);
        check_strings(&o);
        if (!is_two(&o))
            check_unicode(&o);
        check_sequences(&o);
        check_dicts(&o);
        check_secrets(&o);
        check_sets(&o);
        check_others(&o);
        check_bounds(&o);
        objects_fini(&o);
    }
}

/* Objects of noise: something is printed, whatever it is, and it is short text without control characters. */
UNIT_TEST(test_noise)
{
    srand(7);
    for (size_t i = 0; i < objects_version_count; i++) {
        struct objects o;
        objects_init(&o, objects_versions[i]);
        uint8_t *bytes = mem_fake_at(o.mem, OBJECTS_ARENA, OBJECTS_ARENA_BYTES);
        for (size_t k = 0; k < OBJECTS_ARENA_BYTES / 8; k++) {
            /* Half of the words point into the noise. */
            uint64_t word = (uint64_t)rand() % (OBJECTS_ARENA_BYTES / 8) * 8;
            word = rand() % 2 ? OBJECTS_ARENA + word : (uint64_t)rand() << (rand() % 33);
            memcpy(bytes + 8 * k, &word, sizeof word);
        }
        for (int k = 0; k < 2000; k++) {
            char text[GS_REPR_MAX];
            gs_value_repr(&o.layout, o.mem, OBJECTS_ARENA + (gs_addr)(rand() % OBJECTS_ARENA_BYTES), false, text);
            assert_in_range(strlen(text), 1, GS_REPR_MAX - 1);
            for (const char *p = text; *p; p++)
                assert_true((uint8_t)*p >= 0x20 && *p != 0x7f);
        }
        objects_fini(&o);
    }
}
