/* Sums by number, of which there are never more than a given count: when it is full, the smaller half goes. */
#ifndef GS_PROFILE_LEDGER_H
#define GS_PROFILE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include "stack/hash.h"

struct gs_ledger_key {
    uint64_t a, b;
};

/* Entries are structs that begin with their key. */
struct gs_ledger {
    char *entries;
    size_t size; /* of an entry, in bytes */
    uint32_t count, most;
    uint32_t *table; /* entry + 1 at its hash, 0: none; twice as long as entries, at least */
    uint32_t mask;
    struct gs_hash_key hash;
};

/* False: out of memory. All memory is taken now. */
bool gs_ledger_init(struct gs_ledger *ledger, size_t size, uint32_t most);
void gs_ledger_fini(struct gs_ledger *ledger);
void gs_ledger_clear(struct gs_ledger *ledger);

/* NULL: there is none. Both hold until an entry is dropped. */
void *gs_ledger_find(const struct gs_ledger *ledger, struct gs_ledger_key key);
/* The entry, with nothing but its key in it when it is new; NULL: there is no room. */
void *gs_ledger_get(struct gs_ledger *ledger, struct gs_ledger_key key);
static inline void *gs_ledger_at(const struct gs_ledger *ledger, uint32_t index)
{
    return ledger->entries + (size_t)index * ledger->size;
}
/* Keeps the half that is worth most, and of it nothing that is worth 0. Out of memory: nothing is kept. */
void gs_ledger_halve(struct gs_ledger *ledger, uint64_t (*worth)(const void *entry, const void *context),
                     const void *context);

#endif
