/* The version of a Python that does not describe itself: in its memory, in the name of its file. */
#include <string.h>

#include "python/locate.h"
#include "support/mem_fake.h"
#include "support/unit.h"

#define DATA UINT64_C(0x700000)

enum { DATA_BYTES = 200000, BLOCK = 65536 };

/* What is found with `text` at that offset of the image's data, in a file of that name; 0: nothing. */
static uint32_t find(const char *text, size_t len, size_t offset, const char *file)
{
    char library[128];
    struct gs_target target = {.pid = 42};
    struct gs_python python = {.target = &target, .library = library};
    struct gs_err err;
    uint32_t version = 0;
    strcpy(library, file);
    python.mem = mem_fake_new();
    memset(mem_fake_map(python.mem, DATA, DATA_BYTES), 0, DATA_BYTES);
    memcpy(mem_fake_at(python.mem, DATA + offset, len), text, len);
    struct gs_image image = {.mem = python.mem, .data_start = DATA, .data_end = DATA + DATA_BYTES};
    enum gs_status status = gs_version_find(&python, &image, &version, &err);
    gs_mem_free(python.mem);
    assert_int_equal(status, version ? GS_OK : GS_UNKNOWN_PYTHON);
    return version;
}

static uint32_t find_text(const char *text)
{
    return find(text, strlen(text) + 1, 1000, "/bin/app");
}

UNIT_TEST(test_texts)
{
    assert_int_equal(find_text("2.7.18 (default, May  9 2026)"), 0x020712f0);
    assert_int_equal(find_text("3.8.18 ("), 0x030812f0);
    assert_int_equal(find_text("3.11.7+ (heads/main"), 0x030b07f0);
    assert_int_equal(find_text("3.14.0rc1+ ("), 0x030e00c1);
    assert_int_equal(find_text("3.12.0a7 ("), 0x030c00a7);
    assert_int_equal(find_text("3.12.0b13 ("), 0x030c00bd);
}

UNIT_TEST(test_near_misses)
{
    static const char *const texts[] = {"3.8.18",      "3.8.18(",   "3.8 (",        "3.8. (",     "13.8.18 (",
                                        "4.0.0 (",     "1.5.2 (",   "3.8.18  (",    "3.8.18\n(",  "3.8.18rc (",
                                        "3..8 (",      "3.8.18x (", "3.8.18rc99 (", "3.999.0 (",  "3.8.999 (",
                                        "3.12345.0 (", "v3.8.18 (", " 3.8.18 (",    "3.8.18++ (", "3.8.18-- ("};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (find_text(texts[i]))
            fail_msg("%s", texts[i]);
    }
}

UNIT_TEST(test_all_around_the_border)
{
    static const char text[] = "\0"
                               "3.14.0rc1+ (main, x";
    assert_int_equal(find(text + 1, sizeof text - 1, 0, "/bin/app"), 0x030e00c1);
    for (size_t border = BLOCK; border <= 2 * BLOCK; border += BLOCK) {
        for (size_t back = 0; back < 80; back++)
            assert_int_equal(find(text, sizeof text, border - back, "/bin/app"), 0x030e00c1);
    }
    assert_int_equal(find(text, sizeof text, DATA_BYTES - sizeof text, "/bin/app"), 0x030e00c1);
    /* What begins at the border after another character is no version. */
    assert_int_equal(find("x3.8.18 (", 10, BLOCK - 1, "/bin/app"), 0);
    assert_int_equal(find("13.8.18 (", 10, 2 * BLOCK - 1, "/bin/app"), 0);
}

UNIT_TEST(test_file_names)
{
    static const struct {
        const char *name;
        uint32_t version;
    } names[] = {{"/usr/lib/libpython3.8.so.1.0", 0x0308fff0},
                 {"/usr/bin/python3.11", 0x030bfff0},
                 {"/usr/bin/python2.7-dbg", 0x0207fff0},
                 {"libpython3.6m.so.1.0", 0x0306fff0},
                 {"/opt/python3.9/bin/app", 0},
                 {"/usr/bin/python3", 0},
                 {"/usr/bin/python", 0},
                 {"/usr/bin/python3.", 0},
                 {"/usr/bin/python.3", 0},
                 {"/usr/bin/python310", 0},
                 {"/usr/bin/python3.999", 0},
                 {"", 0}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (find("", 1, 0, names[i].name) != names[i].version)
            fail_msg("%s: %x", names[i].name, find("", 1, 0, names[i].name));
    }
    /* The memory knows better. */
    assert_int_equal(find("3.8.18 (", 9, 64, "/usr/lib/libpython3.9.so"), 0x030812f0);
}

/* A memory in which the text comes to be while it is looked for. */
struct growing {
    struct gs_mem mem;
    struct gs_mem *below;
    int reads;
};

static enum gs_status read_growing(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    struct growing *growing = (struct growing *)mem;
    if (++growing->reads == 10)
        memcpy(mem_fake_at(growing->below, DATA + 1000, 9), "2.7.18 (", 9);
    return gs_mem_read(growing->below, addr, dst, len);
}

UNIT_TEST(test_just_born)
{
    static const struct gs_mem_ops ops = {.read = read_growing};
    char library[] = "/usr/lib/libpython2.7.so.1.0";
    struct growing growing = {.mem = {&ops}, .below = mem_fake_new()};
    struct gs_target target = {.pid = 42};
    struct gs_python python = {.target = &target, .library = library, .mem = &growing.mem};
    struct gs_err err;
    uint32_t version;
    memset(mem_fake_map(growing.below, DATA, 4096), 0, 4096);
    struct gs_image image = {.mem = python.mem, .data_start = DATA, .data_end = DATA + 4096};
    assert_int_equal(gs_version_find(&python, &image, &version, &err), GS_OK);
    assert_int_equal(version, 0x020712f0);
    gs_mem_free(growing.below);
}

UNIT_TEST(test_hostile_bounds)
{
    static const struct {
        gs_addr start, end;
    } bounds[] = {{DATA, UINT64_MAX}, {UINT64_MAX - 10, UINT64_MAX}, {DATA, DATA - 1}, {DATA, 0}, {DATA + 7, DATA + 7}};
    char library[] = "python3.7";
    struct gs_target target = {.pid = 42};
    struct gs_python python = {.target = &target, .library = library, .mem = mem_fake_new()};
    mem_fake_map(python.mem, DATA, 4096);
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct gs_image image = {.mem = python.mem, .data_start = bounds[i].start, .data_end = bounds[i].end};
        struct gs_err err;
        uint32_t version;
        assert_int_equal(gs_version_find(&python, &image, &version, &err), GS_OK);
        assert_int_equal(version, 0x0307fff0);
    }
    gs_mem_free(python.mem);
}

UNIT_TEST(test_print)
{
    static const struct {
        uint32_t version;
        const char *text;
    } cases[] = {{0x030b07f0, "3.11.7"},
                 {0x030e00c1, "3.14.0rc1"},
                 {0x030c00a7, "3.12.0a7"},
                 {0x030c00b2, "3.12.0b2"},
                 {0x0207fff0, "2.7"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[48];
        gs_version_print(cases[i].version, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}
