/* Changes of words in place: tables keep their shape, and numbers become those that go wrong. */
#ifndef TESTS_MUTATE_H
#define TESTS_MUTATE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dice {
    uint64_t state; /* not 0 */
};

/* Below `sides`, which is not 0. */
static inline size_t dice_roll(struct dice *dice, size_t sides)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return (size_t)(dice->state % sides);
}

static const uint64_t mutate_extremes[] = {0,
                                           1,
                                           7,
                                           8,
                                           0xff,
                                           0x7fff,
                                           0xffff,
                                           0x10000,
                                           0x7fffffff,
                                           0x80000000,
                                           0xffffffff,
                                           UINT64_C(1) << 32,
                                           UINT64_C(1) << 40,
                                           UINT64_C(1) << 62,
                                           UINT64_C(0x7fffffffffffffff),
                                           UINT64_C(1) << 63,
                                           UINT64_MAX - 7,
                                           UINT64_MAX};
enum { MUTATE_EXTREMES = sizeof mutate_extremes / sizeof *mutate_extremes };

/* Changes one word of 1, 2, 4 or 8 bytes. */
static inline void mutate_word(uint8_t *bytes, size_t size, struct dice *dice)
{
    size_t width = (size_t)1 << dice_roll(dice, 4), choice = dice_roll(dice, 5);
    if (size < width)
        return;
    uint8_t *at = bytes + dice_roll(dice, size / width) * width;
    uint64_t value = 0;
    memcpy(&value, at, width);
    if (choice == 0)
        value = mutate_extremes[dice_roll(dice, MUTATE_EXTREMES)];
    else if (choice == 1)
        value ^= UINT64_C(1) << dice_roll(dice, 8 * width);
    else if (choice == 2)
        value += dice_roll(dice, 33) - 16;
    else if (choice == 3)
        memcpy(&value, bytes + dice_roll(dice, size / width) * width, width);
    else
        value = dice->state;
    memcpy(at, &value, width);
}

#endif
