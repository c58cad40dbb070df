/* ELF files, as libelf reads them for us. The input is the file. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/file.h"
#include "elf/stubs.h"
#include "fuzz/mutate.h"
#include "fuzz/target.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"_PyRuntime", "interp_head", "gil_locked"};
    uint64_t values[3];
    int fd = memfd_create("elf", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return -1;
    struct gs_elf_file *file = gs_elf_file_open(fd);
    if (file) {
        gs_elf_file_section(file, ".PyRuntime", NULL);
        gs_elf_file_symbols(file, names, values, 3);
    }
    struct gs_symtab symtab = {0};
    if (gs_symtab_add(&symtab, fd))
        gs_stubs_add(&symtab, fd);
    gs_symtab_sort(&symtab);
    gs_symtab_find(&symtab, 0x1000);
    gs_symtab_fini(&symtab);
    gs_elf_file_close(file);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct dice dice = {seed | 1};
    if (size < 64 || dice_roll(&dice, 8) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t i = 1 + dice_roll(&dice, 3); i > 0; i--)
        mutate_word(data, size, &dice);
    return size;
}
