/* What a core leaves out, from the files that were mapped: made by hand, in a folder of the test's own. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mem/core.h"
#include "support/unit.h"

enum { PAGE = 4096, FILE_BYTES = 4 * PAGE, PHDRS = 64, ID_AT = 400, ID_LEN = 20, LATER = 1 << 30 };
#define BASE UINT64_C(0x7f0000000000)

/* A program with a constant segment in the file's pages 0 and 1, at the same place in memory, and a writable one in its
 * pages 1 and 2, which lies one page further up in memory. */
static void make_elf(uint8_t bytes[FILE_BYTES], uint8_t id)
{
    memset(bytes, 0, FILE_BYTES);
    for (size_t i = PAGE / 2; i < FILE_BYTES; i++)
        bytes[i] = (uint8_t)(i / 64 + id);
    *(Elf64_Ehdr *)bytes = (Elf64_Ehdr){.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
                                        .e_type = ET_DYN,
                                        .e_machine = GS_ARCH_ELF_MACHINE,
                                        .e_phoff = PHDRS,
                                        .e_phentsize = sizeof(Elf64_Phdr),
                                        .e_phnum = 3};
    Elf64_Phdr *segments = (Elf64_Phdr *)(bytes + PHDRS);
    segments[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = 2 * PAGE, .p_memsz = 2 * PAGE};
    segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                               .p_flags = PF_R | PF_W,
                               .p_offset = PAGE + 100,
                               .p_vaddr = 2 * PAGE + 100,
                               .p_filesz = PAGE,
                               .p_memsz = 2 * PAGE};
    segments[2] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = ID_AT - 16, .p_filesz = 16 + ID_LEN, .p_align = 4};
    *(Elf64_Nhdr *)(bytes + ID_AT - 16) = (Elf64_Nhdr){4, ID_LEN, NT_GNU_BUILD_ID};
    memcpy(bytes + ID_AT - 4, "GNU", 4);
    memset(bytes + ID_AT, id, ID_LEN);
}

/* A core that has the first page of a program, or nothing of it. The file lies at `path`; the process saw it at `seen`.
 */
struct world {
    char root[64], path[128], seen[128];
    uint8_t elf[FILE_BYTES];
    struct gs_core core;
    struct gs_core_segment segment;
    struct gs_core_file files[2];
    struct gs_core_files *list;
    struct gs_mem *mem;
};

static void put(const char *path, const void *bytes)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0 && write(fd, bytes, FILE_BYTES) == FILE_BYTES);
    close(fd);
}

static void begin(struct world *w)
{
    memset(w, 0, sizeof *w);
    strcpy(w->root, "/tmp/gilspy-files-XXXXXX");
    assert_non_null(mkdtemp(w->root));
    snprintf(w->path, sizeof w->path, "%s/program", w->root);
    strcpy(w->seen, w->path);
    make_elf(w->elf, 1);
    put(w->path, w->elf);
    gs_bytes_of_memory(&w->core.bytes, w->elf, PAGE);
    w->segment = (struct gs_core_segment){.start = BASE, .end = BASE + PAGE, .dumped = PAGE, .executable = true};
    w->files[0] = (struct gs_core_file){BASE, BASE + 2 * PAGE, 0, w->seen, false};
    w->files[1] = (struct gs_core_file){BASE + 2 * PAGE, BASE + 4 * PAGE, PAGE, w->seen, false};
    w->core.segments = &w->segment;
    w->core.segment_count = 1;
    w->core.files = w->files;
    w->core.file_count = 2;
    w->core.auxv[0] = (struct gs_core_aux){AT_PHDR, BASE + PHDRS};
    w->core.aux_count = 1;
}

/* From now on the core has nothing of the file. */
static void forget_first_page(struct world *w)
{
    w->segment.dumped = 0;
}

static void close_list(struct world *w)
{
    gs_mem_free(w->mem);
    gs_core_files_free(w->list);
}

/* made_at_s: seconds after now at which the core was made. */
static void open_list(struct world *w, const char *exe, const char *ids, int made_at_s)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct gs_core_files_options options = {exe, ((int64_t)now.tv_sec + made_at_s) * 1000000000, ids, NULL};
    close_list(w);
    w->list = gs_core_files_new(&w->core, &options);
    w->mem = gs_mem_core_new(&w->core, w->list);
    assert_true(w->list && w->mem);
}

static void end(struct world *w)
{
    close_list(w);
    unlink(w->path);
    rmdir(w->root);
}

/* The second page can be read, and is the file's. */
static bool is_there(struct world *w)
{
    uint8_t got[PAGE];
    if (gs_mem_read(w->mem, BASE + PAGE, got, PAGE))
        return false;
    assert_memory_equal(got, w->elf + PAGE, PAGE);
    return true;
}

static void assert_lack(struct world *w, const char *file, const char *reason)
{
    const char *path, *why;
    assert_false(is_there(w));
    assert_true(gs_core_files_lack(w->list, 0, &path, &why));
    assert_string_equal(path, file);
    assert_string_equal(why, reason);
    assert_false(gs_core_files_lack(w->list, 1, &path, &why));
    assert_int_equal(gs_core_files_open(w->list, BASE), -1);
}

UNIT_TEST(test_constant_memory)
{
    struct world w;
    uint8_t got[2 * PAGE];
    const char *path, *why;
    begin(&w);
    open_list(&w, NULL, NULL, 0);
    assert_int_equal(gs_mem_read(w.mem, BASE, got, 2 * PAGE), GS_OK); /* from the core, and on from the file */
    assert_memory_equal(got, w.elf, 2 * PAGE);
    assert_int_equal(gs_mem_read(w.mem, BASE + PAGE - 4, got, 8), GS_OK);
    assert_memory_equal(got, w.elf + PAGE - 4, 8);
    /* What the process may have changed since is not read, though the file has it. */
    assert_int_equal(gs_mem_read(w.mem, BASE + 2 * PAGE - 4, got, 8), GS_UNREADABLE);
    assert_int_equal(gs_mem_read(w.mem, BASE + 2 * PAGE, got, 1), GS_UNREADABLE);
    assert_int_equal(gs_mem_read(w.mem, BASE + 3 * PAGE, got, 1), GS_UNREADABLE);
    assert_int_equal(gs_mem_read(w.mem, BASE - 1, got, 1), GS_UNREADABLE);
    assert_int_equal(gs_mem_read(w.mem, UINT64_MAX, got, 2), GS_UNREADABLE);
    assert_int_equal(gs_mem_read(w.mem, UINT64_MAX - 1, got, 4), GS_UNREADABLE);
    assert_false(gs_core_files_lack(w.list, 0, &path, &why));
    struct gs_piece pieces[2] = {{BASE + 2 * PAGE, got, 4, true}, {BASE + PAGE, got, 4, false}};
    assert_int_equal(gs_mem_read_many(w.mem, pieces, 2), GS_OK);
    assert_true(!pieces[0].ok && pieces[1].ok);
    int fd = gs_core_files_open(w.list, BASE + 100);
    assert_true(fd >= 0 && pread(fd, got, 4, 0) == 4 && memcmp(got, ELFMAG, 4) == 0);
    close(fd);
    end(&w);
}

UNIT_TEST(test_other_build)
{
    struct world w;
    uint8_t other[FILE_BYTES];
    begin(&w);
    make_elf(other, 2);
    put(w.path, other);
    open_list(&w, NULL, NULL, LATER);
    assert_lack(&w, w.path, "is not the one that it ran: build id differs");
    make_elf(other, 1); /* the same id, but laid out otherwise, as debug information of its own is */
    ((Elf64_Phdr *)(other + PHDRS))->p_filesz = 0;
    put(w.path, other);
    open_list(&w, NULL, NULL, LATER);
    assert_lack(&w, w.path, "is not the one that it ran: its contents differ");
    memset(other, 0, sizeof other);
    put(w.path, other);
    open_list(&w, NULL, NULL, LATER);
    assert_lack(&w, w.path, "is not the one that it ran: it is no ELF file");
    end(&w);
}

UNIT_TEST(test_without_build_id)
{
    struct world w;
    uint8_t other[FILE_BYTES];
    begin(&w);
    memset(w.elf + ID_AT - 4, 0, 4);
    put(w.path, w.elf);
    open_list(&w, NULL, NULL, 0);
    assert_true(is_there(&w));
    memcpy(other, w.elf, sizeof other);
    other[PAGE - 1] ^= 1; /* one byte of the first page */
    put(w.path, other);
    open_list(&w, NULL, NULL, LATER);
    assert_lack(&w, w.path, "is not the one that it ran: its contents differ");
    end(&w);
}

/* What --exe names is judged also when nobody needed it. */
UNIT_TEST(test_misled)
{
    struct world w;
    uint8_t other[FILE_BYTES];
    char wrong[sizeof w.path + 8];
    const char *path, *why;
    begin(&w);
    snprintf(wrong, sizeof wrong, "%s/other", w.root);
    make_elf(other, 2);
    put(wrong, other);
    for (int needed = 0; needed < 2; needed++) {
        open_list(&w, wrong, NULL, LATER);
        if (needed)
            assert_true(is_there(&w)); /* out of the file that is where the program was */
        assert_string_equal(gs_core_files_misled(w.list), "is not the one that it ran: build id differs");
        open_list(&w, w.path, NULL, LATER);
        assert_null(gs_core_files_misled(w.list));
    }
    unlink(w.path);
    open_list(&w, wrong, NULL, LATER);
    assert_non_null(gs_core_files_misled(w.list));
    assert_false(gs_core_files_lack(w.list, 0, &path, &why)); /* the program is not missed: nobody needed it */
    open_list(&w, NULL, NULL, LATER);
    assert_null(gs_core_files_misled(w.list));
    unlink(wrong);
    end(&w);
}

UNIT_TEST(test_no_file)
{
    struct world w;
    begin(&w);
    unlink(w.path);
    open_list(&w, NULL, NULL, 0);
    assert_lack(&w, w.path, "is missing");
    assert_int_equal(mkfifo(w.path, 0600), 0);
    open_list(&w, NULL, NULL, 0);
    assert_lack(&w, w.path, "is no regular file");
    unlink(w.path);
    assert_int_equal(mkdir(w.path, 0700), 0);
    open_list(&w, NULL, NULL, 0);
    assert_lack(&w, w.path, "is no regular file");
    rmdir(w.path);
    end(&w);
}

/* The core has nothing to compare the file with: it counts if it did not change since, and its segments are where they
 * were. */
UNIT_TEST(test_first_page_missing)
{
    static const char newer[] =
        "may be another one than it ran: it is newer than the core, which has nothing to compare it with";
    static const char differs[] = "is not the one that it ran: its contents differ";
    struct world w;
    begin(&w);
    forget_first_page(&w);
    open_list(&w, NULL, NULL, LATER);
    assert_true(is_there(&w));
    open_list(&w, NULL, NULL, -10);
    assert_lack(&w, w.path, newer);
    open_list(&w, w.path, NULL, -10); /* the user says that it is this one */
    assert_true(is_there(&w));
    w.files[0].deleted = w.files[1].deleted = true;
    open_list(&w, NULL, NULL, LATER);
    assert_lack(&w, w.path, newer);
    w.files[0].deleted = w.files[1].deleted = false;
    w.files[1].end += PAGE;
    open_list(&w, NULL, NULL, LATER);
    assert_lack(&w, w.path, differs);
    w.files[1].end -= 2 * PAGE;
    open_list(&w, NULL, NULL, LATER);
    assert_lack(&w, w.path, differs);
    w.files[1] = (struct gs_core_file){BASE + 3 * PAGE, BASE + 5 * PAGE, PAGE, w.seen, false};
    open_list(&w, NULL, NULL, LATER);
    assert_lack(&w, w.path, differs);
    end(&w);
}

/* Two libraries of a container, whose root is elsewhere now. */
UNIT_TEST(test_other_root)
{
    struct world w;
    const char *path, *why;
    uint8_t got[4];
    char library[140];
    begin(&w);
    strcpy(w.seen, "/program");
    open_list(&w, NULL, NULL, 0);
    assert_lack(&w, "/program", "is missing");
    open_list(&w, w.path, NULL, 0);
    assert_true(is_there(&w));
    assert_ptr_equal(gs_core_files_program(w.list), &w.files[0]);

    struct gs_core_file files[3] = {w.files[0], w.files[1], {2 * BASE, 2 * BASE + 2 * PAGE, 0, "/library", false}};
    struct gs_core_segment segments[2] = {w.segment, w.segment};
    segments[1].start = 2 * BASE;
    segments[1].end = 2 * BASE + PAGE;
    w.core.files = files;
    w.core.file_count = 3;
    w.core.segments = segments;
    w.core.segment_count = 2;
    snprintf(library, sizeof library, "%s/library", w.root);
    put(library, w.elf);
    open_list(&w, w.path, NULL, 0);
    assert_int_equal(gs_mem_read(w.mem, 2 * BASE + PAGE, got, 4), GS_OK);
    open_list(&w, library, NULL, 0); /* not the path that it had: no root */
    assert_int_equal(gs_mem_read(w.mem, 2 * BASE + PAGE, got, 4), GS_UNREADABLE);
    assert_true(gs_core_files_lack(w.list, 0, &path, &why));
    assert_string_equal(path, "/library");
    assert_true(is_there(&w));
    unlink(library);
    end(&w);
}

UNIT_TEST(test_by_build_id)
{
    struct world w;
    char folder[140], path[240];
    begin(&w);
    unlink(w.path);
    snprintf(folder, sizeof folder, "%s/01", w.root);
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/01010101010101010101010101010101010101", folder);
    put(path, w.elf);
    open_list(&w, NULL, w.root, 0);
    assert_true(is_there(&w));
    unlink(path);
    rmdir(folder);
    end(&w);
}

/* Data that was mapped, as a table of a locale: nobody misses it. */
UNIT_TEST(test_no_elf)
{
    struct world w;
    const char *path, *why;
    begin(&w);
    memset(w.elf, 'x', PAGE);
    put(w.path, w.elf);
    open_list(&w, NULL, NULL, 0);
    assert_false(is_there(&w));
    assert_false(gs_core_files_lack(w.list, 0, &path, &why));
    end(&w);
}

/* Headers of a file that lie. */
UNIT_TEST(test_hostile_file)
{
    static const uint64_t values[] = {UINT64_MAX, UINT64_MAX - PAGE, UINT64_MAX / 2, 0, 1};
    struct world w;
    uint8_t got[8];
    begin(&w);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (size_t field = 0; field < 5; field++) {
            for (size_t segment = 0; segment < 3; segment++) {
                make_elf(w.elf, 1);
                memcpy(w.elf + PHDRS + segment * sizeof(Elf64_Phdr) + 8 + 8 * field, &values[i], 8);
                put(w.path, w.elf);
                open_list(&w, NULL, NULL, LATER);
                for (gs_addr addr = BASE; addr < BASE + 4 * PAGE; addr += PAGE / 2)
                    (void)!gs_mem_read(w.mem, addr, got, sizeof got);
                forget_first_page(&w);
                open_list(&w, NULL, NULL, LATER);
                (void)!gs_mem_read(w.mem, BASE + PAGE, got, sizeof got);
                w.core.segment_count = 1;
            }
        }
    }
    end(&w);
}
