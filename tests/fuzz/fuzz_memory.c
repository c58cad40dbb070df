/* The whole decoder and the renderings over the image of a process. */
#include <locale.h>
#include <string.h>

#include "fuzz/image.h"
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
    struct gs_target *target = image_target(data, size);
    struct show show;
    if (!target)
        return -1;
    show_target(&show, target, true);
    show_fini(&show);
    gs_target_close(target);
    return 0;
}

/* Where a word of the image's memory was at home: some address that its regions have. */
static uint64_t some_address(const uint8_t *data, struct dice *dice)
{
    struct image_head head;
    struct image_region region;
    memcpy(&head, data, sizeof head);
    uint32_t count = head.region_count < IMAGE_REGIONS_MAX ? head.region_count : IMAGE_REGIONS_MAX;
    if (count == 0)
        return 0;
    size_t at = image_bytes_at(data, SIZE_MAX) - (count - dice_roll(dice, count)) * sizeof region;
    memcpy(&region, data + at, sizeof region);
    return region.addr + dice_roll(dice, region.len / 8 + 1) * 8;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct dice dice = {seed | 1};
    size_t begin = image_bytes_at(data, size);
    if (begin == 0 || dice_roll(&dice, 16) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t i = 1 + dice_roll(&dice, 4); i > 0; i--) {
        if (dice_roll(&dice, 3) == 0 && size - begin >= 8) {
            uint64_t addr = some_address(data, &dice);
            memcpy(data + begin + dice_roll(&dice, (size - begin) / 8) * 8, &addr, sizeof addr);
        } else {
            mutate_word(data + begin, size - begin, &dice);
        }
    }
    return size;
}
