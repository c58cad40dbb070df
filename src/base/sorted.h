/* Where something is in a sorted list, or would be. */
#ifndef GS_BASE_SORTED_H
#define GS_BASE_SORTED_H

#include <stddef.h>

/* The first index `i` from 0 on for which the condition does not hold, `count` when it always does. The condition is an
 * expression of i that holds up to some index and not from there on: list[i].key < key finds the first key that is not
 * below, list[i].key <= key the first that is above. */
#define GS_FIRST_NOT(i, count, condition)                                                                              \
    __extension__({                                                                                                    \
        size_t low_ = 0, high_ = (count);                                                                              \
        while (low_ < high_) {                                                                                         \
            size_t i = low_ + (high_ - low_) / 2;                                                                      \
            if (condition)                                                                                             \
                low_ = i + 1;                                                                                          \
            else                                                                                                       \
                high_ = i;                                                                                             \
        }                                                                                                              \
        low_;                                                                                                          \
    })

#endif
