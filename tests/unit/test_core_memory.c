/* The memory of core files made by hand: in odd segments, cut off, or no core at all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/arch.h"
#include "support/core_made.h"
#include "support/unit.h"

/* ---- memory ---- */

UNIT_TEST(test_memory)
{
    struct core_made *m = core_made_begin();
    uint8_t got[16];
    memcpy(m->bytes + CORE_MADE_MEMORY, "abcdefgh", 8);
    memcpy(m->bytes + CORE_MADE_MEMORY + CORE_MADE_PAGE, "12345678", 8);
    core_made_load(m, 0x20008, 8, CORE_MADE_MEMORY + CORE_MADE_PAGE, 8);
    core_made_load(m, 0x20000, 8, CORE_MADE_MEMORY, 8);
    core_made_load(m, 0x30000, CORE_MADE_PAGE, CORE_MADE_MEMORY, 4); /* the rest was not dumped */
    assert_int_equal(core_made_open(m), GS_OK);
    const struct gs_core *core = &m->core;
    assert_int_equal(gs_core_read(core, 0x20004, got, 8), 8); /* over two segments */
    assert_memory_equal(got, "efgh1234", 8);
    assert_int_equal(gs_core_read(core, 0x20000, got, 16), 16);
    assert_int_equal(gs_core_read(core, 0x20000, got, 0), 0);
    assert_int_equal(gs_core_read(core, 0x2000c, got, 8), 4);
    assert_int_equal(gs_core_read(core, 0x30000, got, 8), 4);
    assert_int_equal(gs_core_read(core, 0x30004, got, 8), 0);
    assert_int_equal(gs_core_read(core, 0x1ffff, got, 8), 0);
    assert_int_equal(gs_core_read(core, UINT64_MAX, got, 8), 0);
    assert_int_equal(gs_core_segment_at(core, 0x30fff)->start, 0x30000);
    assert_null(gs_core_segment_at(core, 0x31000));
    core_made_end(m);
}

UNIT_TEST(test_overlapping)
{
    struct core_made *m = core_made_begin();
    uint8_t got[8];
    memcpy(m->bytes + CORE_MADE_MEMORY, "aaaaaaaa", 8);
    memcpy(m->bytes + CORE_MADE_MEMORY + CORE_MADE_PAGE, "bbbbcccc", 8);
    core_made_load(m, 0x20004, 8, CORE_MADE_MEMORY + CORE_MADE_PAGE, 8); /* half of it lies over the next */
    core_made_load(m, 0x20000, 8, CORE_MADE_MEMORY, 8);
    core_made_load(m, 0x20002, 2, CORE_MADE_MEMORY + CORE_MADE_PAGE, 2); /* all of it does */
    core_made_load(m, 0x20000, 8, CORE_MADE_MEMORY + CORE_MADE_PAGE,
                   8); /* the same place: the first in the file counts */
    assert_int_equal(core_made_open(m), GS_OK);
    assert_int_equal(m->core.segment_count, 2);
    assert_int_equal(gs_core_read(&m->core, 0x20004, got, 8), 8);
    assert_memory_equal(got, "aaaacccc", 8);
    core_made_end(m);
}

UNIT_TEST(test_segments_hostile)
{
    struct core_made *m = core_made_begin();
    uint8_t got[8];
    core_made_load(m, UINT64_MAX - 7, 16, CORE_MADE_MEMORY, 16); /* beyond the end of the address space */
    core_made_load(m, UINT64_MAX - 7, 7, CORE_MADE_MEMORY, 7);   /* up to it */
    core_made_load(m, 0x20000, CORE_MADE_PAGE, UINT64_MAX - 8, CORE_MADE_PAGE);     /* bytes beyond any file */
    core_made_load(m, 0x30000, CORE_MADE_PAGE, CORE_MADE_MEMORY, UINT64_MAX);       /* more bytes than memory */
    core_made_load(m, 0x40000, UINT64_MAX / 2, CORE_MADE_ROOM - 4, CORE_MADE_PAGE); /* cut off */
    assert_int_equal(core_made_open(m), GS_OK);
    assert_int_equal(gs_core_read(&m->core, UINT64_MAX - 7, got, 8), 7);
    assert_int_equal(gs_core_read(&m->core, 0x20000, got, 8), 0);
    assert_int_equal(gs_core_read(&m->core, 0x30ffc, got, 8), 4);
    assert_int_equal(gs_core_read(&m->core, 0x40000, got, 8), 4);
    assert_int_equal(m->core.whole_bytes, CORE_MADE_ROOM - 4 + CORE_MADE_PAGE);
    core_made_end(m);
}

UNIT_TEST(test_many_segments)
{
    struct core_made *m = core_made_begin();
    Elf64_Shdr *section = (Elf64_Shdr *)(m->bytes + CORE_MADE_ROOM - sizeof *section);
    core_made_header(m)->e_shoff = CORE_MADE_ROOM - sizeof *section;
    core_made_load(m, 0x20000, 8, CORE_MADE_MEMORY, 8);
    section->sh_info = (Elf64_Word)m->segments;
    core_made_header(m)->e_phnum = PN_XNUM;
    assert_int_equal(core_made_open(m), GS_OK);
    assert_int_equal(m->core.segment_count, 1);
    section->sh_info = GS_CORE_SEGMENTS_MAX; /* more than there are bytes: those that are there */
    core_made_reopen(m);
    section->sh_info = GS_CORE_SEGMENTS_MAX + 1;
    free((void *)m->core.bytes.memory);
    gs_core_close(&m->core);
    assert_int_equal(core_made_open(m), GS_FAILED);
    core_made_header(m)->e_shoff = UINT64_MAX - 8;
    free((void *)m->core.bytes.memory);
    gs_core_close(&m->core);
    core_made_refused(m, "it is cut off: its list of segments is missing");
}

/* ---- what is none ---- */

UNIT_TEST(test_refused)
{
    struct core_made *m = core_made_begin();
    m->size = 0;
    core_made_refused(m, "it is empty");
    (m = core_made_begin())->size = 63;
    core_made_refused(m, "it is not a core file, or its beginning is all that there is of it");
    (m = core_made_begin())->bytes[1] = 'X';
    core_made_refused(m, "it is not a core file");
    core_made_header(m = core_made_begin())->e_type = ET_DYN;
    core_made_refused(m, "it is a program or a library, not a core file");
    core_made_header(m = core_made_begin())->e_machine = EM_RISCV;
    core_made_refused(
        m,
        "it is the core of a 64-bit process on RISC-V; this gilspy reads those of 64-bit processes on " GS_ARCH_NAME);
    core_made_header(m = core_made_begin())->e_machine = EM_386;
    m->bytes[EI_CLASS] = ELFCLASS32;
    core_made_refused(
        m, "it is the core of a 32-bit process on i386; this gilspy reads those of 64-bit processes on " GS_ARCH_NAME);
    (m = core_made_begin())->bytes[EI_DATA] = ELFDATA2MSB;
    core_made_refused(m, "it comes from a big-endian machine; this gilspy reads cores of " GS_ARCH_NAME);
    core_made_header(m = core_made_begin())->e_phentsize = 57;
    core_made_refused(m, "its headers make no sense");
    (m = core_made_begin())->notes = 0;
    core_made_segment(m, 0)->p_filesz = 0;
    core_made_refused(m, "it says nothing of any thread");
    (m = core_made_begin())->size = CORE_MADE_NOTES;
    core_made_refused(m, "it is cut off, and the list of the process's threads is in the missing part");
}

/* Every length of a core: nothing but the missing part is missing. */
UNIT_TEST(test_cut_off)
{
    struct core_made *m = core_made_begin();
    core_made_load(m, 0x20000, 64, CORE_MADE_NOTES + 1024, 64);
    for (m->size = CORE_MADE_NOTES + 1088; m->size > 0; m->size--) {
        uint8_t got[64];
        enum gs_status status = core_made_open(m);
        assert_true(status == GS_OK || status == GS_FAILED);
        assert_int_equal(status == GS_OK, m->size >= CORE_MADE_NOTES + m->notes);
        size_t there = m->size > CORE_MADE_NOTES + 1024 ? m->size - CORE_MADE_NOTES - 1024 : 0;
        if (status == GS_OK)
            assert_int_equal(gs_core_read(&m->core, 0x20000, got, sizeof got), there);
        free((void *)m->core.bytes.memory);
        gs_core_close(&m->core);
    }
    m->core.bytes.memory = NULL;
    core_made_end(m);
}

/* A file that shrinks after it was opened. */
UNIT_TEST(test_shrinking)
{
    char name[] = "/tmp/gilspy-core-XXXXXX";
    int fd = mkstemp(name);
    struct core_made *m = core_made_begin();
    struct gs_bytes bytes;
    uint8_t got[8];
    assert_true(fd >= 0);
    unlink(name);
    core_made_load(m, 0x20000, CORE_MADE_PAGE, CORE_MADE_MEMORY, CORE_MADE_PAGE);
    assert_int_equal(write(fd, m->bytes, m->size), m->size);
    assert_true(gs_bytes_of_file(&bytes, fd, NULL, "reading", false));
    assert_int_equal(gs_core_open(&m->core, &bytes, &m->err), GS_OK);
    assert_int_equal(gs_core_read(&m->core, 0x20000, got, 8), 8);
    assert_int_equal(ftruncate(fd, CORE_MADE_MEMORY + 4), 0);
    assert_int_equal(gs_core_read(&m->core, 0x20000, got, 8), 0);
    assert_int_equal(gs_core_read(&m->core, 0x20000, got, 4), 4);
    close(fd);
    core_made_end(m);
}
