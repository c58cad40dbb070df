/* Core files made by hand: whole, odd, cut off and hostile. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf/core.h"

enum { ROOM = 1 << 20, SEGMENTS = 16, MEMORY_AT = 65536, PAGE = 4096 };

/* A core in the making: its headers, notes from NOTES_AT on, memory from MEMORY_AT on. */
enum { NOTES_AT = 4096 };
struct made {
    uint8_t *bytes;
    size_t size, notes;
    size_t segments;
    struct gs_core core;
    struct gs_err err;
};

static Elf64_Ehdr *header(struct made *m)
{
    return (Elf64_Ehdr *)m->bytes;
}

static Elf64_Phdr *segment(struct made *m, size_t i)
{
    return (Elf64_Phdr *)(m->bytes + sizeof(Elf64_Ehdr)) + i;
}

static Elf64_Phdr *add_load(struct made *m, gs_addr addr, uint64_t memory, uint64_t offset, uint64_t file)
{
    Elf64_Phdr *load = segment(m, m->segments++);
    *load = (Elf64_Phdr){.p_type = PT_LOAD,
                         .p_flags = PF_R | PF_W,
                         .p_offset = offset,
                         .p_vaddr = addr,
                         .p_filesz = file,
                         .p_memsz = memory};
    header(m)->e_phnum = (Elf64_Half)m->segments;
    return load;
}

/* Returns where the note's contents are. */
static uint8_t *add_note(struct made *m, const char *name, uint32_t type, const void *contents, size_t len)
{
    Elf64_Nhdr *note = (Elf64_Nhdr *)(m->bytes + NOTES_AT + m->notes);
    size_t name_len = strlen(name) + 1;
    *note = (Elf64_Nhdr){(Elf64_Word)name_len, (Elf64_Word)len, type};
    uint8_t *at = (uint8_t *)(note + 1) + (name_len + 3) / 4 * 4;
    memcpy(note + 1, name, name_len);
    memcpy(at, contents, len);
    m->notes = (size_t)(at + (len + 3) / 4 * 4 - m->bytes) - NOTES_AT;
    segment(m, 0)->p_filesz = m->notes;
    return at;
}

static void add_thread(struct made *m, int tid, int signal)
{
    struct elf_prstatus status = {.pr_pid = tid, .pr_cursig = (short)signal};
    struct user_regs_struct registers = {
        .orig_rax = 202, .rax = (uint64_t)-516, .rdi = 0x1000, .rsi = 137, .r10 = 7, .fs_base = 0x7000};
    memcpy(status.pr_reg, &registers, sizeof registers);
    add_note(m, "CORE", NT_PRSTATUS, &status, sizeof status);
}

/* An empty core with one thread, 42. */
static struct made *begin(void)
{
    struct made *m = calloc(1, sizeof *m);
    m->bytes = calloc(1, ROOM);
    m->size = ROOM;
    *header(m) = (Elf64_Ehdr){.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                              .e_type = ET_CORE,
                              .e_machine = GS_ARCH_ELF_MACHINE,
                              .e_phoff = sizeof(Elf64_Ehdr),
                              .e_phentsize = sizeof(Elf64_Phdr)};
    add_load(m, 0, 0, NOTES_AT, 0)->p_type = PT_NOTE;
    add_thread(m, 42, 11);
    return m;
}

/* An exact copy is read, so that a reading behind its end is found out. */
static enum gs_status open_made(struct made *m)
{
    struct gs_bytes bytes;
    uint8_t *copy = malloc(m->size ? m->size : 1);
    memcpy(copy, m->bytes, m->size);
    gs_bytes_of_memory(&bytes, copy, m->size);
    return gs_core_open(&m->core, &bytes, &m->err);
}

static void reopen(struct made *m)
{
    free((void *)m->core.bytes.memory);
    gs_core_close(&m->core);
    assert_int_equal(open_made(m), GS_OK);
}

static void end(struct made *m)
{
    free((void *)m->core.bytes.memory);
    gs_core_close(&m->core);
    free(m->bytes);
    free(m);
}

static void refused(struct made *m, const char *why)
{
    assert_int_equal(open_made(m), GS_FAILED);
    assert_string_equal(m->err.what, why);
    end(m);
}

/* ---- what is in it ---- */

static void test_process(void **state)
{
    struct made *m = begin();
    struct elf_prpsinfo info = {.pr_pid = 40};
    const uint64_t auxv[] = {AT_PHDR, 0x400040, AT_PAGESZ, 4096, AT_NULL, 0, AT_RANDOM, 1};
    (void)state;
    memset(info.pr_fname, 'p', sizeof info.pr_fname); /* not terminated */
    memset(info.pr_psargs, 'a', sizeof info.pr_psargs);
    add_thread(m, 41, 0);
    add_note(m, "CORE", NT_PRPSINFO, &info, sizeof info);
    add_note(m, "CORE", NT_AUXV, auxv, sizeof auxv);
    assert_int_equal(open_made(m), GS_OK);
    const struct gs_core *core = &m->core;
    assert_int_equal(core->pid, 40);
    assert_int_equal(strlen(core->comm), 15);
    assert_int_equal(strlen(core->arguments), 80);
    assert_int_equal(core->thread_count, 2);
    assert_int_equal(core->threads[0].tid, 42);
    assert_int_equal(core->threads[0].signal, 11);
    assert_int_equal(core->threads[1].tid, 41);
    assert_int_equal(core->threads[0].state.call, 202);
    assert_int_equal(core->threads[0].state.args[1], 137);
    assert_int_equal(core->threads[0].state.args[3], 7);
    assert_int_equal(core->threads[0].state.self, 0x7000);
    assert_int_equal(gs_core_aux(core, AT_PHDR), 0x400040);
    assert_int_equal(gs_core_aux(core, AT_PAGESZ), 4096);
    assert_int_equal(gs_core_aux(core, AT_RANDOM), 0); /* behind the end of the vector */
    end(m);
}

static void test_notes_of_others(void **state)
{
    struct made *m = begin();
    struct elf_prstatus status = {.pr_pid = 7};
    (void)state;
    add_note(m, "LINUX", NT_PRSTATUS, &status, sizeof status);
    add_note(m, "COREX", NT_PRSTATUS, &status, sizeof status);
    add_note(m, "", NT_PRSTATUS, &status, sizeof status);
    add_note(m, "CORE", NT_PRSTATUS, &status, sizeof status - 1); /* too short */
    status.pr_pid = -1;
    add_note(m, "CORE", NT_PRSTATUS, &status, sizeof status);
    assert_int_equal(open_made(m), GS_OK);
    assert_int_equal(m->core.thread_count, 1);
    end(m);
}

struct file_note {
    uint64_t count, page, rows[3][3];
    char paths[64];
};

static void add_files(struct made *m, const struct file_note *note, size_t len)
{
    add_note(m, "CORE", NT_FILE, note, len);
}

static void test_files(void **state)
{
    static const struct file_note note = {.count = 3,
                                          .page = 4096,
                                          .rows = {{0x9000, 0xa000, 5}, {0x1000, 0x3000, 0}, {0x3000, 0x4000, 2}},
                                          .paths = "/other (deleted)\0/bin/python\0/bin/python"};
    struct made *m = begin();
    (void)state;
    add_files(m, &note, sizeof note);
    assert_int_equal(open_made(m), GS_OK);
    const struct gs_core *core = &m->core;
    assert_int_equal(core->file_count, 3);
    assert_string_equal(core->files[0].path, "/bin/python");
    assert_int_equal(core->files[1].offset, 8192);
    assert_string_equal(core->files[2].path, "/other");
    assert_true(core->files[2].deleted && !core->files[1].deleted);
    assert_ptr_equal(gs_core_file_at(core, 0x3fff), &core->files[1]);
    assert_null(gs_core_file_at(core, 0x4000));
    assert_null(gs_core_file_at(core, 0xfff));
    end(m);
}

/* Of each of these nothing is believed, or only the sane rows. */
static void test_files_hostile(void **state)
{
    static const struct file_note sane = {
        .count = 3, .page = 4096, .rows = {{1, 2, 0}, {2, 3, 0}, {3, 4, 0}}, .paths = "a\0b\0c"};
    struct {
        struct file_note note;
        size_t len, left;
    } rows[] = {{sane, sizeof sane, 3},
                {sane, sizeof sane - sizeof sane.paths, 0},     /* no path */
                {sane, sizeof sane - sizeof sane.paths + 3, 2}, /* one too few */
                {sane, sizeof sane - sizeof sane.paths + 5, 3}, /* the last one is not terminated */
                {sane, 16, 0},
                {sane, 15, 0},
                {sane, sizeof sane, 0},
                {sane, sizeof sane, 0},
                {sane, sizeof sane, 0},
                {sane, sizeof sane, 2},
                {sane, sizeof sane, 2},
                {sane, sizeof sane, 2},
                {sane, sizeof sane, 2}};
    (void)state;
    rows[6].note.count = UINT64_MAX;
    rows[7].note.count = UINT64_MAX / 24 + 2; /* times 24 is small again */
    rows[8].note.page = 0;
    rows[9].note.rows[1][2] = UINT64_MAX / 4096 + 1; /* an offset that overflows */
    rows[10].note.rows[1][0] = 3;                    /* no bytes */
    rows[11].note.rows[2][0] = 2;                    /* over another */
    rows[12].note.rows[0][1] = UINT64_MAX;           /* over all the others */
    rows[12].left = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made *m = begin();
        add_files(m, &rows[i].note, rows[i].len);
        assert_int_equal(open_made(m), GS_OK);
        if (m->core.file_count != rows[i].left)
            print_error("row %zu\n", i);
        assert_int_equal(m->core.file_count, rows[i].left);
        end(m);
    }
}

/* ---- notes that lie about their sizes ---- */

static void test_notes_hostile(void **state)
{
    static const uint32_t sizes[] = {UINT32_MAX, UINT32_MAX - 2, UINT32_MAX - 3, 1 << 31, ROOM, 400};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        struct made *m = begin();
        Elf64_Nhdr *note = (Elf64_Nhdr *)(m->bytes + NOTES_AT + m->notes);
        add_thread(m, 43, 0);
        *(i % 2 ? &note->n_namesz : &note->n_descsz) = sizes[i / 2];
        assert_int_equal(open_made(m), GS_OK);
        assert_int_equal(m->core.thread_count, 1);
        end(m);
    }
}

static void test_notes_place(void **state)
{
    static const uint64_t places[] = {ROOM, ROOM - 1, UINT64_MAX, UINT64_MAX - 4096, NOTES_AT + 1};
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct made *m = begin();
        segment(m, 0)->p_offset = places[i];
        segment(m, 0)->p_filesz = i % 2 ? 4096 : UINT64_MAX;
        assert_int_equal(open_made(m), GS_FAILED);
        end(m);
    }
    struct made *m = begin(); /* the notes go on to the end of the file */
    segment(m, 0)->p_filesz = UINT64_MAX;
    assert_int_equal(open_made(m), GS_OK);
    assert_int_equal(m->core.thread_count, 1);
    end(m);
}

/* The same notes over and over, by as many headers as there may be. */
static void test_notes_without_end(void **state)
{
    struct made *m = begin();
    (void)state;
    size_t count = (ROOM - PAGE) / sizeof(Elf64_Phdr) - 1;
    memmove(m->bytes + ROOM - 2048, m->bytes + NOTES_AT, m->notes);
    Elf64_Phdr note = *segment(m, 0);
    note.p_offset = ROOM - 2048;
    note.p_filesz = 2048;
    memset(m->bytes + ROOM - 2048 + m->notes, 0, 2048 - m->notes);
    for (size_t i = 0; i < count; i++)
        *segment(m, i) = note;
    header(m)->e_phnum = (Elf64_Half)(count < PN_XNUM ? count : PN_XNUM - 1);
    assert_int_equal(open_made(m), GS_OK);
    assert_true(m->core.thread_count <= GS_CORE_THREADS_MAX && m->core.note_count <= 1 << 20);
    end(m);
}

/* ---- memory ---- */

static void test_memory(void **state)
{
    struct made *m = begin();
    uint8_t got[16];
    (void)state;
    memcpy(m->bytes + MEMORY_AT, "abcdefgh", 8);
    memcpy(m->bytes + MEMORY_AT + PAGE, "12345678", 8);
    add_load(m, 0x20008, 8, MEMORY_AT + PAGE, 8);
    add_load(m, 0x20000, 8, MEMORY_AT, 8);
    add_load(m, 0x30000, PAGE, MEMORY_AT, 4); /* the rest was not dumped */
    assert_int_equal(open_made(m), GS_OK);
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
    end(m);
}

static void test_overlapping(void **state)
{
    struct made *m = begin();
    uint8_t got[8];
    (void)state;
    memcpy(m->bytes + MEMORY_AT, "aaaaaaaa", 8);
    memcpy(m->bytes + MEMORY_AT + PAGE, "bbbbcccc", 8);
    add_load(m, 0x20004, 8, MEMORY_AT + PAGE, 8); /* half of it lies over the next */
    add_load(m, 0x20000, 8, MEMORY_AT, 8);
    add_load(m, 0x20002, 2, MEMORY_AT + PAGE, 2); /* all of it does */
    add_load(m, 0x20000, 8, MEMORY_AT + PAGE, 8); /* the same place: the first in the file counts */
    assert_int_equal(open_made(m), GS_OK);
    assert_int_equal(m->core.segment_count, 2);
    assert_int_equal(gs_core_read(&m->core, 0x20004, got, 8), 8);
    assert_memory_equal(got, "aaaacccc", 8);
    end(m);
}

static void test_segments_hostile(void **state)
{
    struct made *m = begin();
    uint8_t got[8];
    (void)state;
    add_load(m, UINT64_MAX - 7, 16, MEMORY_AT, 16);       /* beyond the end of the address space */
    add_load(m, UINT64_MAX - 7, 7, MEMORY_AT, 7);         /* up to it */
    add_load(m, 0x20000, PAGE, UINT64_MAX - 8, PAGE);     /* bytes beyond any file */
    add_load(m, 0x30000, PAGE, MEMORY_AT, UINT64_MAX);    /* more bytes than memory */
    add_load(m, 0x40000, UINT64_MAX / 2, ROOM - 4, PAGE); /* cut off */
    assert_int_equal(open_made(m), GS_OK);
    assert_int_equal(gs_core_read(&m->core, UINT64_MAX - 7, got, 8), 7);
    assert_int_equal(gs_core_read(&m->core, 0x20000, got, 8), 0);
    assert_int_equal(gs_core_read(&m->core, 0x30ffc, got, 8), 4);
    assert_int_equal(gs_core_read(&m->core, 0x40000, got, 8), 4);
    assert_int_equal(m->core.whole_bytes, ROOM - 4 + PAGE);
    end(m);
}

static void test_many_segments(void **state)
{
    struct made *m = begin();
    Elf64_Shdr *section = (Elf64_Shdr *)(m->bytes + ROOM - sizeof *section);
    (void)state;
    header(m)->e_shoff = ROOM - sizeof *section;
    add_load(m, 0x20000, 8, MEMORY_AT, 8);
    section->sh_info = (Elf64_Word)m->segments;
    header(m)->e_phnum = PN_XNUM;
    assert_int_equal(open_made(m), GS_OK);
    assert_int_equal(m->core.segment_count, 1);
    section->sh_info = GS_CORE_SEGMENTS_MAX; /* more than there are bytes: those that are there */
    reopen(m);
    section->sh_info = GS_CORE_SEGMENTS_MAX + 1;
    free((void *)m->core.bytes.memory);
    gs_core_close(&m->core);
    assert_int_equal(open_made(m), GS_FAILED);
    header(m)->e_shoff = UINT64_MAX - 8;
    free((void *)m->core.bytes.memory);
    gs_core_close(&m->core);
    refused(m, "it is cut off: its list of segments is missing");
}

/* ---- what is none ---- */

static void test_refused(void **state)
{
    struct made *m = begin();
    (void)state;
    m->size = 0;
    refused(m, "it is empty");
    (m = begin())->size = 63;
    refused(m, "it is not a core file, or its beginning is all that there is of it");
    (m = begin())->bytes[1] = 'X';
    refused(m, "it is not a core file");
    header(m = begin())->e_type = ET_DYN;
    refused(m, "it is a program or a library, not a core file");
    header(m = begin())->e_machine = EM_AARCH64;
    refused(m, "it is the core of a 64-bit process on aarch64; this gilspy reads those of 64-bit processes on x86-64");
    header(m = begin())->e_machine = EM_386;
    m->bytes[EI_CLASS] = ELFCLASS32;
    refused(m, "it is the core of a 32-bit process on i386; this gilspy reads those of 64-bit processes on x86-64");
    (m = begin())->bytes[EI_DATA] = ELFDATA2MSB;
    refused(m, "it comes from a big-endian machine; this gilspy reads cores of x86-64");
    header(m = begin())->e_phentsize = 57;
    refused(m, "its headers make no sense");
    (m = begin())->notes = 0;
    segment(m, 0)->p_filesz = 0;
    refused(m, "it says nothing of any thread");
    (m = begin())->size = NOTES_AT;
    refused(m, "it is cut off, and the list of the process's threads is in the missing part");
}

/* Every length of a core: nothing but the missing part is missing. */
static void test_cut_off(void **state)
{
    struct made *m = begin();
    (void)state;
    add_load(m, 0x20000, 64, NOTES_AT + 1024, 64);
    for (m->size = NOTES_AT + 1088; m->size > 0; m->size--) {
        uint8_t got[64];
        enum gs_status status = open_made(m);
        assert_true(status == GS_OK || status == GS_FAILED);
        assert_int_equal(status == GS_OK, m->size >= NOTES_AT + m->notes);
        size_t there = m->size > NOTES_AT + 1024 ? m->size - NOTES_AT - 1024 : 0;
        if (status == GS_OK)
            assert_int_equal(gs_core_read(&m->core, 0x20000, got, sizeof got), there);
        free((void *)m->core.bytes.memory);
        gs_core_close(&m->core);
    }
    m->core.bytes.memory = NULL;
    end(m);
}

/* A file that shrinks after it was opened. */
static void test_shrinking(void **state)
{
    char name[] = "/tmp/gilspy-core-XXXXXX";
    int fd = mkstemp(name);
    struct made *m = begin();
    struct gs_bytes bytes;
    uint8_t got[8];
    (void)state;
    assert_true(fd >= 0);
    unlink(name);
    add_load(m, 0x20000, PAGE, MEMORY_AT, PAGE);
    assert_int_equal(write(fd, m->bytes, m->size), m->size);
    assert_true(gs_bytes_of_file(&bytes, fd, NULL, "reading", false));
    assert_int_equal(gs_core_open(&m->core, &bytes, &m->err), GS_OK);
    assert_int_equal(gs_core_read(&m->core, 0x20000, got, 8), 8);
    assert_int_equal(ftruncate(fd, MEMORY_AT + 4), 0);
    assert_int_equal(gs_core_read(&m->core, 0x20000, got, 8), 0);
    assert_int_equal(gs_core_read(&m->core, 0x20000, got, 4), 4);
    close(fd);
    end(m);
}

/* ---- registers ---- */

static void test_registers(void **state)
{
    static const struct {
        uint64_t orig, result;
        int call;
    } rows[] = {{202, (uint64_t)-516, 202},
                {0, (uint64_t)-512, 0},
                {230, (uint64_t)-514, 230},
                {232, (uint64_t)-EINTR, 232},
                {60, (uint64_t)-ENOSYS, 60},
                {0, 0xfffffe00, 0},
                {0, (uint64_t)-511, -1},
                {0, (uint64_t)-517, -1},
                {234, 0, -1},
                {0, 1, -1},
                {UINT64_MAX, (uint64_t)-512, -1},
                {UINT64_C(1) << 32, (uint64_t)-512, -1},
                {0, 0x12fffffe00, -1},
                {1, (uint64_t)-EAGAIN, -1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gs_arch_thread thread;
        struct user_regs_struct registers = {.orig_rax = rows[i].orig, .rax = rows[i].result, .rdi = 5};
        gs_arch_thread_read(&thread, &registers);
        assert_int_equal(thread.call, rows[i].call);
        assert_int_equal(thread.args[0], rows[i].call >= 0 ? 5 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_process),
                                       cmocka_unit_test(test_notes_of_others),
                                       cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_files_hostile),
                                       cmocka_unit_test(test_notes_hostile),
                                       cmocka_unit_test(test_notes_place),
                                       cmocka_unit_test(test_notes_without_end),
                                       cmocka_unit_test(test_memory),
                                       cmocka_unit_test(test_overlapping),
                                       cmocka_unit_test(test_segments_hostile),
                                       cmocka_unit_test(test_many_segments),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_cut_off),
                                       cmocka_unit_test(test_shrinking),
                                       cmocka_unit_test(test_registers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
