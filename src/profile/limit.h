/* Which of many times are the largest, in one pass for each byte of them and without sorting. */
#ifndef GS_PROFILE_LIMIT_H
#define GS_PROFILE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the largest values: those over `value` and, as far as there are more, so many (`ties`) of just that value. */
struct gs_limit {
    uint64_t value;
    size_t ties;
};

/* The limit that `keep` of the count values pass; all do when there are no more. */
struct gs_limit gs_limit_of(const uint64_t *values, size_t count, size_t keep);

/* Whether a value passes; of equal ones those that are asked for first. */
static inline bool gs_limit_pass(struct gs_limit *limit, uint64_t value)
{
    if (value == limit->value && limit->ties > 0) {
        limit->ties--;
        return true;
    }
    return value > limit->value;
}

#endif
