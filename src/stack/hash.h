/* Hashes that nobody can aim at who does not know their key: what is kept by them comes from outside. */
#ifndef GS_STACK_HASH_H
#define GS_STACK_HASH_H

#include <stdint.h>

struct gs_hash_key {
    uint64_t add, multiply;
};

/* Another one each time. */
struct gs_hash_key gs_hash_key_new(void);

/* Both halves of the product: each bit of the value changes each bit of the result, at the cost of one multiplication,
 * which is what looking up a stack frame by frame waits for. */
static inline uint64_t gs_hash_mix(struct gs_hash_key key, uint64_t value)
{
    __extension__ unsigned __int128 product = (unsigned __int128)(value ^ key.add) * key.multiply;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
