/* Symbols of a file, of this program's own; names as they were written. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elf.h>

#include "base/regular.h"
#include "elf/file.h"
#include "native/symbols.h"
#include "support/unit.h"

/* It is looked for by its name. */
void gs_test_landmark(void);
void __attribute__((noinline)) gs_test_landmark(void)
{
    __asm__ volatile("nop; nop; nop; nop");
}

static const struct gs_symbol *find_named(const struct gs_symtab *symtab, const char *name)
{
    for (size_t i = 0; i < symtab->count; i++) {
        if (strcmp(gs_symtab_name(symtab, &symtab->list[i]), name) == 0)
            return &symtab->list[i];
    }
    return NULL;
}

static void functions_of_this_program(void **state)
{
    struct gs_symtab symtab = {0};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && gs_symtab_add(&symtab, fd));
    gs_symtab_sort(&symtab);
    const struct gs_symbol *landmark = find_named(&symtab, "gs_test_landmark");
    assert_non_null(landmark);
    for (uint64_t i = 0; i < landmark->size; i++) {
        const struct gs_symbol *found = gs_symtab_find(&symtab, landmark->addr + i);
        assert_non_null(found);
        assert_string_equal(gs_symtab_name(&symtab, found), "gs_test_landmark");
    }
    const struct gs_symbol *behind = gs_symtab_find(&symtab, landmark->addr + landmark->size);
    assert_true(!behind || behind != landmark);
    assert_null(gs_symtab_find(&symtab, 1));
    assert_null(gs_symtab_find(&symtab, UINT64_MAX));
    gs_symtab_fini(&symtab);
    close(fd);
}

/* Stubs by which this program calls other libraries bear the names of what they jump to, not of the last symbol before
 * them. */
static void stubs_of_the_linker(void **state)
{
    struct gs_target *target;
    struct gs_native *native;
    struct gs_err err;
    struct gs_native_options options = {0};
    size_t named = 0;
    assert_int_equal(gs_target_open(&target, getpid(), NULL, &err), GS_OK);
    assert_int_equal(gs_native_new(&native, target, &options), GS_OK);
    struct gs_elf_file *file = gs_elf_file_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    struct gs_module *own = gs_native_module(native, (gs_addr)(uintptr_t)gs_test_landmark);
    assert_true(file && own);
    static const char *const sections[] = {".plt.sec", ".plt", ".plt.got"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        uint64_t len, at = gs_elf_file_section(file, sections[i], &len);
        for (uint64_t stub = 0; stub + 16 <= len; stub += 8) {
            const struct gs_native_name *name = gs_native_name(native, own->bias + at + stub);
            assert_string_not_equal(name->function, "_init");
            named += strcmp(name->function, "getpid@plt") == 0;
        }
    }
    assert_true(named > 0);
    gs_elf_file_close(file);
    gs_native_free(native);
    gs_target_close(target);
}

/* A copy of this program in a file of its own; its path is gone already. */
static int copy_of_this_program(void)
{
    static char bytes[1 << 16];
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = memfd_create("copy", MFD_CLOEXEC);
    assert_int_equal(fchmod(to, 0600), 0); /* as if nobody else might write to it */
    for (ssize_t got; (got = read(from, bytes, sizeof bytes)) > 0;)
        assert_int_equal(write(to, bytes, (size_t)got), got);
    close(from);
    return to;
}

/* Whoever owns a file that is looked at may cut it short, or write something else into it, at any moment: a file that
 * was mapped would kill the reader then. */
static void files_that_are_cut_while_they_are_read(void **state)
{
    static const char *const names[] = {"gs_test_landmark"};
    uint64_t value;
    int line;
    const char *source;
    int fd = copy_of_this_program(), kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    struct gs_elf_file *file = gs_elf_file_open(fd);
    assert_non_null(file);
    assert_true(gs_elf_file_section(file, ".text", NULL) > 0);
    assert_int_equal(gs_elf_file_symbols(file, names, &value, 1), 1);
    gs_elf_file_close(file);
    file = gs_elf_file_open(fcntl(kept, F_DUPFD_CLOEXEC, 0));
    struct gs_lines *lines = gs_lines_open(fcntl(kept, F_DUPFD_CLOEXEC, 0));
    assert_non_null(file);
    assert_int_equal(ftruncate(kept, 100), 0);
    assert_int_equal(gs_elf_file_symbols(file, names, &value, 1), 0);
    for (uint64_t i = 0; lines && i < 64; i++)
        gs_lines_find(lines, (uint64_t)(uintptr_t)gs_test_landmark + i, &source, &line);
    gs_lines_close(lines);
    gs_elf_file_close(file);
    close(kept);
}

/* Sparse files claim sizes that nobody has the memory for. */
static void files_that_claim_too_much(void **state)
{
    struct gs_symtab symtab = {0};
    Elf64_Ehdr head;
    Elf64_Shdr first;
    int fd = copy_of_this_program();
    assert_int_equal(pread(fd, &head, sizeof head, 0), sizeof head);
    assert_int_equal(ftruncate(fd, (off_t)1 << 42), 0);
    for (uint16_t i = 1; i < head.e_shnum; i++) {
        off_t at = (off_t)head.e_shoff + i * (off_t)sizeof first;
        Elf64_Shdr before;
        assert_int_equal(pread(fd, &before, sizeof before, at), sizeof before);
        if (before.sh_type != SHT_STRTAB && before.sh_type != SHT_SYMTAB)
            continue;
        Elf64_Shdr after = before;
        after.sh_size = (uint64_t)1 << 40;
        assert_int_equal(pwrite(fd, &after, sizeof after, at), sizeof after);
        assert_false(gs_symtab_add(&symtab, fd));
        assert_int_equal(pwrite(fd, &before, sizeof before, at), sizeof before);
    }
    assert_true(gs_symtab_add(&symtab, fd));
    assert_int_equal(pread(fd, &first, sizeof first, (off_t)head.e_shoff), sizeof first);
    first.sh_size = (uint64_t)1 << 34; /* sections */
    head.e_shnum = 0;
    assert_int_equal(pwrite(fd, &head, sizeof head, 0), sizeof head);
    assert_int_equal(pwrite(fd, &first, sizeof first, (off_t)head.e_shoff), sizeof first);
    assert_false(gs_symtab_add(&symtab, fd));
    gs_symtab_fini(&symtab);
    close(fd);
}

/* A FIFO in the place of a file is not even opened: whoever writes to it would be told, and we might wait. */
static void no_regular_files(void **state)
{
    char folder[] = "/tmp/gilspy-test-XXXXXX", path[64];
    struct stat st;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(gs_open_regular(path, &st), -1);
    assert_int_equal(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1); /* nobody reads */
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_null(gs_elf_file_open(fcntl(fd, F_DUPFD_CLOEXEC, 0)));
    assert_null(gs_lines_open(fcntl(fd, F_DUPFD_CLOEXEC, 0)));
    close(fd);
    assert_int_equal(unlink(path) | rmdir(folder), 0);
    assert_int_equal(gs_open_regular("/dev/null", &st), -1);
    assert_int_equal(gs_open_regular("/proc/self", &st), -1);
}

/* Each cut of the file ends somewhere in its tables. */
static void files_that_end_too_early(void **state)
{
    static uint8_t bytes[1 << 20];
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ssize_t len = read(from, bytes, sizeof bytes);
    assert_true(len > 4096);
    for (ssize_t cut = 0; cut < len; cut += len / 50 + 1) {
        struct gs_symtab symtab = {0};
        int fd = memfd_create("cut", MFD_CLOEXEC);
        assert_int_equal(write(fd, bytes, (size_t)cut), cut);
        gs_symtab_add(&symtab, fd);
        gs_symtab_sort(&symtab);
        gs_symtab_find(&symtab, 0x1234);
        gs_symtab_fini(&symtab);
        close(fd);
    }
    close(from);
}

static void of_several_names_the_plainest(void **state)
{
    static char names[] = "__poll\0poll\0_poll\0inner\0outer";
    struct gs_symbol list[] = {{0x100, 0x20, 0, false},
                               {0x100, 0x20, 7, false},
                               {0x100, 0x20, 12, true},
                               {0x200, 0x10, 18, false},
                               {0x200, 0, 24, false}};
    struct gs_symtab symtab = {.list = list, .count = 5, .names = names, .names_len = sizeof names};
    gs_symtab_sort(&symtab);
    assert_string_equal(gs_symtab_name(&symtab, gs_symtab_find(&symtab, 0x11f)), "poll");
    assert_null(gs_symtab_find(&symtab, 0x120));
    assert_string_equal(gs_symtab_name(&symtab, gs_symtab_find(&symtab, 0x205)), "inner");
    /* One without a size reaches as far as the next one, or there is none to tell. */
    assert_string_equal(gs_symtab_name(&symtab, gs_symtab_find(&symtab, 0x2ff)), "outer");
    assert_null(gs_symtab_find(&symtab, 0x300));
}

static void names_as_they_were_written(void **state)
{
    static const char *const names[][2] = {
        {"poll", "poll"},
        {"_Z3foov", "foo()"},
        {"_ZN3box6HolderIiE4openEPFiiEi", "box::Holder<int>::open(int (*)(int), int)"},
        {"_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"},
        {"_RNvC5crate4main", "crate::main"},
        {"_Znonsense", "_Znonsense"},
        {"__pyx_pw_4spam_1eggs", "spam.eggs"},
        {"__pyx_pf_4spam_6Butter_2on_toast", "spam.Butter.on_toast"},
        {"__pyx_f_4spam_fast_eggs", "spam.fast_eggs"},
        {"__pyx_pw_4spam_3a_b", "spam.a_b"},
        {"__pyx_pymod_exec_spam", "__pyx_pymod_exec_spam"},
        {"__pyx_f_", "__pyx_f_"},
        {"__pyx_pw_99999999999999999999x", "__pyx_pw_99999999999999999999x"},
        {"", ""},
    };
    char text[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        gs_demangle(names[i][0], text, sizeof text);
        assert_string_equal(text, names[i][1]);
    }
    /* Cut to fit, however much it would unfold to. */
    char small[8];
    gs_demangle("_ZN3box6HolderIiE4openEPFiiEi", small, sizeof small);
    assert_string_equal(small, "box::Ho");
    gs_demangle("__pyx_pw_4spam_1eggs", small, sizeof small);
    assert_string_equal(small, "spam.eg");
    gs_demangle("0123456789", small, sizeof small);
    assert_string_equal(small, "0123456");
    gs_demangle("_Z1fI1AIS0_IS1_IS2_IS3_IS4_IS5_IS6_IS7_IS8_IS9_IS10_EEEEEEEEEEEEvv", text, sizeof text);
    assert_true(strlen(text) < sizeof text);
}

int main(void)
{
    gs_test_landmark();
    const struct CMUnitTest tests[] = {cmocka_unit_test(functions_of_this_program),
                                       cmocka_unit_test(stubs_of_the_linker),
                                       cmocka_unit_test(files_that_are_cut_while_they_are_read),
                                       cmocka_unit_test(files_that_claim_too_much),
                                       cmocka_unit_test(no_regular_files),
                                       cmocka_unit_test(files_that_end_too_early),
                                       cmocka_unit_test(of_several_names_the_plainest),
                                       cmocka_unit_test(names_as_they_were_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
