/* Core files made by hand: what is in them, whole, odd and hostile. */
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

#include "support/core_made.h"
#include "support/unit.h"

/* ---- what is in it ---- */

UNIT_TEST(test_process)
{
    struct core_made *m = core_made_begin();
    struct elf_prpsinfo info = {.pr_pid = 40};
    gs_arch_regset registers;
    const uint64_t auxv[] = {AT_PHDR, 0x400040, AT_PAGESZ, 4096, AT_NULL, 0, AT_RANDOM, 1};
    memset(info.pr_fname, 'p', sizeof info.pr_fname); /* not terminated */
    memset(info.pr_psargs, 'a', sizeof info.pr_psargs);
    core_made_thread(m, 41, 0);
    core_made_note(m, "CORE", NT_PRPSINFO, &info, sizeof info);
    core_made_note(m, "CORE", NT_AUXV, auxv, sizeof auxv);
    assert_int_equal(core_made_open(m), GS_OK);
    const struct gs_core *core = &m->core;
    assert_int_equal(core->pid, 40);
    assert_int_equal(strlen(core->comm), 15);
    assert_int_equal(strlen(core->arguments), 80);
    assert_int_equal(core->thread_count, 2);
    assert_int_equal(core->threads[0].tid, 42);
    assert_int_equal(core->threads[0].signal, 11);
    assert_int_equal(core->threads[1].tid, 41);
    memset(&registers, CORE_MADE_REGISTERS, sizeof registers);
    assert_memory_equal(&core->threads[0].registers, &registers, sizeof registers);
    assert_int_equal(gs_core_aux(core, AT_PHDR), 0x400040);
    assert_int_equal(gs_core_aux(core, AT_PAGESZ), 4096);
    assert_int_equal(gs_core_aux(core, AT_RANDOM), 0); /* behind the end of the vector */
    core_made_end(m);
}

UNIT_TEST(test_notes_of_others)
{
    struct core_made *m = core_made_begin();
    struct elf_prstatus status = {.pr_pid = 7};
    core_made_note(m, "LINUX", NT_PRSTATUS, &status, sizeof status);
    core_made_note(m, "COREX", NT_PRSTATUS, &status, sizeof status);
    core_made_note(m, "", NT_PRSTATUS, &status, sizeof status);
    core_made_note(m, "CORE", NT_PRSTATUS, &status, sizeof status - 1); /* too short */
    status.pr_pid = -1;
    core_made_note(m, "CORE", NT_PRSTATUS, &status, sizeof status);
    assert_int_equal(core_made_open(m), GS_OK);
    assert_int_equal(m->core.thread_count, 1);
    core_made_end(m);
}

struct file_note {
    uint64_t count, page, rows[3][3];
    char paths[64];
};

static void add_files(struct core_made *m, const struct file_note *note, size_t len)
{
    core_made_note(m, "CORE", NT_FILE, note, len);
}

UNIT_TEST(test_files)
{
    static const struct file_note note = {.count = 3,
                                          .page = 4096,
                                          .rows = {{0x9000, 0xa000, 5}, {0x1000, 0x3000, 0}, {0x3000, 0x4000, 2}},
                                          .paths = "/other (deleted)\0/bin/python\0/bin/python"};
    struct core_made *m = core_made_begin();
    add_files(m, &note, sizeof note);
    assert_int_equal(core_made_open(m), GS_OK);
    const struct gs_core *core = &m->core;
    assert_int_equal(core->file_count, 3);
    assert_string_equal(core->files[0].path, "/bin/python");
    assert_int_equal(core->files[1].offset, 8192);
    assert_string_equal(core->files[2].path, "/other");
    assert_true(core->files[2].deleted && !core->files[1].deleted);
    assert_ptr_equal(gs_core_file_at(core, 0x3fff), &core->files[1]);
    assert_null(gs_core_file_at(core, 0x4000));
    assert_null(gs_core_file_at(core, 0xfff));
    core_made_end(m);
}

/* Of each of these nothing is believed, or only the sane rows. */
UNIT_TEST(test_files_hostile)
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
    rows[6].note.count = UINT64_MAX;
    rows[7].note.count = UINT64_MAX / 24 + 2; /* times 24 is small again */
    rows[8].note.page = 0;
    rows[9].note.rows[1][2] = UINT64_MAX / 4096 + 1; /* an offset that overflows */
    rows[10].note.rows[1][0] = 3;                    /* no bytes */
    rows[11].note.rows[2][0] = 2;                    /* over another */
    rows[12].note.rows[0][1] = UINT64_MAX;           /* over all the others */
    rows[12].left = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct core_made *m = core_made_begin();
        add_files(m, &rows[i].note, rows[i].len);
        assert_int_equal(core_made_open(m), GS_OK);
        if (m->core.file_count != rows[i].left)
            print_error("row %zu\n", i);
        assert_int_equal(m->core.file_count, rows[i].left);
        core_made_end(m);
    }
}

/* ---- notes that lie about their sizes ---- */

UNIT_TEST(test_notes_hostile)
{
    static const uint32_t sizes[] = {UINT32_MAX, UINT32_MAX - 2, UINT32_MAX - 3, 1 << 31, CORE_MADE_ROOM, 400};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        struct core_made *m = core_made_begin();
        Elf64_Nhdr *note = (Elf64_Nhdr *)(m->bytes + CORE_MADE_NOTES + m->notes);
        core_made_thread(m, 43, 0);
        *(i % 2 ? &note->n_namesz : &note->n_descsz) = sizes[i / 2];
        assert_int_equal(core_made_open(m), GS_OK);
        assert_int_equal(m->core.thread_count, 1);
        core_made_end(m);
    }
}

UNIT_TEST(test_notes_place)
{
    static const uint64_t places[] = {CORE_MADE_ROOM, CORE_MADE_ROOM - 1, UINT64_MAX, UINT64_MAX - 4096,
                                      CORE_MADE_NOTES + 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct core_made *m = core_made_begin();
        core_made_segment(m, 0)->p_offset = places[i];
        core_made_segment(m, 0)->p_filesz = i % 2 ? 4096 : UINT64_MAX;
        assert_int_equal(core_made_open(m), GS_FAILED);
        core_made_end(m);
    }
    struct core_made *m = core_made_begin(); /* the notes go on to the end of the file */
    core_made_segment(m, 0)->p_filesz = UINT64_MAX;
    assert_int_equal(core_made_open(m), GS_OK);
    assert_int_equal(m->core.thread_count, 1);
    core_made_end(m);
}

/* The same notes over and over, by as many headers as there may be. */
UNIT_TEST(test_notes_without_end)
{
    struct core_made *m = core_made_begin();
    size_t count = (CORE_MADE_ROOM - CORE_MADE_PAGE) / sizeof(Elf64_Phdr) - 1;
    memmove(m->bytes + CORE_MADE_ROOM - 2048, m->bytes + CORE_MADE_NOTES, m->notes);
    Elf64_Phdr note = *core_made_segment(m, 0);
    note.p_offset = CORE_MADE_ROOM - 2048;
    note.p_filesz = 2048;
    memset(m->bytes + CORE_MADE_ROOM - 2048 + m->notes, 0, 2048 - m->notes);
    for (size_t i = 0; i < count; i++)
        *core_made_segment(m, i) = note;
    core_made_header(m)->e_phnum = (Elf64_Half)(count < PN_XNUM ? count : PN_XNUM - 1);
    assert_int_equal(core_made_open(m), GS_OK);
    assert_true(m->core.thread_count <= GS_CORE_THREADS_MAX && m->core.note_count <= 1 << 20);
    core_made_end(m);
}
