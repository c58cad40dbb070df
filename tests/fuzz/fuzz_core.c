/* Core files: their headers, their notes, and whatever of a Python is in them. The input is the file. */
#include <locale.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/mutate.h"
#include "fuzz/show.h"
#include "fuzz/target.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    setlocale(LC_CTYPE, "C.UTF-8");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct gs_target *target;
    struct gs_err err;
    struct show show;
    int fd = memfd_create("core", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return -1;
    if (gs_target_open_core(&target, path, NULL, NULL, &err) == GS_OK) {
        show_target(&show, target, true);
        show_fini(&show);
        gs_target_close(target);
    }
    close(fd);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct dice dice = {seed | 1};
    if (size < 64 || dice_roll(&dice, 8) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t i = 1 + dice_roll(&dice, 3); i > 0; i--)
        mutate_word(data, dice_roll(&dice, 2) && size > 4096 ? 4096 : size, &dice);
    return size;
}
