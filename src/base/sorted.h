/* The order of a list, and where something is in it, or would be. */
#ifndef GS_BASE_SORTED_H
#define GS_BASE_SORTED_H

#include <stddef.h>

/* A function for qsort and bsearch: elements in rising order of a field, then of a second one; or plain numbers. */
#define GS_BY_BOTH(name, type, first, second)                                                                          \
    static int name(const void *left, const void *right)                                                               \
    {                                                                                                                  \
        const type *x_ = left, *y_ = right;                                                                            \
        if (x_->first != y_->first)                                                                                    \
            return x_->first < y_->first ? -1 : 1;                                                                     \
        return (x_->second > y_->second) - (x_->second < y_->second);                                                  \
    }                                                                                                                  \
    _Static_assert(sizeof(type) > 0, "")
#define GS_BY(name, type, field) GS_BY_BOTH(name, type, field, field)
#define GS_BY_VALUE(name, type)                                                                                        \
    static int name(const void *left, const void *right)                                                               \
    {                                                                                                                  \
        const type *x_ = left, *y_ = right;                                                                            \
        return (*x_ > *y_) - (*x_ < *y_);                                                                              \
    }                                                                                                                  \
    _Static_assert(sizeof(type) > 0, "")

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
