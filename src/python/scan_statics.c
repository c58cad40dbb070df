/* 2.7 and 3.6 keep what later became the runtime in variables of their own, near which the linker put what.
 *
 * _PyThreadState_Current, nothing or a thread state, is of the same file as the word that points to the newest
 * interpreter (Python/pystate.c) and, but for debug builds, named by the code far more often than what lies around it,
 * in a program that was optimised as a whole more often than any variable like it. interpreter_lock (2.7,
 * Python/ceval.c) lies beside pending_lock, and that beside main_thread, which holds the main thread's ident. What
 * cannot be told stays 0. */
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "python/scan.h"

enum {
    NEAR = 16, /* words to either side */
    NEAR_REFERENCES = 8,
    FAR_REFERENCES = 100,
    CANDIDATES = 64,
    CODE_MAX = 64 << 20,
    BLOCK = 64 << 10
};

/* ---- what the code names ---- */

static void read_code(const struct gs_scan *scan, const struct gs_map *map, uint32_t *counts)
{
    uint8_t code[BLOCK + GS_ARCH_REFERENCE_BYTES];
    gs_addr len = map->end - map->start < CODE_MAX ? map->end - map->start : CODE_MAX;
    for (gs_addr at = 0; at < len; at += BLOCK) {
        size_t have = len - at < sizeof code ? len - at : sizeof code;
        if (gs_mem_read(scan->python->mem, map->start + at, code, have))
            continue;
        for (size_t i = 0; i + GS_ARCH_REFERENCE_BYTES <= have && i < BLOCK; i++) {
            gs_addr from = gs_arch_reference(code + i, map->start + at + i) - scan->start;
            if (from % sizeof(uint64_t) == 0 && from / sizeof(uint64_t) < scan->count)
                counts[from / sizeof(uint64_t)]++;
        }
    }
}

/* How often the code names each word of the data, itself or through a pointer to it (as in the table of a shared
 * library); NULL when out of memory. */
static uint32_t *count_references(const struct gs_scan *scan)
{
    const struct gs_target *target = scan->python->target;
    uint32_t *direct = calloc(scan->count, sizeof *direct), *all = calloc(scan->count, sizeof *all);
    if (direct && all) {
        for (size_t i = 0; i < target->map_count; i++) {
            const struct gs_map *map = &target->maps[i];
            if (map->executable && map->start - scan->image->base < scan->image->end - scan->image->base)
                read_code(scan, map, direct);
        }
        memcpy(all, direct, scan->count * sizeof *all);
        for (size_t i = 0; i < scan->count; i++) {
            gs_addr from = scan->words[i] - scan->start;
            if (direct[i] && from % sizeof(uint64_t) == 0 && from / sizeof(uint64_t) < scan->count)
                all[from / sizeof(uint64_t)] += direct[i];
        }
    }
    free(direct);
    return direct ? all : NULL;
}

/* ---- _PyThreadState_Current ---- */

/* Those of the words that may be it, and what speaks for them. */
struct choice {
    uint32_t most, second; /* how often the code names the first two */
    gs_addr best;          /* the first of them */
    size_t states;         /* words that point to a thread state */
    gs_addr state;         /* the last of them */
};

static bool is_state(const struct gs_scan *scan, gs_addr tstate)
{
    gs_addr interp;
    return gs_scan_mapped(scan, tstate) &&
           gs_mem_read_addr(scan->python->mem, tstate + (gs_addr)scan->layout.ts_interp, &interp) == GS_OK &&
           interp == scan->main_interp;
}

static void weigh(const struct gs_scan *scan, const uint32_t *counts, size_t index, struct choice *choice)
{
    gs_addr addr = scan->start + index * sizeof(uint64_t), value;
    if (gs_mem_read_addr(scan->python->mem, addr, &value) || (value && !is_state(scan, value)))
        return;
    if (value) {
        choice->states++;
        choice->state = addr;
    }
    if (counts[index] > choice->most) {
        choice->second = choice->most;
        choice->most = counts[index];
        choice->best = addr;
    } else if (counts[index] > choice->second) {
        choice->second = counts[index];
    }
}

static gs_addr decide(const struct gs_scan *scan, const struct choice *choice, uint32_t least)
{
    bool debug = scan->layout.head_bytes != 16; /* asks a function for it, each time */
    if (choice->states == 1)
        return choice->state;
    return !debug && choice->most >= least && choice->most >= 2 * choice->second ? choice->best : 0;
}

/* Of the words around that one. */
static gs_addr choose_near(const struct gs_scan *scan, const uint32_t *counts, gs_addr word)
{
    size_t middle = (word - scan->start) / sizeof(uint64_t);
    size_t first = middle > NEAR ? middle - NEAR : 0, end = middle + NEAR + 1;
    struct choice choice = {.most = 0};
    for (size_t i = first; i < end && i < scan->count; i++)
        weigh(scan, counts, i, &choice);
    return decide(scan, &choice, NEAR_REFERENCES);
}

/* Of all words, those that the code names most often. */
static gs_addr choose_far(const struct gs_scan *scan, uint32_t *counts)
{
    struct choice choice = {.most = 0};
    for (size_t n = 0; n < CANDIDATES; n++) {
        size_t top = 0;
        for (size_t i = 0; i < scan->count; i++)
            top = counts[i] > counts[top] ? i : top;
        weigh(scan, counts, top, &choice);
        counts[top] = 0;
    }
    choice.states = 0; /* others may have been left out */
    return decide(scan, &choice, FAR_REFERENCES);
}

static gs_addr find_current(const struct gs_scan *scan, const gs_addr *words, size_t count)
{
    uint32_t *counts = count_references(scan);
    gs_addr found = 0;
    for (size_t i = 0; counts && i < count && !found; i++)
        found = choose_near(scan, counts, words[i]);
    if (counts && !found)
        found = choose_far(scan, counts);
    free(counts);
    return found;
}

/* ---- interpreter_lock ---- */

/* A pointer to a semaphore that a lock of Python is: its value is 0 or 1. */
static bool is_lock(const struct gs_scan *scan, gs_addr pointer)
{
    uint32_t value;
    return gs_scan_mapped(scan, pointer) && gs_mem_read_u32(scan->python->mem, pointer, &value) == GS_OK && value <= 1;
}

static gs_addr find_lock(const struct gs_scan *scan)
{
    const uint64_t *words = scan->words;
    gs_addr found = 0;
    for (size_t i = 2; scan->main_thread && i + 2 < scan->count; i++) {
        if (words[i] != scan->main_thread)
            continue;
        for (int side = -1; side <= 1; side += 2) {
            size_t pending = side < 0 ? i - 1 : i + 1, lock = side < 0 ? i - 2 : i + 2;
            if (words[lock] == words[pending] || !is_lock(scan, words[lock]) || !is_lock(scan, words[pending]))
                continue;
            if (found)
                return 0; /* two: neither is sure */
            found = scan->start + lock * sizeof(uint64_t);
        }
    }
    return found;
}

void gs_scan_statics(const struct gs_scan *scan, const gs_addr *words, size_t count)
{
    struct gs_anchors *at = &scan->python->at;
    at->current = find_current(scan, words, count);
    at->interp_head = words[0];
    for (size_t i = 1; at->current && i < count; i++) {
        if (llabs((long long)(words[i] - at->current)) < llabs((long long)(at->interp_head - at->current)))
            at->interp_head = words[i];
    }
    if (scan->layout.gil_home == GS_GIL_SEMAPHORE)
        at->interpreter_lock = find_lock(scan);
}
