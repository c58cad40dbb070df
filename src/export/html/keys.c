/* The table of keys: a bounded one, because what comes from outside may be new each time. */
#include <stdlib.h>
#include <string.h>

#include "export/html/keys.h"
#include "export/flame/svg.h"

enum { FIRST_ROOM = 1024, RESERVE = 1 << 16 /* for those that lost what made them too many */ };

bool gs_keys_init(struct gs_keys *keys)
{
    *keys = (struct gs_keys){.room = FIRST_ROOM, .hash = gs_hash_key_new()};
    keys->list = malloc(FIRST_ROOM * sizeof *keys->list);
    keys->table = calloc(2 * FIRST_ROOM, sizeof *keys->table);
    return keys->list && keys->table;
}

void gs_keys_fini(struct gs_keys *keys)
{
    free(keys->list);
    free(keys->table);
}

/* Where the key stands in the table, or would. */
static uint32_t slot_of(const struct gs_keys *keys, const struct gs_key *key)
{
    uint64_t hash = gs_hash_mix(keys->hash, (uint64_t)key->leaf << 32 | key->at);
    hash = gs_hash_mix(keys->hash, hash ^ ((uint64_t)key->holder << 8 | key->code));
    uint32_t mask = 2 * keys->room - 1, slot = (uint32_t)hash & mask;
    for (;; slot = (slot + 1) & mask) {
        const struct gs_key *at = keys->table[slot] ? &keys->list[keys->table[slot] - 1] : NULL;
        if (!at || (at->leaf == key->leaf && at->at == key->at && at->holder == key->holder && at->code == key->code))
            return slot;
    }
}

static bool grow(struct gs_keys *keys)
{
    struct gs_key *list = realloc(keys->list, 2 * (size_t)keys->room * sizeof *list);
    if (!list)
        return false;
    keys->list = list;
    uint32_t *table = calloc(4 * (size_t)keys->room, sizeof *table);
    if (!table)
        return false;
    free(keys->table);
    keys->table = table;
    keys->room *= 2;
    for (uint32_t i = 0; i < keys->count; i++)
        keys->table[slot_of(keys, &keys->list[i])] = i + 1;
    return true;
}

uint32_t gs_keys_find(struct gs_keys *keys, const struct gs_key *key, uint32_t root)
{
    struct gs_key small = *key;
    uint32_t slot = slot_of(keys, key);
    if (keys->table[slot])
        return keys->table[slot];
    if (keys->count >= GS_KEYS_MOST) {
        small.holder = small.at = 0;
        if (keys->count >= GS_KEYS_MOST + RESERVE)
            small.leaf = root;
        slot = slot_of(keys, &small);
        if (keys->table[slot])
            return keys->table[slot];
    }
    if (keys->count == keys->room) {
        if (!grow(keys))
            return 0;
        slot = slot_of(keys, &small);
    }
    small.ns = small.task_ns = 0;
    keys->list[keys->count++] = small;
    return keys->table[slot] = keys->count;
}

uint32_t gs_key_code(const struct gs_thread_sample *thread)
{
    return gs_thread_code(thread) + (thread->handles ? GS_KEY_HANDLES : 0);
}

struct gs_thread_sample gs_key_thread(uint32_t code)
{
    static const uint8_t runs[GS_CODE_RUNS] = {[GS_CODE_ASLEEP] = GS_RUN_BLOCKED,
                                               [GS_CODE_RUNNING] = GS_RUN_RUNNING,
                                               [GS_CODE_UNKNOWN] = GS_RUN_UNKNOWN,
                                               [GS_CODE_AT_LOCK] = GS_RUN_BLOCKED};
    return (struct gs_thread_sample){.gil = (uint8_t)(code % GS_KEY_HANDLES / GS_CODE_RUNS),
                                     .run = runs[code % GS_CODE_RUNS],
                                     .at_lock = code % GS_CODE_RUNS == GS_CODE_AT_LOCK,
                                     .handles = code % GS_KEY_LATE >= GS_KEY_HANDLES};
}

int gs_key_hue(uint32_t code)
{
    static const int hues[] = {[GS_HOLDS] = GS_HUE_HOLDS,
                               [GS_WAITS] = GS_HUE_WAITS,
                               [GS_WITHOUT] = GS_HUE_WITHOUT,
                               [GS_NONE] = GS_HUE_NONE,
                               [GS_UNKNOWN] = GS_HUE_UNKNOWN};
    uint32_t word = code % GS_KEY_HANDLES / GS_CODE_RUNS, run = code % GS_CODE_RUNS;
    if (code >= GS_KEY_LATE)
        return GS_HUE_UNKNOWN;
    if (run == GS_CODE_AT_LOCK)
        return GS_HUE_LOCKS;
    return (word == GS_WITHOUT || word == GS_NONE) && run == GS_CODE_ASLEEP ? GS_HUE_IDLE : hues[word];
}

bool gs_key_waits(uint32_t code)
{
    return code % GS_KEY_HANDLES / GS_CODE_RUNS == GS_WAITS || code % GS_CODE_RUNS == GS_CODE_AT_LOCK;
}
