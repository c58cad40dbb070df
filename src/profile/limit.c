/* Byte by byte from the highest: how many values have which byte says where the limit lies. */
#include "profile/limit.h"

struct gs_limit gs_limit_of(const uint64_t *values, size_t count, size_t keep)
{
    struct gs_limit limit = {.ties = keep};
    if (keep >= count)
        return (struct gs_limit){.ties = count};
    for (int shift = 56; shift >= 0; shift -= 8) {
        size_t with[256] = {0};
        int byte = 255;
        for (size_t i = 0; i < count; i++) {
            /* Two shifts: one by 64 is none. */
            if (values[i] >> shift >> 8 == limit.value >> shift >> 8)
                with[values[i] >> shift & 0xff]++;
        }
        for (; byte > 0 && with[byte] <= limit.ties; byte--)
            limit.ties -= with[byte];
        limit.value |= (uint64_t)byte << shift;
    }
    return limit;
}
