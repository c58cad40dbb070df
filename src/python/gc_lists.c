/* Three generations one behind the other, each a ring of heads {next, prev}, which lie before their objects.
 * Sources: Include/internal/pycore_gc.h (3.8 on), pycore_mem.h (3.7), Modules/gcmodule.c, Python/gc.c (3.13 on). */
#include "python/gc_lists.h"

enum {
    GENERATIONS = 3,
    HEAD_MOST = 32,
    HEAD_BITS = 3, /* flags in the low bits of `next` (3.14 on) */
    TRIES = 4      /* a list that changes is walked again */
};

struct walk {
    const struct gs_layout *layout;
    struct gs_mem *mem;
    gs_gc_visit *visit;
    void *context;
    bool ended;
};

/* Of a collection in between a list may lead into another: who comes back to no head does so at the meter's end. */
static bool walk_ring(struct walk *w, gs_addr head)
{
    const struct gs_layout *layout = w->layout;
    const gs_addr size = (gs_addr)layout->gc_head_size;
    gs_addr at, words[(HEAD_MOST + 32) / 8 + 1];
    if (gs_mem_read_addr(w->mem, head, &at))
        return false;
    gs_addr mark = 0;
    for (uint64_t i = 0; (at &= ~(gs_addr)HEAD_BITS) != head; i++) {
        if ((i & (i - 1)) == 0)
            mark = at;
        else if (at == mark)
            return false;
        if (at == 0 || gs_mem_read(w->mem, at, words, (size_t)(size + (gs_addr)layout->ob_type + 8)))
            return false;
        if (!w->visit(w->context, at + size, words[(size + (gs_addr)layout->ob_type) / 8])) {
            w->ended = true;
            return true;
        }
        at = words[0];
    }
    return true;
}

/* The object that comes next refers back to the head. */
static bool is_ring(struct walk *w, gs_addr head)
{
    gs_addr next, back;
    return gs_mem_read_addr(w->mem, head, &next) == GS_OK &&
           gs_mem_read_addr(w->mem, (next & ~(gs_addr)HEAD_BITS) + 8, &back) == GS_OK &&
           (back & ~(gs_addr)HEAD_BITS) == head;
}

/* 3.13 began with them aligned to 8 bytes; in later ones (3.13.5 and 3.13.18 were looked at) they are packed, 4 bytes
 * lower. */
static gs_addr find_generations(struct walk *w, gs_addr runtime, gs_addr interpreter)
{
    enum { PACKED = 4 };
    const struct gs_layout *layout = w->layout;
    if (layout->is_gc_generations == GS_ABSENT)
        return layout->rt_gc_generations != GS_ABSENT ? runtime + (gs_addr)layout->rt_gc_generations : 0;
    gs_addr first = interpreter + (gs_addr)layout->is_gc_generations, at = first;
    for (int i = 0; i < GENERATIONS; i++, at += (gs_addr)layout->gc_generation_size) {
        if (is_ring(w, at))
            return first;
        if (is_ring(w, at - PACKED))
            return first - PACKED;
    }
    return first;
}

bool gs_gc_walk(const struct gs_layout *layout, struct gs_mem *mem, struct gs_mem *cache, gs_addr runtime,
                gs_addr interpreter, gs_gc_visit *visit, void *context)
{
    struct walk w = {layout, mem, visit, context, false};
    bool whole = true;
    gs_addr generations = find_generations(&w, runtime, interpreter);
    if (layout->free_threaded || generations == 0 || layout->gc_head_size > HEAD_MOST ||
        layout->ob_type > HEAD_MOST - 8)
        return false;
    for (int i = 0; i < GENERATIONS && !w.ended; i++) {
        bool ok = false;
        for (int k = 0; k < TRIES && !ok && !w.ended; k++) {
            gs_mem_cache_clear(cache);
            ok = walk_ring(&w, generations + (gs_addr)i * (gs_addr)layout->gc_generation_size);
        }
        whole = whole && ok;
    }
    return whole;
}
