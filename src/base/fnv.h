/* The hash FNV-1a of a text; stack/hash.h has one that nobody can foresee. */
#ifndef GS_BASE_FNV_H
#define GS_BASE_FNV_H

#include <stdint.h>

static inline uint64_t gs_fnv(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(1099511628211);
    return hash;
}

#endif
