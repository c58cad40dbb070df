/* Code objects of every version's shape: what is read of them, that changed ones are noticed, that junk is refused. */
#include <stdlib.h>
#include <string.h>

#include "support/mem_fake.h"
#include "support/mem_script.h"
#include "support/objects_fake.h"
#include "support/unit.h"

static const uint8_t line_bytes[] = {0x80, 0x00, 0xd8, 0x04, 0x05, 0x02};

static const struct objects_code template = {.name = "walk",
                                             .file = "/srv/app.py",
                                             .first_line = 41,
                                             .args = 2,
                                             .keyword_args = 1,
                                             .flags = 0x4 | 0x8 | 0x40,
                                             .stack = 7,
                                             .frame = 23,
                                             .locals = {"a", "b", "c"},
                                             .cells = {"d"},
                                             .frees = {"e"},
                                             .lines = line_bytes,
                                             .line_bytes = sizeof line_bytes,
                                             .code_bytes = 20};

struct world {
    struct objects o;
    struct gs_python python;
    struct gs_codes *codes;
};

static void open_world(struct world *w, uint32_t version)
{
    objects_init(&w->o, version);
    w->python = (struct gs_python){.mem = w->o.mem, .layout = w->o.layout};
    w->codes = gs_codes_new(&w->python);
    assert_non_null(w->codes);
}

static void close_world(struct world *w)
{
    gs_codes_free(w->codes);
    objects_fini(&w->o);
}

static const struct gs_code *get(struct world *w, gs_addr addr)
{
    enum gs_status why;
    const struct gs_code *code = gs_codes_get(w->codes, addr, &why);
    assert_int_equal(why, GS_OK);
    assert_non_null(code);
    return code;
}

static void assert_refused(struct world *w, gs_addr addr, enum gs_status expected)
{
    enum gs_status why;
    assert_null(gs_codes_get(w->codes, addr, &why));
    assert_int_equal(why, expected);
    assert_null(gs_codes_find(w->codes, addr));
}

static void check_reading(struct world *w)
{
    const struct gs_layout *layout = &w->o.layout;
    gs_addr addr = objects_code(&w->o, &template);
    assert_null(gs_codes_find(w->codes, addr));
    const struct gs_code *code = get(w, addr);
    assert_ptr_equal(gs_codes_find(w->codes, addr), code);
    assert_string_equal(code->function, "walk");
    assert_string_equal(code->file, "/srv/app.py");
    if (layout->co_qualname == GS_ABSENT)
        assert_null(code->qualname);
    else
        assert_string_equal(code->qualname, "Class.walk");
    assert_int_equal(code->first_line, 41);
    assert_int_equal(code->code_bytes, 20);
    assert_int_equal(code->locals_count, 5);
    /* 2.7 knows no keyword-only arguments. */
    assert_int_equal(code->arg_count, layout->co_kwonlyargcount == GS_ABSENT ? 4 : 5);
    assert_int_equal(code->line_bytes, sizeof line_bytes);
    assert_memory_equal(code->lines, line_bytes, sizeof line_bytes);
    assert_int_equal(code->head_offset, layout->co_code_adaptive == GS_ABSENT ? 0 : layout->co_code_adaptive);
    int words = layout->co_framesize != GS_ABSENT ? 23 : layout->co_code_adaptive != GS_ABSENT ? 5 + 7 + 9 : 0;
    assert_int_equal(code->frame_words, words);
    assert_int_not_equal(w->python.code_type, 0);
    /* Another function of the same file shares its name. */
    struct objects_code second = template;
    second.name = "run";
    const struct gs_code *other = get(w, objects_code(&w->o, &second));
    assert_string_equal(other->function, "run");
    assert_ptr_equal(other->file, code->file);
}

static void check_changes(struct world *w)
{
    const struct gs_layout *layout = &w->o.layout;
    enum { COUNT = 40 };
    gs_addr addrs[COUNT];
    assert_int_equal(gs_codes_check(w->codes), 0);
    for (int i = 0; i < COUNT; i++) {
        addrs[i] = objects_code(&w->o, &template);
        get(w, addrs[i]);
    }
    assert_int_equal(gs_codes_check(w->codes), 0);
    const int32_t fields[] = {layout->ob_type, layout->co_name, layout->co_filename, layout->co_linetable};
    for (size_t i = 0; i < 4; i++)
        objects_put64(&w->o, addrs[i * 3] + (gs_addr)fields[i], objects_str(&w->o, "new"));
    objects_put32(&w->o, addrs[20] + (gs_addr)layout->co_firstlineno, 42);
    assert_int_equal(gs_codes_check(w->codes), 5);
    assert_int_equal(gs_codes_check(w->codes), 0);
    for (int i = 0; i < COUNT; i++) {
        bool changed = i == 20 || (i % 3 == 0 && i < 12);
        const struct gs_code *code = gs_codes_find(w->codes, addrs[i]);
        assert_int_equal(code == NULL, changed);
    }
    /* The address is used by another function now. */
    assert_string_equal(get(w, addrs[3])->function, "new");
    assert_int_equal(get(w, addrs[20])->first_line, 42);
}

static void check_junk(struct world *w)
{
    const struct gs_layout *layout = &w->o.layout;
    enum gs_status why;
    assert_refused(w, 0, GS_LOST);
    assert_refused(w, 0x1235, GS_LOST);
    assert_refused(w, 0x12340, GS_UNREADABLE);
    assert_refused(w, UINT64_MAX - 7, GS_UNREADABLE);
    assert_refused(w, objects_str(&w->o, "no code object, but long enough to be read as one"), GS_LOST);
    static const struct {
        size_t field;
        uint64_t value;
        enum gs_status expected;
    } cases[] = {
        {offsetof(struct gs_layout, co_name), 0, GS_UNREADABLE},
        {offsetof(struct gs_layout, co_filename), 0x10, GS_UNREADABLE},
        {offsetof(struct gs_layout, co_name), OBJECTS_ARENA, GS_LOST},
        {offsetof(struct gs_layout, co_linetable), 0x10, GS_UNREADABLE},
        {offsetof(struct gs_layout, co_linetable), OBJECTS_ARENA, GS_LOST},
        {offsetof(struct gs_layout, co_argcount), 0xffffffff, GS_LOST},
        {offsetof(struct gs_layout, co_stacksize), 0x7fffffff, GS_LOST},
        {offsetof(struct gs_layout, co_framesize), 0x80000000, GS_LOST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t field;
        memcpy(&field, (const char *)layout + cases[i].field, sizeof field);
        if (field == GS_ABSENT)
            continue;
        gs_addr addr = objects_code(&w->o, &template);
        objects_put64(&w->o, addr + (gs_addr)field, cases[i].value);
        assert_refused(w, addr, cases[i].expected);
    }
    /* The size of the bytecode, wherever it stands. */
    gs_addr addr = objects_code(&w->o, &template), sized = addr;
    if (layout->co_code != GS_ABSENT)
        assert_int_equal(gs_mem_read_addr(w->o.mem, addr + (gs_addr)layout->co_code, &sized), GS_OK);
    objects_put64(&w->o, sized + (gs_addr)layout->ob_size, UINT64_MAX - 1);
    assert_null(gs_codes_get(w->codes, addr, &why));
    assert_int_equal(why, GS_LOST);
}

UNIT_TEST(test_all_versions)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        open_world(&w, objects_versions[i]);
        check_reading(&w);
        check_changes(&w);
        check_junk(&w);
        close_world(&w);
    }
}

/* A class named "code" is not the type of code objects. */
UNIT_TEST(test_own_class)
{
    struct world w;
    open_world(&w, GS_VERSION(3, 12));
    gs_addr addr = objects_code(&w.o, &template);
    objects_put64(&w.o, addr + (gs_addr)w.o.layout.ob_type, objects_class(&w.o, "code", UINT64_C(1) << 9));
    assert_refused(&w, addr, GS_LOST);
    assert_int_equal(w.python.code_type, 0);
    close_world(&w);
}

/* A table of lines is taken up to its limit, whatever length it claims. */
UNIT_TEST(test_long_lines)
{
    enum { LONG = 5 << 20, LIMIT = 4 << 20 };
    struct world w;
    open_world(&w, GS_VERSION(3, 11));
    gs_addr addr = objects_code(&w.o, &template), lines = UINT64_C(0x7e0000000000);
    uint8_t *bytes = mem_fake_map(w.o.mem, lines, LONG + 64);
    memset(bytes, 0x11, LONG + 64);
    objects_put64(&w.o, lines + (gs_addr)w.o.layout.ob_type, objects_type(&w.o, "bytes"));
    objects_put64(&w.o, lines + (gs_addr)w.o.layout.ob_size, LONG);
    objects_put64(&w.o, addr + (gs_addr)w.o.layout.co_linetable, lines);
    const struct gs_code *code = get(&w, addr);
    assert_int_equal(code->line_bytes, LIMIT);
    assert_int_equal(code->lines[LIMIT - 1], 0x11);
    /* A length that is not there at all. */
    gs_addr second = objects_code(&w.o, &template);
    objects_put64(&w.o, lines + (gs_addr)w.o.layout.ob_size, 1);
    objects_put64(&w.o, second + (gs_addr)w.o.layout.co_linetable, lines);
    assert_int_equal(get(&w, second)->line_bytes, 1);
    close_world(&w);
}

/* Another string comes to lie where its name was, as soon as that was read. */
struct renaming {
    struct world *w;
    gs_addr name;
    bool read, done;
};

static void rename_once(void *context, size_t call, size_t index, const struct gs_piece *piece)
{
    struct renaming *renaming = context;
    struct world *w = renaming->w;
    (void)call, (void)index;
    renaming->read |= piece && piece->addr == renaming->name;
    if (piece || !renaming->read || renaming->done)
        return;
    renaming->done = true;
    memcpy(mem_fake_at(w->o.mem, renaming->name, 64), mem_fake_at(w->o.mem, objects_str(&w->o, "jump"), 64), 64);
    objects_put64(&w->o, renaming->name + (gs_addr)w->o.layout.ob_type + 16, 4711);
}

UNIT_TEST(test_renamed_while_read)
{
    struct world w;
    open_world(&w, GS_VERSION(3, 12));
    gs_addr addr = objects_code(&w.o, &template);
    struct renaming renaming = {.w = &w};
    memcpy(&renaming.name, mem_fake_at(w.o.mem, addr + (gs_addr)w.o.layout.co_name, 8), 8);
    struct gs_mem *below = w.o.mem;
    w.python.mem = mem_script_new(below);
    mem_script_set(w.python.mem, rename_once, &renaming);
    assert_string_equal(get(&w, addr)->function, "walk");
    assert_int_equal(gs_codes_check(w.codes), 1);
    assert_string_equal(get(&w, addr)->function, "jump");
    w.o.mem = w.python.mem; /* which owns the one below */
    close_world(&w);
}

/* Enough of them that the table grows, and each is still found. */
UNIT_TEST(test_many)
{
    enum { MANY = 700 };
    struct world w;
    gs_addr addrs[MANY];
    open_world(&w, GS_VERSION(3, 9));
    gs_addr original = objects_code(&w.o, &template);
    for (size_t i = 0; i < MANY; i++) {
        addrs[i] = objects_alloc(&w.o, 256);
        memcpy(mem_fake_at(w.o.mem, addrs[i], 176), mem_fake_at(w.o.mem, original, 176), 176);
        objects_put32(&w.o, addrs[i] + (gs_addr)w.o.layout.co_firstlineno, (uint32_t)i + 1);
        assert_int_equal(get(&w, addrs[i])->first_line, i + 1);
    }
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(gs_codes_find(w.codes, addrs[i])->first_line, i + 1);
    for (size_t i = 0; i < MANY; i += 2)
        objects_put32(&w.o, addrs[i] + (gs_addr)w.o.layout.co_firstlineno, 9999);
    assert_int_equal(gs_codes_check(w.codes), MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(gs_codes_find(w.codes, addrs[i]) != NULL, i % 2);
    close_world(&w);
}
