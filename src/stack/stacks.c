/* Frames and stacks by number. Both tables are open-addressed ones of numbers: what a number stands for lies in an
 * array in the order in which it came, so that the frames of one stack lie side by side. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gilspy/stack.h"
#include "stack/hash.h"
#include "stack/strings.h"

enum { FIRST_SLOTS = 1024 };

/* Numbers by hash; 0 is an empty slot. A power of two of them, at most half of them used. */
struct table {
    uint32_t *slots;
    size_t mask;
};

struct gs_stacks {
    struct gs_hash_key key;
    struct gs_strings *strings;
    struct gs_place *places; /* from 1 on; as many as half the table's slots */
    struct gs_stack *stacks; /* from 0 on */
    uint32_t place_count, stack_count;
    struct table by_place, by_stack;
};

struct gs_stacks *gs_stacks_new(void)
{
    struct gs_stacks *stacks = calloc(1, sizeof *stacks);
    if (!stacks)
        return NULL;
    stacks->key = gs_hash_key_new();
    stacks->strings = gs_strings_new();
    stacks->by_place = (struct table){calloc(FIRST_SLOTS, sizeof(uint32_t)), FIRST_SLOTS - 1};
    stacks->by_stack = (struct table){calloc(FIRST_SLOTS, sizeof(uint32_t)), FIRST_SLOTS - 1};
    stacks->places = calloc(FIRST_SLOTS / 2 + 1, sizeof *stacks->places);
    stacks->stacks = calloc(FIRST_SLOTS / 2 + 1, sizeof *stacks->stacks);
    if (stacks->strings && stacks->by_place.slots && stacks->by_stack.slots && stacks->places && stacks->stacks)
        return stacks;
    gs_stacks_free(stacks);
    return NULL;
}

void gs_stacks_free(struct gs_stacks *stacks)
{
    if (!stacks)
        return;
    gs_strings_free(stacks->strings);
    free(stacks->places);
    free(stacks->stacks);
    free(stacks->by_place.slots);
    free(stacks->by_stack.slots);
    free(stacks);
}

static void empty(struct table *table)
{
    memset(table->slots, 0, (table->mask + 1) * sizeof *table->slots);
}

void gs_stacks_clear(struct gs_stacks *stacks)
{
    gs_strings_clear(stacks->strings);
    empty(&stacks->by_place);
    empty(&stacks->by_stack);
    stacks->place_count = stacks->stack_count = 0;
}

static uint64_t hash_stack(const struct gs_stacks *stacks, uint32_t caller, uint32_t place)
{
    return gs_hash_mix(stacks->key, (uint64_t)caller << 32 | place);
}

/* The strings are kept ones. */
static uint64_t hash_place(const struct gs_stacks *stacks, const struct gs_place *place)
{
    uint64_t hash = gs_hash_mix(stacks->key, (uint64_t)(uint32_t)place->line << 8 | place->kind);
    hash = gs_hash_mix(stacks->key, hash ^ (uintptr_t)place->function);
    hash = gs_hash_mix(stacks->key, hash ^ (uintptr_t)place->qualname);
    hash = gs_hash_mix(stacks->key, hash ^ (uintptr_t)place->file);
    return gs_hash_mix(stacks->key, hash ^ (uintptr_t)place->module);
}

/* A table of twice as many slots, and an array of half as many items of `size` bytes behind item 0. */
static bool grow(struct table *table, void **items, size_t size)
{
    size_t count = (table->mask + 1) * 2;
    if (count > UINT32_MAX)
        return false;
    void *more = realloc(*items, (count / 2 + 1) * size);
    if (!more)
        return false;
    *items = more;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    free(table->slots);
    *table = (struct table){slots, count - 1};
    return true;
}

static void insert(struct table *table, uint64_t hash, uint32_t number)
{
    size_t at = hash & table->mask;
    while (table->slots[at])
        at = (at + 1) & table->mask;
    table->slots[at] = number;
}

static bool grow_places(struct gs_stacks *stacks)
{
    void *items = stacks->places;
    bool grown = grow(&stacks->by_place, &items, sizeof *stacks->places);
    stacks->places = items;
    for (uint32_t i = 1; grown && i <= stacks->place_count; i++)
        insert(&stacks->by_place, hash_place(stacks, &stacks->places[i]), i);
    return grown;
}

static bool grow_stacks(struct gs_stacks *stacks)
{
    void *items = stacks->stacks;
    bool grown = grow(&stacks->by_stack, &items, sizeof *stacks->stacks);
    stacks->stacks = items;
    for (uint32_t i = 1; grown && i <= stacks->stack_count; i++)
        insert(&stacks->by_stack, hash_stack(stacks, stacks->stacks[i].caller, stacks->stacks[i].place), i);
    return grown;
}

/* Replaces the strings by kept ones. */
static bool keep_strings(struct gs_stacks *stacks, struct gs_place *place)
{
    const char **fields[] = {&place->function, &place->qualname, &place->file, &place->module};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (*fields[i] && !(*fields[i] = gs_strings_keep(stacks->strings, *fields[i])))
            return false;
    return true;
}

static bool same_place(const struct gs_place *a, const struct gs_place *b)
{
    return a->function == b->function && a->line == b->line && a->file == b->file && a->qualname == b->qualname &&
           a->module == b->module && a->kind == b->kind;
}

uint32_t gs_stacks_place(struct gs_stacks *stacks, const struct gs_place *place)
{
    struct gs_place kept = *place;
    if (!keep_strings(stacks, &kept))
        return 0;
    uint64_t hash = hash_place(stacks, &kept);
    const struct table *table = &stacks->by_place;
    for (size_t at = hash & table->mask; table->slots[at]; at = (at + 1) & table->mask)
        if (same_place(&stacks->places[table->slots[at]], &kept))
            return table->slots[at];
    if (stacks->place_count > table->mask / 2 && !grow_places(stacks))
        return 0;
    stacks->places[++stacks->place_count] = kept;
    insert(&stacks->by_place, hash, stacks->place_count);
    return stacks->place_count;
}

uint32_t gs_stacks_push(struct gs_stacks *stacks, uint32_t caller, uint32_t place)
{
    /* The first callee that a stack had was mostly added just after it. */
    const struct gs_stack *next = &stacks->stacks[caller + 1];
    if (caller < stacks->stack_count && next->caller == caller && next->place == place)
        return caller + 1;
    uint64_t hash = hash_stack(stacks, caller, place);
    const struct table *table = &stacks->by_stack;
    for (size_t at = hash & table->mask; table->slots[at]; at = (at + 1) & table->mask) {
        const struct gs_stack *stack = &stacks->stacks[table->slots[at]];
        if (stack->caller == caller && stack->place == place)
            return table->slots[at];
    }
    if (stacks->stack_count > table->mask / 2 && !grow_stacks(stacks))
        return 0;
    stacks->stacks[++stacks->stack_count] = (struct gs_stack){caller, place, stacks->stacks[caller].depth + 1};
    insert(&stacks->by_stack, hash, stacks->stack_count);
    return stacks->stack_count;
}

const struct gs_place *gs_stacks_place_at(const struct gs_stacks *stacks, uint32_t number)
{
    return &stacks->places[number];
}

struct gs_stack gs_stacks_at(const struct gs_stacks *stacks, uint32_t number)
{
    return stacks->stacks[number];
}

uint32_t gs_stacks_place_count(const struct gs_stacks *stacks)
{
    return stacks->place_count;
}

uint32_t gs_stacks_count(const struct gs_stacks *stacks)
{
    return stacks->stack_count;
}

size_t gs_stacks_bytes(const struct gs_stacks *stacks)
{
    return gs_strings_bytes(stacks->strings) + stacks->place_count * (sizeof *stacks->places + 2 * sizeof(uint32_t)) +
           stacks->stack_count * (sizeof *stacks->stacks + 2 * sizeof(uint32_t));
}
