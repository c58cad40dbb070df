/* Finding an interpreter by what the data of an image looks like: of every version's shape, among things that look
 * alike, and in processes that are no Python. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem/metered.h"
#include "python/layout_tables.h"
#include "python/scan.h"
#include "support/mem_fake.h"
#include "support/process_fake.h"
#include "support/unit.h"

#define IMAGE UINT64_C(0x10000)

enum { PAGE = 4096, MAPS = 3, DECOYS = 40 };

/* A process whose image has lost its symbols. */
struct world {
    struct process p;
    struct gs_python python; /* as scanning finds it */
    struct gs_image image;
    struct gs_map maps[MAPS];
    char path[32];
    gs_addr data, data_bytes; /* of the image */
};

static void put64(struct world *w, gs_addr addr, uint64_t value)
{
    mem_fake_put64(w->p.o.mem, addr, value);
}

static void put_field(struct world *w, gs_addr addr, int32_t field, uint64_t value)
{
    if (field != GS_ABSENT)
        put64(w, addr + (gs_addr)field, value);
}

static void put_text(struct world *w, gs_addr addr, const char *text)
{
    memcpy(mem_fake_at(w->p.o.mem, addr, strlen(text) + 1), text, strlen(text) + 1);
}

/* An ELF header with one segment of code and one of data. */
static void make_image(struct world *w)
{
    mem_fake_map(w->p.o.mem, IMAGE, PAGE);
    Elf64_Ehdr *header = mem_fake_at(w->p.o.mem, IMAGE, sizeof *header);
    Elf64_Phdr *segments = mem_fake_at(w->p.o.mem, IMAGE + sizeof *header, 2 * sizeof *segments);
    *header = (Elf64_Ehdr){.e_phoff = sizeof *header, .e_phentsize = sizeof *segments, .e_phnum = 2};
    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    segments[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_memsz = PAGE};
    segments[1] =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = w->data - IMAGE, .p_memsz = w->data_bytes};
}

static void make_maps(struct world *w)
{
    strcpy(w->path, "/opt/server");
    w->maps[0] = (struct gs_map){.start = IMAGE, .end = IMAGE + PAGE, .inode = 7, .readable = true, .path = w->path};
    w->maps[1] = (struct gs_map){.start = OBJECTS_ARENA,
                                 .end = OBJECTS_ARENA + OBJECTS_ARENA_BYTES,
                                 .readable = true,
                                 .writable = true,
                                 .path = w->path + strlen(w->path)};
    w->maps[2] = w->maps[1];
    w->maps[2].start = UINT64_C(0x7f6600000000);
    w->maps[2].end = w->p.next_region;
    w->p.target.maps = w->maps;
    w->p.target.map_count = MAPS;
}

static void put_modules(struct world *w, gs_addr interp)
{
    struct objects *o = &w->p.o;
    const gs_addr pairs[] = {objects_str(o, "builtins"), objects_int(o, 1), objects_str(o, "sys"), objects_int(o, 2)};
    put_field(w, interp, o->layout.is_modules, objects_dict(o, pairs, 2));
}

/* A process of that version with two threads; its runtime, or the page of its variables, is the image's data. */
static void world_init(struct world *w, uint32_t version)
{
    memset(w, 0, sizeof *w);
    process_init(&w->p, version);
    const struct gs_layout *layout = &w->p.o.layout;
    char text[32];
    process_thread(&w->p, w->p.interp, w->p.sleepers[0]);
    process_thread(&w->p, w->p.interp, w->p.sleepers[1]);
    put_modules(w, w->p.interp);
    gs_addr used = layout->rt_size == GS_ABSENT ? 1536 : (gs_addr)layout->rt_size + 64;
    w->data = w->p.runtime ? w->p.runtime : w->p.python.at.data_start;
    w->data_bytes = (used + PAGE - 1) / PAGE * PAGE;
    put_field(w, w->p.runtime, layout->rt_interpreters_main, w->p.interp);
    snprintf(text, sizeof text, "%u.%u.5 (made by hand)", GS_VERSION_MAJOR(version), GS_VERSION_MINOR(version));
    put_text(w, w->data + used, text);
    make_image(w);
    make_maps(w);
    w->python = (struct gs_python){.target = &w->p.target, .mem = w->p.mem};
}

static void world_fini(struct world *w)
{
    free(w->python.library);
    w->p.target.maps = NULL;
    w->p.target.map_count = 0;
    process_fini(&w->p);
}

static enum gs_status scan(struct world *w)
{
    struct gs_err err;
    free(w->python.library);
    w->python = (struct gs_python){.target = &w->p.target, .mem = w->p.mem};
    w->maps[2].end = w->p.next_region;
    return gs_scan_process(&w->python, &w->image, 0, &err);
}

static void assert_found(struct world *w)
{
    assert_int_equal(scan(w), GS_OK);
    assert_int_equal(w->python.at.runtime, w->p.runtime);
    if (!w->p.runtime)
        assert_int_equal(w->python.at.interp_head, w->p.interp_head);
    assert_int_equal(w->python.layout.version >> 16, w->p.o.layout.version >> 16);
    assert_int_equal(GS_VERSION_MICRO(w->python.layout.version), 5);
    assert_int_equal(w->python.layout.is_threads_head, w->p.o.layout.is_threads_head);
    assert_int_equal(w->image.base, IMAGE);
    assert_string_equal(w->python.library, "/opt/server");
}

/* Runs the test on a world of each version without a cookie. */
static void for_versions(void (*test)(struct world *w))
{
    for (size_t i = 0; i < objects_version_count; i++) {
        if (gs_layout_version_find(objects_versions[i] | 0xf0, 0)->self)
            continue;
        struct world *w = malloc(sizeof *w);
        assert_non_null(w);
        world_init(w, objects_versions[i]);
        test(w);
        world_fini(w);
        free(w);
    }
}

UNIT_TEST(test_found)
{
    for_versions(assert_found);
}

/* Pools that point to themselves, as free memory of obmalloc does, and what is a little more like an interpreter. */
static void among_decoys(struct world *w)
{
    const struct gs_layout *layout = &w->p.o.layout;
    for (int i = 0; i < DECOYS; i++) {
        gs_addr pool = process_map(&w->p, PAGE * 2), tstate = pool + PAGE;
        put_field(w, pool, layout->is_threads_head, tstate);
        put_field(w, tstate, layout->ts_interp, pool);
        if (i % 4 > 0 || layout->ts_prev == GS_ABSENT)
            put_field(w, pool, layout->is_modules, i % 4 > 1 ? objects_int(&w->p.o, 5) : pool);
        else
            put_field(w, tstate, layout->ts_prev, pool);
        if (i % 4 == 3) { /* everything but the modules */
            put_field(w, tstate, layout->ts_thread_id, w->p.threads[0].ident);
            put_field(w, tstate, layout->ts_native_thread_id, (uint64_t)w->p.sleepers[0]);
        }
        if (i % 8 == 6) /* a list without end */
            put_field(w, tstate, layout->ts_next, tstate);
        put64(w, w->data + w->data_bytes - 2048 + 8 * (gs_addr)i, pool);
    }
    if (w->p.runtime)
        put64(w, w->data + w->data_bytes - 2048 + 8 * DECOYS, w->p.interp); /* right, but in no runtime */
    assert_found(w);
}

UNIT_TEST(test_among_decoys)
{
    for_versions(among_decoys);
}

/* Each thing that is asked of an interpreter is asked. */
static void refused(struct world *w)
{
    const struct gs_layout *layout = &w->p.o.layout;
    struct process_thread *oldest = &w->p.threads[0], *newest = &w->p.threads[1];
    const struct {
        gs_addr addr;
        int32_t field;
        uint64_t wrong;
    } rows[] = {
        {newest->addr, layout->ts_interp, newest->addr},
        {newest->addr, layout->ts_prev, oldest->addr},
        {oldest->addr, layout->ts_interp, oldest->addr},
        {oldest->addr, layout->ts_next, newest->addr},
        {oldest->addr, layout->ts_next, 16},
        {w->p.interp, layout->is_modules, w->p.interp},
        {w->p.interp, layout->is_modules, objects_dict(&w->p.o, NULL, 0)},
        {w->p.interp, layout->is_next, 24},
        {w->p.interp, layout->is_next, w->p.interp},
        {w->p.runtime, layout->rt_interpreters_main, newest->addr},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].field == GS_ABSENT)
            continue;
        gs_addr addr = rows[i].addr + (gs_addr)rows[i].field;
        uint64_t right;
        memcpy(&right, mem_fake_at(w->p.o.mem, addr, 8), 8);
        put64(w, addr, rows[i].wrong);
        assert_int_equal(scan(w), GS_NOT_PYTHON);
        put64(w, addr, right);
    }
    if (w->p.runtime) {
        gs_addr interval = process_gil_word(&w->p, w->p.gil, PROCESS_INTERVAL);
        put64(w, interval, 0);
        assert_int_equal(scan(w), GS_NOT_PYTHON);
        put64(w, interval, 5000);
    }
    for (size_t i = 0; i < 2; i++) { /* no thread of the kernel */
        put_field(w, w->p.threads[i].addr, layout->ts_native_thread_id, 0x7fffffff);
        mem_fake_put32(w->p.o.mem, w->p.threads[i].ident + 720, 0x7fffffff);
    }
    assert_int_equal(scan(w), GS_NOT_PYTHON);
}

UNIT_TEST(test_refused)
{
    for_versions(refused);
}

/* The newest interpreter is the one that the word points to; another word points to the main one. */
static void two_interpreters(struct world *w)
{
    gs_addr newest = process_interpreter(&w->p, NULL);
    process_thread(&w->p, newest, w->p.sleepers[2]);
    put_modules(w, newest);
    put64(w, w->data + w->data_bytes - 1024, w->p.interp);
    assert_found(w);
    if (w->p.runtime)
        return;
    put64(w, w->p.interp_head, w->p.interp); /* now that one comes first */
    w->p.interp_head = w->data + w->data_bytes - 512;
    put64(w, w->p.interp_head, newest);
    assert_found(w);
}

UNIT_TEST(test_two_interpreters)
{
    for_versions(two_interpreters);
}

/* 2.7 and 3.6: who runs is told by the word that points to a thread state, beside the one that points to the
 * interpreter. */
static void current(struct world *w)
{
    if (w->p.runtime)
        return;
    assert_found(w);
    assert_int_equal(w->python.at.current, 0); /* nobody runs, and no code tells */
    process_take(&w->p, &w->p.threads[0]);
    assert_found(w);
    assert_int_equal(w->python.at.current, w->p.python.at.current);
}

UNIT_TEST(test_current)
{
    for_versions(current);
}

/* 3.13 on: a cookie with a table behind it, of what the version's own says. */
static void put_self(struct world *w, gs_addr runtime, uint32_t version)
{
    const struct gs_layout_version *table = gs_layout_version_find(version, 0);
    put_text(w, runtime, GS_COOKIE);
    put64(w, runtime + 8, version);
    for (size_t i = 0; i < table->self_count; i++)
        put64(w, runtime + table->self[i].size_at, 400000);
    for (size_t i = 0; i < table->self_count; i++) {
        const struct gs_self_row *row = &table->self[i];
        if (row->kind != GS_SELF_THREADED)
            put64(w, runtime + row->at, (uint64_t)*gs_layout_member(&w->p.o.layout, row->member));
    }
}

UNIT_TEST(test_cookie)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        uint32_t version = objects_versions[i] | 0x5f0;
        if (!gs_layout_version_find(version, 0)->self)
            continue;
        struct world *w = malloc(sizeof *w);
        assert_non_null(w);
        world_init(w, objects_versions[i]);
        assert_int_equal(scan(w), GS_NOT_PYTHON);
        gs_addr decoy = w->p.runtime + w->data_bytes - 2048;
        put_text(w, decoy, GS_COOKIE); /* nothing behind it */
        assert_int_equal(scan(w), GS_NOT_PYTHON);
        put_self(w, w->p.runtime, version);
        assert_int_equal(scan(w), GS_OK);
        assert_int_equal(w->python.at.runtime, w->p.runtime);
        put64(w, w->p.runtime + (gs_addr)w->p.o.layout.rt_interpreters_head, w->p.threads[0].addr);
        assert_int_equal(scan(w), GS_NOT_PYTHON);
        world_fini(w);
        free(w);
    }
}

/* A process with a lot of data that is no Python: little of it is read. */
UNIT_TEST(test_not_python)
{
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    world_init(w, GS_VERSION(3, 11));
    put64(w, w->data + (gs_addr)w->p.o.layout.rt_size + 64, 0); /* the version's text */
    assert_int_equal(scan(w), GS_NOT_PYTHON);
    w->data_bytes = UINT64_C(1) << 46;
    make_maps(w);
    Elf64_Phdr *segment = mem_fake_at(w->p.o.mem, IMAGE + sizeof(Elf64_Ehdr) + sizeof *segment, sizeof *segment);
    segment->p_memsz = w->data_bytes;
    assert_int_equal(scan(w), GS_NOT_PYTHON);
    segment->p_memsz = UINT64_MAX;
    assert_int_equal(scan(w), GS_NOT_PYTHON);
    world_fini(w);
    free(w);
}

/* Each word of the data seems to point to an interpreter, whose list of threads breaks off at its end only. */
UNIT_TEST(test_all_is_decoy)
{
    enum { BYTES = 2 << 20, STATES = 1000, READS = 4 << 20 };
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    world_init(w, GS_VERSION(3, 11));
    const struct gs_layout *layout = &w->p.o.layout;
    gs_addr interp = process_interpreter(&w->p, NULL), states = process_map(&w->p, STATES * PAGE);
    put_modules(w, interp);
    put_field(w, interp, layout->is_threads_head, states);
    for (gs_addr i = 0; i < STATES; i++) {
        put_field(w, states + i * PAGE, layout->ts_interp, interp);
        put_field(w, states + i * PAGE, layout->ts_prev, i > 0 ? states + (i - 1) * PAGE : 0);
        put_field(w, states + i * PAGE, layout->ts_next, i + 1 < STATES ? states + (i + 1) * PAGE : 16);
    }
    w->data = process_map(&w->p, BYTES);
    w->data_bytes = BYTES;
    for (gs_addr at = 0; at < BYTES; at += 8)
        put64(w, w->data + at, interp);
    put_text(w, w->data + BYTES - 64, "3.11.5 (made by hand)");
    Elf64_Phdr *segment = mem_fake_at(w->p.o.mem, IMAGE + sizeof(Elf64_Ehdr) + sizeof *segment, sizeof *segment);
    segment->p_vaddr = w->data - IMAGE;
    segment->p_memsz = BYTES;
    uint64_t left = READS;
    struct gs_metered metered;
    gs_metered_init(&metered, w->p.mem, &left);
    struct gs_mem *mem = w->p.mem;
    w->p.mem = &metered.mem;
    assert_int_equal(scan(w), GS_NOT_PYTHON);
    w->p.mem = mem;
    assert_true(left > READS / 4);
    world_fini(w);
    free(w);
}

/* One of a version that is not known is told as such where the file's name says that it is a Python. */
UNIT_TEST(test_unknown_version)
{
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    world_init(w, GS_VERSION(3, 11));
    put_text(w, w->data + (gs_addr)w->p.o.layout.rt_size + 64, "3.4.9 (made by hand)");
    assert_int_equal(scan(w), GS_NOT_PYTHON);
    strcpy(w->path, "/opt/mypython");
    assert_int_equal(scan(w), GS_UNKNOWN_PYTHON);
    world_fini(w);
    free(w);
}
