/* Entries in one array, found by open addressing. */
#include <stdlib.h>
#include <string.h>

#include "profile/ledger.h"
#include "profile/limit.h"

bool gs_ledger_init(struct gs_ledger *ledger, size_t size, uint32_t most)
{
    uint32_t room = 16;
    while (room < most * 2)
        room *= 2;
    *ledger = (struct gs_ledger){.size = size, .most = most, .mask = room - 1, .hash = gs_hash_key_new()};
    ledger->entries = calloc(most, size);
    ledger->table = calloc(room, sizeof *ledger->table);
    return ledger->entries && ledger->table;
}

void gs_ledger_fini(struct gs_ledger *ledger)
{
    free(ledger->entries);
    free(ledger->table);
}

void gs_ledger_clear(struct gs_ledger *ledger)
{
    ledger->count = 0;
    memset(ledger->table, 0, ((size_t)ledger->mask + 1) * sizeof *ledger->table);
}

/* Where an entry stands in the table, or the empty place where it belongs. */
static uint32_t *slot_of(const struct gs_ledger *ledger, struct gs_ledger_key key)
{
    uint64_t at = gs_hash_mix(ledger->hash, gs_hash_mix(ledger->hash, key.a) + key.b);
    for (;; at++) {
        uint32_t *slot = &ledger->table[at & ledger->mask];
        if (*slot == 0)
            return slot;
        const struct gs_ledger_key *other = gs_ledger_at(ledger, *slot - 1);
        if (other->a == key.a && other->b == key.b)
            return slot;
    }
}

void *gs_ledger_find(const struct gs_ledger *ledger, struct gs_ledger_key key)
{
    uint32_t slot = *slot_of(ledger, key);
    return slot ? gs_ledger_at(ledger, slot - 1) : NULL;
}

void *gs_ledger_get(struct gs_ledger *ledger, struct gs_ledger_key key)
{
    uint32_t *slot = slot_of(ledger, key);
    if (*slot)
        return gs_ledger_at(ledger, *slot - 1);
    if (ledger->count == ledger->most)
        return NULL;
    void *entry = gs_ledger_at(ledger, ledger->count++);
    memset(entry, 0, ledger->size);
    memcpy(entry, &key, sizeof key);
    *slot = ledger->count;
    return entry;
}

void gs_ledger_halve(struct gs_ledger *ledger, uint64_t (*worth)(const void *entry, const void *context),
                     const void *context)
{
    uint32_t count = ledger->count, kept = 0;
    uint64_t *worths = calloc((size_t)count + 1, sizeof *worths);
    for (uint32_t i = 0; worths && i < count; i++)
        worths[i] = worth(gs_ledger_at(ledger, i), context);
    struct gs_limit limit = worths ? gs_limit_of(worths, count, ledger->most / 2) : (struct gs_limit){0};
    for (uint32_t i = 0; worths && i < count; i++) {
        if (worths[i] == 0 || !gs_limit_pass(&limit, worths[i]))
            continue;
        if (kept != i)
            memcpy(gs_ledger_at(ledger, kept), gs_ledger_at(ledger, i), ledger->size);
        kept++;
    }
    free(worths);
    gs_ledger_clear(ledger);
    ledger->count = kept;
    for (uint32_t i = 0; i < kept; i++)
        *slot_of(ledger, *(const struct gs_ledger_key *)gs_ledger_at(ledger, i)) = i + 1;
}
