/* The lesser and the greater of two. */
#ifndef GS_BASE_LEAST_H
#define GS_BASE_LEAST_H

#include <stdint.h>

static inline uint64_t gs_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t gs_most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
