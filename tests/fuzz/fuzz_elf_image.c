/* ELF images in a target's memory. The input: the bytes from the image's base on. */
#include <string.h>

#include "elf/image.h"
#include "fuzz/book.h"
#include "fuzz/mutate.h"
#include "fuzz/target.h"

enum { BASE = 0x400000, BYTES_MAX = 1 << 20 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"_PyRuntime", "PyCode_Type", "Py_Version", "Py_GetVersion", ""};
    struct gs_mem *mem = book_new();
    struct gs_image image;
    book_write(mem, BASE, data, size < BYTES_MAX ? size : BYTES_MAX);
    if (gs_image_open(&image, mem, BASE) == GS_OK) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            gs_image_symbol(&image, names[i]);
    }
    gs_mem_free(mem);
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
