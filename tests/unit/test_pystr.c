/* Strings of every version's shape, as UTF-8. */
#include <string.h>

#include "support/mem_fake.h"
#include "support/objects_fake.h"
#include "support/unit.h"

static void assert_reads(struct objects *o, gs_addr object, const char *expected)
{
    char text[6000];
    assert_int_equal(gs_str_read(&o->layout, o->mem, object, text, sizeof text), GS_OK);
    assert_string_equal(text, expected);
}

static bool is_two(const struct objects *o)
{
    return o->layout.str_length == GS_ABSENT;
}

static void check_native(struct objects *o)
{
    char text[8], longest[5001];
    gs_addr hello = objects_str(o, "hello world");
    assert_reads(o, hello, "hello world");
    assert_reads(o, objects_str(o, ""), "");
    assert_int_equal(gs_str_read(&o->layout, o->mem, hello, text, sizeof text), GS_OK);
    assert_string_equal(text, "hello w");
    assert_int_equal(gs_str_read(&o->layout, o->mem, hello, text, 1), GS_OK);
    assert_string_equal(text, "");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_reads(o, objects_str(o, longest), longest);
}

/* A NUL does not hide what follows. */
static void check_nul(struct objects *o)
{
    gs_addr text = objects_str(o, "a-b");
    objects_put8(o, text + (gs_addr)(is_two(o) ? o->layout.bytes_data : o->layout.str_ascii_data) + 1, 0);
    assert_reads(o, text,
                 "a\xef\xbf\xbd"
                 "b");
}

/* What is no string, or one that cannot be true. */
static void check_refused(struct objects *o)
{
    char text[8] = "before";
    assert_int_equal(gs_str_read(&o->layout, o->mem, objects_int(o, 5), text, sizeof text), GS_LOST);
    assert_string_equal(text, "");
    assert_int_equal(gs_str_read(&o->layout, o->mem, 0, text, sizeof text), GS_UNREADABLE);
    assert_int_equal(gs_str_read(&o->layout, o->mem, 0x1234, text, sizeof text), GS_UNREADABLE);
    assert_int_equal(gs_str_read(&o->layout, o->mem, UINT64_MAX - 7, text, sizeof text), GS_UNREADABLE);
    gs_addr odd = objects_str(o, "odd");
    objects_put64(o, odd + (gs_addr)o->layout.ob_type, 0x1003);
    assert_int_equal(gs_str_read(&o->layout, o->mem, odd, text, sizeof text), GS_LOST);
    gs_addr vast = objects_str(o, "vast");
    objects_put64(o, vast + (gs_addr)(is_two(o) ? o->layout.ob_size : o->layout.str_length), UINT64_MAX);
    assert_int_equal(gs_str_read(&o->layout, o->mem, vast, text, sizeof text), GS_LOST);
    /* A great length is no harm: only what fits is read. */
    objects_put64(o, vast + (gs_addr)(is_two(o) ? o->layout.ob_size : o->layout.str_length), 1 << 30);
    assert_int_equal(gs_str_read(&o->layout, o->mem, vast, text, 5), GS_OK);
    assert_string_equal(text, "vast");
}

static void check_wide(struct objects *o)
{
    static const uint32_t latin[] = {'h', 0xe9, 0xff}, two[] = {0x20ac, 0xd800, 'x', 0xdc00, 0xd83d, 0xde00};
    static const uint32_t four[] = {0x1f40d, 0x110000, 'y', 0xffffffff, 0x10ffff};
    assert_reads(o, objects_wide(o, 1, latin, 3), "h\xc3\xa9\xc3\xbf");
    /* Surrogates never make a pair in 3.x: each is one character. */
    assert_reads(o, objects_wide(o, 2, two, 6), "\xe2\x82\xac\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    gs_addr snake = objects_wide(o, 4, four, 5);
    assert_reads(o, snake, "\xf0\x9f\x90\x8d\xef\xbf\xbdy\xef\xbf\xbd\xf4\x8f\xbf\xbf");
    for (size_t size = 5; size <= 7; size++) {
        char text[8];
        assert_int_equal(gs_str_read(&o->layout, o->mem, snake, text, size), GS_OK);
        assert_string_equal(text, "\xf0\x9f\x90\x8d"); /* the next character needs three bytes */
    }
    char none[4];
    assert_int_equal(gs_str_read(&o->layout, o->mem, snake, none, sizeof none), GS_OK);
    assert_string_equal(none, "");
}

/* The data of a legacy string, or of an instance of a subclass, lies elsewhere. */
static void check_elsewhere(struct objects *o)
{
    gs_addr object = objects_new(o, objects_type(o, "str"), 96), data = objects_alloc(o, 16);
    gs_addr state = object + (gs_addr)o->layout.str_state;
    char text[8];
    objects_put64(o, object + (gs_addr)o->layout.str_length, 3);
    objects_put64(o, object + (gs_addr)o->layout.str_legacy_data, data);
    objects_put64(o, data, UINT64_C(0x00e9006200e9));
    objects_put32(o, state, 2u << o->layout.str_kind_shift);
    assert_reads(o, object,
                 "\xc3\xa9"
                 "b\xc3\xa9");
    /* No data yet (kind 0), and an ASCII string that claims wide characters. */
    objects_put32(o, state, 0);
    assert_int_equal(gs_str_read(&o->layout, o->mem, object, text, sizeof text), GS_LOST);
    objects_put32(o, state, (2u | 8u | 16u) << o->layout.str_kind_shift);
    assert_int_equal(gs_str_read(&o->layout, o->mem, object, text, sizeof text), GS_LOST);
}

/* A string at the very end of what is mapped must not be read beyond it. */
static void check_last_bytes(struct objects *o)
{
    static const char text[] = "end";
    gs_addr made = objects_str(o, text),
            data_at = (gs_addr)(is_two(o) ? o->layout.bytes_data : o->layout.str_ascii_data);
    size_t len = data_at + sizeof text;
    gs_addr last = (OBJECTS_ARENA + OBJECTS_ARENA_BYTES - len) & ~(gs_addr)7;
    memcpy(mem_fake_at(o->mem, last, len), mem_fake_at(o->mem, made, len), len);
    assert_reads(o, last, text);
}

static void check_two(struct objects *o)
{
    static const uint8_t mixed[] = "ok \xc3\xa9 \xff\xc3 \xe2\x82 \xed\xa0\x80 \xf5 \xc0\xaf";
    assert_reads(o, objects_bytes(o, mixed, sizeof mixed - 1),
                 "ok \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd "
                 "\xef\xbf\xbd\xef\xbf\xbd");
    char text[5];
    gs_addr cut = objects_bytes(o, "ab\xe2\x82\xac", 5);
    assert_int_equal(gs_str_read(&o->layout, o->mem, cut, text, sizeof text), GS_OK);
    assert_string_equal(text, "ab");
    gs_addr object = objects_new(o, objects_type(o, "unicode"), 32), data = objects_alloc(o, 64);
    objects_put64(o, object + (gs_addr)o->layout.uni_length, 3);
    objects_put64(o, object + (gs_addr)o->layout.uni_str, data);
    objects_put32(o, data, 'a');
    objects_put32(o, data + 4, 0x1f40d);
    objects_put32(o, data + 8, 0xe9);
    assert_reads(o, object, "a\xf0\x9f\x90\x8d\xc3\xa9");
    /* A narrow build: the same characters as four units. */
    objects_put64(o, object + (gs_addr)o->layout.uni_length, 4);
    objects_put64(o, data, UINT64_C(0x00e9dc0dd83d0061));
    assert_reads(o, object, "a\xf0\x9f\x90\x8d\xc3\xa9");
}

UNIT_TEST(test_all_versions)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct objects o;
        objects_init(&o, objects_versions[i]);
        check_native(&o);
        check_nul(&o);
        check_refused(&o);
        check_last_bytes(&o);
        if (is_two(&o)) {
            check_two(&o);
        } else {
            check_wide(&o);
            check_elsewhere(&o);
        }
        objects_fini(&o);
    }
}
