/* _Py_DebugOffsets: any table is either refused, or all that comes out of it lies within bounds. The input is the
 * table. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/book.h"
#include "fuzz/mutate.h"
#include "fuzz/offsets.h"
#include "fuzz/target.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gs_mem *mem = book_new();
    struct gs_layout layout;
    struct gs_err err;
    if (size > 64 * 1024)
        size = 64 * 1024;
    book_write(mem, OFFSETS_AT, data, size);
    if (gs_layout_from_target(&layout, mem, OFFSETS_AT, 0, &err) == GS_OK)
        offsets_check(&layout);
    gs_mem_free(mem);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct dice dice = {seed | 1};
    if (size < 64 || dice_roll(&dice, 16) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t i = 1 + dice_roll(&dice, 3); i > 0; i--) {
        uint64_t value = mutate_extremes[dice_roll(&dice, MUTATE_EXTREMES)];
        size_t at = 16 + dice_roll(&dice, (size - 16) / 8) * 8;
        if (dice_roll(&dice, 2))
            memcpy(data + at, &value, sizeof value);
        else
            mutate_word(data + 16, size - 16, &dice);
    }
    return size;
}
