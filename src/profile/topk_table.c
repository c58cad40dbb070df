/* Entries in one array, found by open addressing. */
#include <stdlib.h>
#include <string.h>

#include "profile/topk_table.h"
#include "profile/limit.h"

bool gs_topk_init(struct gs_topk *topk, size_t size, uint32_t most)
{
    uint32_t room = 16;
    while (room < most * 2)
        room *= 2;
    *topk = (struct gs_topk){.size = size, .most = most, .mask = room - 1, .hash = gs_hash_key_new()};
    topk->entries = calloc(most, size);
    topk->table = calloc(room, sizeof *topk->table);
    return topk->entries && topk->table;
}

void gs_topk_fini(struct gs_topk *topk)
{
    free(topk->entries);
    free(topk->table);
}

void gs_topk_clear(struct gs_topk *topk)
{
    topk->count = 0;
    memset(topk->table, 0, ((size_t)topk->mask + 1) * sizeof *topk->table);
}

/* Where an entry stands in the table, or the empty place where it belongs. */
static uint32_t *slot_of(const struct gs_topk *topk, struct gs_topk_key key)
{
    uint64_t at = gs_hash_mix(topk->hash, gs_hash_mix(topk->hash, key.a) + key.b);
    for (;; at++) {
        uint32_t *slot = &topk->table[at & topk->mask];
        if (*slot == 0)
            return slot;
        const struct gs_topk_key *other = gs_topk_at(topk, *slot - 1);
        if (other->a == key.a && other->b == key.b)
            return slot;
    }
}

void *gs_topk_find(const struct gs_topk *topk, struct gs_topk_key key)
{
    uint32_t slot = *slot_of(topk, key);
    return slot ? gs_topk_at(topk, slot - 1) : NULL;
}

void *gs_topk_get(struct gs_topk *topk, struct gs_topk_key key)
{
    uint32_t *slot = slot_of(topk, key);
    if (*slot)
        return gs_topk_at(topk, *slot - 1);
    if (topk->count == topk->most)
        return NULL;
    void *entry = gs_topk_at(topk, topk->count++);
    memset(entry, 0, topk->size);
    memcpy(entry, &key, sizeof key);
    *slot = topk->count;
    return entry;
}

void gs_topk_halve(struct gs_topk *topk, uint64_t (*worth)(const void *entry, const void *context), const void *context)
{
    uint32_t count = topk->count, kept = 0;
    uint64_t *worths = calloc((size_t)count + 1, sizeof *worths);
    for (uint32_t i = 0; worths && i < count; i++)
        worths[i] = worth(gs_topk_at(topk, i), context);
    struct gs_limit limit = worths ? gs_limit_of(worths, count, topk->most / 2) : (struct gs_limit){0};
    for (uint32_t i = 0; worths && i < count; i++) {
        if (worths[i] == 0 || !gs_limit_pass(&limit, worths[i]))
            continue;
        if (kept != i)
            memcpy(gs_topk_at(topk, kept), gs_topk_at(topk, i), topk->size);
        kept++;
    }
    free(worths);
    gs_topk_clear(topk);
    topk->count = kept;
    for (uint32_t i = 0; i < kept; i++)
        *slot_of(topk, *(const struct gs_topk_key *)gs_topk_at(topk, i)) = i + 1;
}
