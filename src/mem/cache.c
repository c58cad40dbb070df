/* A view of another memory that keeps pages: small objects that lie close together cost one read, not one each. */
#include <stdlib.h>
#include <string.h>

#include "gilspy/mem.h"

enum { PAGE = 4096, SLOTS = 128, AHEAD = 64 /* pages that are read at once */ };

struct slot {
    gs_addr page; /* address + 1, so that 0 means empty */
    uint8_t *bytes;
};

struct cache {
    struct gs_mem mem;
    struct gs_mem *below;
    bool used; /* there is a page */
    struct slot slots[SLOTS];
};

static struct slot *slot_of(struct cache *cache, gs_addr page)
{
    return &cache->slots[page / PAGE % SLOTS];
}

/* It is to be filled. */
static bool empty(struct cache *cache, struct slot *slot)
{
    cache->used = true;
    slot->page = 0;
    return slot->bytes || (slot->bytes = malloc(PAGE));
}

/* The page that holds addr, or NULL with the reason. */
static const uint8_t *page_of(struct cache *cache, gs_addr addr, enum gs_status *why)
{
    gs_addr page = addr & ~(gs_addr)(PAGE - 1);
    struct slot *slot = slot_of(cache, page);
    if (slot->page == page + 1)
        return slot->bytes;
    if (!empty(cache, slot)) {
        *why = GS_NO_MEMORY;
        return NULL;
    }
    *why = gs_mem_read(cache->below, page, slot->bytes, PAGE);
    if (*why)
        return NULL;
    slot->page = page + 1;
    return slot->bytes;
}

static enum gs_status cache_read(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    struct cache *cache = (struct cache *)mem;
    if (len > 2 * PAGE)
        return gs_mem_read(cache->below, addr, dst, len);
    uint8_t *to = dst;
    while (len > 0) {
        size_t at = addr % PAGE, n = PAGE - at < len ? PAGE - at : len;
        enum gs_status why;
        const uint8_t *page = page_of(cache, addr, &why);
        if (!page)
            return why;
        memcpy(to, page + at, n);
        to += n;
        addr += n;
        len -= n;
    }
    return GS_OK;
}

/* Reads the first pages that hold these pieces in one go, as far as they are not there. What does not arrive is read
 * by itself. */
static void read_ahead(struct cache *cache, const struct gs_piece *pieces, size_t count)
{
    struct gs_piece pages[AHEAD];
    bool taken[SLOTS] = {false};
    size_t missing = 0;
    for (size_t i = 0; i < count && missing < AHEAD; i++) {
        gs_addr page = pieces[i].addr & ~(gs_addr)(PAGE - 1);
        struct slot *slot = slot_of(cache, page);
        size_t at = (size_t)(slot - cache->slots);
        if (slot->page == page + 1 || taken[at] || !empty(cache, slot))
            continue;
        taken[at] = true;
        pages[missing++] = (struct gs_piece){page, slot->bytes, PAGE, false};
    }
    if (missing < 2 || gs_mem_read_many(cache->below, pages, missing))
        return;
    for (size_t i = 0; i < missing; i++) {
        if (pages[i].ok)
            slot_of(cache, pages[i].addr)->page = pages[i].addr + 1;
    }
}

static enum gs_status cache_read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count)
{
    read_ahead((struct cache *)mem, pieces, count);
    for (size_t i = 0; i < count; i++) {
        enum gs_status status = cache_read(mem, pieces[i].addr, pieces[i].dst, pieces[i].len);
        pieces[i].ok = status == GS_OK;
        if (status != GS_OK && status != GS_UNREADABLE)
            return status;
    }
    return GS_OK;
}

void gs_mem_cache_clear(struct gs_mem *mem)
{
    struct cache *cache = (struct cache *)mem;
    for (size_t i = 0; i < SLOTS && cache->used; i++) {
        free(cache->slots[i].bytes);
        cache->slots[i] = (struct slot){0};
    }
    cache->used = false;
}

static void cache_free(struct gs_mem *mem)
{
    gs_mem_cache_clear(mem);
    free(mem);
}

static const struct gs_mem_ops cache_ops = {cache_read, cache_read_many, cache_free};

struct gs_mem *gs_mem_cache_new(struct gs_mem *below)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->mem.ops = &cache_ops;
    cache->below = below;
    return &cache->mem;
}
