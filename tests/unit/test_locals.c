/* The variables of frames of every version's shape: arguments, cells before and after they were made, unbound ones. */
#include <stdlib.h>
#include <string.h>

#include "support/objects_fake.h"
#include "support/unit.h"

static const uint8_t line_bytes[] = {0x80, 0x00};

/* def f(a, b): x = 3, with y shared with an inner function, z from an outer one, u not bound, e an empty cell. */
static const struct objects_code template = {.name = "f",
                                             .file = "f.py",
                                             .first_line = 1,
                                             .args = 2,
                                             .locals = {"a", "b", "x", "u"},
                                             .cells = {"y", "e"},
                                             .frees = {"z"},
                                             .lines = line_bytes,
                                             .line_bytes = sizeof line_bytes,
                                             .code_bytes = 8};

static const struct gs_wish wish = {.locals = true}, everything = {.locals = true, .secrets = true};

struct world {
    struct objects o;
    struct gs_python python;
    struct gs_codes *codes;
    const struct gs_code *code;
    gs_addr frame;
};

static bool is_object(const struct world *w)
{
    return w->o.layout.if_localsplus == GS_ABSENT;
}

static void put_slot(struct world *w, size_t slot, uint64_t value)
{
    int32_t head = is_object(w) ? w->o.layout.fo_localsplus : w->o.layout.if_localsplus;
    objects_put64(&w->o, w->frame + (gs_addr)head + 8 * slot, value);
}

static gs_addr cell(struct world *w, gs_addr value)
{
    gs_addr object = objects_new(&w->o, objects_type(&w->o, "cell"), 16);
    objects_put64(&w->o, object + (gs_addr)w->o.layout.cell_ref, value);
    return object;
}

static void open_world(struct world *w, uint32_t version, const struct objects_code *made)
{
    enum gs_status why;
    memset(w, 0, sizeof *w);
    objects_init(&w->o, version);
    w->python = (struct gs_python){.mem = w->o.mem, .layout = w->o.layout};
    w->codes = gs_codes_new(&w->python);
    w->code = gs_codes_get(w->codes, objects_code(&w->o, made), &why);
    assert_non_null(w->code);
    w->frame = objects_alloc(&w->o, 1024);
    /* The code of a frame is a tagged reference where those exist. */
    gs_addr tag = w->o.layout.ref_tag_mask ? 1 : 0;
    objects_put64(&w->o, w->frame + (gs_addr)(is_object(w) ? w->o.layout.fo_code : w->o.layout.if_code),
                  w->code->addr | tag);
    put_slot(w, 0, objects_int(&w->o, 10) | tag);
    put_slot(w, 1, objects_str(&w->o, "bee"));
    put_slot(w, 2, objects_int(&w->o, 3));
    put_slot(w, 3, tag); /* NULL */
    put_slot(w, 4, cell(w, objects_int(&w->o, 5)));
    put_slot(w, 5, cell(w, 0));
    put_slot(w, 6, cell(w, objects_str(&w->o, "free")));
}

static void close_world(struct world *w)
{
    gs_codes_free(w->codes);
    objects_fini(&w->o);
}

/* "*a=10 b='x' ": arguments are marked. */
static void assert_locals(struct world *w, const char *expected)
{
    struct gs_local *locals;
    size_t count;
    char text[1000] = "";
    assert_int_equal(gs_locals_read(&w->python, w->o.mem, w->frame, w->code, &wish, &locals, &count), GS_OK);
    for (size_t i = 0; i < count; i++) {
        strcat(text, locals[i].argument ? "*" : "");
        strcat(text, locals[i].name);
        strcat(text, "=");
        strcat(text, locals[i].value);
        strcat(text, " ");
    }
    gs_locals_free(locals, count);
    assert_string_equal(text, expected);
}

static enum gs_status status_of(struct world *w)
{
    struct gs_local *locals;
    size_t count;
    enum gs_status status = gs_locals_read(&w->python, w->o.mem, w->frame, w->code, &wish, &locals, &count);
    if (status) {
        assert_null(locals);
        assert_int_equal(count, 0);
    }
    gs_locals_free(locals, count);
    return status;
}

UNIT_TEST(test_all_versions)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        open_world(&w, objects_versions[i], &template);
        assert_locals(&w, "*a=10 *b='bee' x=3 y=5 z='free' ");
        /* At the beginning of a function the value is not in its cell yet. */
        put_slot(&w, 4, objects_int(&w.o, 6));
        assert_locals(&w, "*a=10 *b='bee' x=3 y=6 z='free' ");
        put_slot(&w, 2, 0x1000);
        assert_locals(&w, "*a=10 *b='bee' x=<unreadable> y=6 z='free' ");
        close_world(&w);
    }
}

UNIT_TEST(test_secrets)
{
    struct objects_code made = template;
    made.locals[0] = "author";
    made.locals[1] = "apiKey";
    made.frees[0] = "_token";
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        struct gs_local *locals;
        size_t count;
        open_world(&w, objects_versions[i], &made);
        assert_locals(&w, "*author=10 *apiKey=<hidden> x=3 y=5 _token=<hidden> ");
        assert_int_equal(gs_locals_read(&w.python, w.o.mem, w.frame, w.code, &everything, &locals, &count), GS_OK);
        assert_int_equal(count, 5);
        assert_string_equal(locals[1].value, "'bee'");
        assert_string_equal(locals[4].value, "'free'");
        gs_locals_free(locals, count);
        close_world(&w);
    }
}

/* Up to 3.10 an argument that is shared has a slot and a cell: the cell has its value, it is shown once. */
UNIT_TEST(test_shared_argument)
{
    struct objects_code made = template;
    made.cells[0] = "a";
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        open_world(&w, objects_versions[i], &made);
        if (is_object(&w)) {
            /* Names are interned: both tuples hold the same object. */
            gs_addr names[2];
            const int32_t fields[] = {w.o.layout.co_varnames, w.o.layout.co_cellvars};
            for (size_t k = 0; k < 2; k++)
                assert_int_equal(gs_mem_read_addr(w.o.mem, w.code->addr + (gs_addr)fields[k], &names[k]), GS_OK);
            gs_addr name;
            assert_int_equal(gs_mem_read_addr(w.o.mem, names[0] + (gs_addr)w.o.layout.tuple_items, &name), GS_OK);
            objects_put64(&w.o, names[1] + (gs_addr)w.o.layout.tuple_items, name);
            assert_locals(&w, "*a=5 *b='bee' x=3 z='free' ");
            put_slot(&w, 0, 0);
            assert_locals(&w, "*a=5 *b='bee' x=3 z='free' ");
        }
        close_world(&w);
    }
}

/* Tagged references: an integer of the interpreter's own is never followed. */
UNIT_TEST(test_tags)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        open_world(&w, objects_versions[i], &template);
        if (w.o.layout.ref_tag_mask) {
            put_slot(&w, 2, 7 << 2 | 3);
            put_slot(&w, 1, objects_str(&w.o, "invalid") | 2);
            assert_locals(&w, "*a=10 y=5 z='free' ");
        }
        close_world(&w);
    }
}

UNIT_TEST(test_damage)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        open_world(&w, objects_versions[i], &template);
        int32_t code_at = is_object(&w) ? w.o.layout.fo_code : w.o.layout.if_code;
        objects_put64(&w.o, w.frame + (gs_addr)code_at, w.code->addr + 64);
        assert_int_equal(status_of(&w), GS_LOST);
        gs_addr frame = w.frame;
        w.frame = OBJECTS_ARENA + OBJECTS_ARENA_BYTES - 40;
        assert_int_equal(status_of(&w), GS_UNREADABLE);
        w.frame = frame;
        objects_put64(&w.o, w.frame + (gs_addr)code_at, w.code->addr);
        assert_int_equal(status_of(&w), GS_OK);
        int32_t names_at = is_object(&w) ? w.o.layout.co_varnames : w.o.layout.co_localsplusnames;
        gs_addr names;
        assert_int_equal(gs_mem_read_addr(w.o.mem, w.code->addr + (gs_addr)names_at, &names), GS_OK);
        objects_put64(&w.o, names + (gs_addr)w.o.layout.ob_size, UINT64_MAX);
        assert_int_not_equal(status_of(&w), GS_FAILED);
        objects_put64(&w.o, w.code->addr + (gs_addr)names_at, w.code->addr);
        assert_int_equal(status_of(&w), GS_LOST);
        close_world(&w);
    }
}

/* The value behind `path`, or NULL. */
static char *value_at(struct world *w, const char *path, bool secrets)
{
    struct gs_wish by_path = {.secrets = secrets, .bytes = 256, .paths = &path, .path_count = 1};
    struct gs_local *locals;
    size_t count;
    assert_int_equal(gs_locals_read(&w->python, w->o.mem, w->frame, w->code, &by_path, &locals, &count), GS_OK);
    assert_true(count <= 1);
    char *value = count ? strdup(locals[0].value) : NULL;
    assert_true(count == 0 || strcmp(locals[0].name, path) == 0);
    gs_locals_free(locals, count);
    return value;
}

static void assert_at(struct world *w, const char *path, const char *expected)
{
    char *value = value_at(w, path, false);
    if (expected) {
        assert_non_null(value);
        assert_string_equal(value, expected);
    } else {
        assert_null(value);
    }
    free(value);
}

UNIT_TEST(values_by_path)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        open_world(&w, objects_versions[i], &template);
        struct objects *o = &w.o;
        gs_addr items[] = {objects_int(o, 1), objects_str(o, "two")};
        gs_addr list = objects_list(o, items, 2);
        gs_addr pairs[] = {
            objects_str(o, "PATH_INFO"), objects_str(o, "/order/7"), objects_str(o, "list"),   list, objects_int(o, -7),
            objects_int(o, 70),          objects_str(o, "password"), objects_str(o, "hunter2")};
        put_slot(&w, 2, objects_dict(o, pairs, 4));
        assert_at(&w, "x['PATH_INFO']", "'/order/7'");
        assert_at(&w, "x[\"list\"][1]", "'two'");
        assert_at(&w, "x['list'][-2]", "1");
        assert_at(&w, "x['list'][2]", NULL);
        assert_at(&w, "x['list'][-3]", NULL);
        assert_at(&w, "x[-7]", "70");
        assert_at(&w, "x[7]", NULL);
        assert_at(&w, "x['none']", NULL);
        assert_at(&w, "x.none", NULL);
        assert_at(&w, "nobody['a']", NULL);
        assert_at(&w, "z", "'free'");
        assert_at(&w, "x['password']", "<hidden>");
        char *secret = value_at(&w, "x['password']", true);
        assert_string_equal(secret, "'hunter2'");
        free(secret);
        close_world(&w);
    }
}

UNIT_TEST(paths_are_checked)
{
    static const char *const right[] = {"a", "a.b", "_a1['x y'].b[0][-1]", "a[\"'\"]"};
    static const char *const wrong[] = {"",   ".a",  "a.",     "a[",   "a[]",   "a['x", "a['x'", "a[x]", "a b",
                                        "1a", "a[1", "a[--1]", "a..b", "a['']", "a()",  "a[1]x", "a[-]", "a['x]"};
    char longest[200] = "a";
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        assert_true(gs_path_check(right[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(gs_path_check(wrong[i]));
    for (int i = 0; i < 16; i++)
        strcat(longest, ".b");
    assert_false(gs_path_check(longest)); /* 17 steps */
    longest[strlen(longest) - 2] = '\0';
    assert_true(gs_path_check(longest));
    memset(longest, 'a', 150);
    assert_false(gs_path_check(longest));
}

/* All of a value, up to as many bytes as are asked for; and what is cyclic ends. */
UNIT_TEST(values_are_whole)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        char text[301] = "";
        struct gs_wish whole = {.locals = true, .bytes = 1000};
        struct gs_local *locals;
        size_t count;
        open_world(&w, objects_versions[i], &template);
        gs_addr items[100];
        for (int k = 0; k < 99; k++)
            items[k] = objects_int(&w.o, k);
        items[99] = 0;
        gs_addr list = objects_list(&w.o, items, 100), at;
        assert_int_equal(gs_mem_read_addr(w.o.mem, list + (gs_addr)w.o.layout.list_items, &at), GS_OK);
        objects_put64(&w.o, at + 99 * sizeof at, list);
        memset(text, 'x', 300);
        put_slot(&w, 1, objects_str(&w.o, text));
        put_slot(&w, 2, list);
        assert_int_equal(gs_locals_read(&w.python, w.o.mem, w.frame, w.code, &whole, &locals, &count), GS_OK);
        assert_int_equal(strlen(locals[1].value), 302);
        assert_non_null(strstr(locals[2].value, ", 97, 98, [...]]"));
        gs_locals_free(locals, count);
        whole.bytes = 64;
        assert_int_equal(gs_locals_read(&w.python, w.o.mem, w.frame, w.code, &whole, &locals, &count), GS_OK);
        assert_true(strlen(locals[1].value) < 64 && strlen(locals[2].value) < 64);
        assert_non_null(strstr(locals[1].value, "xxx..."));
        gs_locals_free(locals, count);
        close_world(&w);
    }
}
