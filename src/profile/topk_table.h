/* Sums by number, of which there are never more than a given count: when it is full, the smaller half goes. */
#ifndef GS_PROFILE_TOPK_TABLE_H
#define GS_PROFILE_TOPK_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "stack/hash.h"

struct gs_topk_key {
    uint64_t a, b;
};

/* Entries are structs that begin with their key. */
struct gs_topk {
    char *entries;
    size_t size; /* of an entry, in bytes */
    uint32_t count, most;
    uint32_t *table; /* entry + 1 at its hash, 0: none; twice as long as entries, at least */
    uint32_t mask;
    struct gs_hash_key hash;
};

/* False: out of memory. All memory is taken now. */
bool gs_topk_init(struct gs_topk *topk, size_t size, uint32_t most);
void gs_topk_fini(struct gs_topk *topk);
void gs_topk_clear(struct gs_topk *topk);

/* NULL: there is none. Both hold until an entry is dropped. */
void *gs_topk_find(const struct gs_topk *topk, struct gs_topk_key key);
/* The entry, with nothing but its key in it when it is new; NULL: there is no room. */
void *gs_topk_get(struct gs_topk *topk, struct gs_topk_key key);
static inline void *gs_topk_at(const struct gs_topk *topk, uint32_t index)
{
    return topk->entries + (size_t)index * topk->size;
}
/* Keeps the half that is worth most, and of it nothing that is worth 0. Out of memory: nothing is kept. */
void gs_topk_halve(struct gs_topk *topk, uint64_t (*worth)(const void *entry, const void *context),
                   const void *context);

#endif
