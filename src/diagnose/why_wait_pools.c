/* Workers of concurrent.futures' pools of threads, and those that wait for work which lies in the queue of their own
 * pool. Lib/concurrent/futures/thread.py: _worker has the queue as work_queue, whose items are _WorkItem with a
 * `future`. */
#include <string.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_wait_search.h"
#include "python/names_attribute.h"

enum { OUTER_FRAMES = 8, INNER_FRAMES = 4, QUEUE_BYTES = 96, ITEMS_MOST = 256 };

#define POOL_FILE   "concurrent/futures/thread.py"
#define FUTURE_FILE "concurrent/futures/_base.py"

static bool is_item_of(struct gs_wait_search *s, gs_addr object, gs_addr future)
{
    struct gs_type type;
    return object != 0 && object % sizeof(gs_addr) == 0 && gs_type_of(&s->types, s->layout, s->mem, object, &type) &&
           gs_type_named(&type, s->mem, "_WorkItem") &&
           gs_attribute_find(s->layout, s->mem, &s->types, object, "future") == future;
}

/* The array has it: of what lies in it as much as can be read, up to the first that is no object of a pool. */
static bool array_has(struct gs_wait_search *s, gs_addr array, gs_addr future)
{
    gs_addr items[ITEMS_MOST];
    size_t count = ITEMS_MOST;
    while (count > 0 && gs_mem_read(s->mem, array, items, count * sizeof *items))
        count /= 2;
    for (size_t i = 0; i < count; i++) {
        if (is_item_of(s, items[i], future))
            return true;
    }
    return false;
}

/* What a SimpleQueue keeps is a list's items up to 3.12, its own array from 3.13 on (Modules/_queuemodule.c): whatever
 * array a word of it leads to, directly or by a list, is looked at. */
static bool queue_has(struct gs_wait_search *s, gs_addr queue, gs_addr future)
{
    gs_addr words[QUEUE_BYTES / sizeof(gs_addr)], array;
    size_t head = (size_t)s->layout->head_bytes / sizeof(gs_addr);
    struct gs_type type;
    if (gs_mem_read(s->mem, queue, words, sizeof words))
        return false;
    for (size_t i = head; i < sizeof words / sizeof *words; i++) {
        if (words[i] < QUEUE_BYTES || words[i] % sizeof(gs_addr) != 0)
            continue;
        bool list = gs_type_of(&s->types, s->layout, s->mem, words[i], &type) && gs_type_named(&type, s->mem, "list");
        /* Include/cpython/listobject.h: ob_item behind the size. */
        if (list && gs_mem_read_addr(s->mem, words[i] + (gs_addr)s->layout->head_bytes + 8, &array))
            continue;
        if (array_has(s, list ? array : words[i], future))
            return true;
    }
    return false;
}

static gs_addr future_of(const struct gs_wait_search *s, const struct gs_thread *thread)
{
    for (uint32_t i = 1; i < thread->frame_count && i < INNER_FRAMES; i++) {
        if (gs_frame_is(s->lookup, &thread->frames[i], FUTURE_FILE, "result") ||
            gs_frame_is(s->lookup, &thread->frames[i], FUTURE_FILE, "exception"))
            return gs_wait_variable(s, &thread->frames[i], "self");
    }
    return 0;
}

void gs_wait_find_pool(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    uint32_t from = thread->frame_count > OUTER_FRAMES ? thread->frame_count - OUTER_FRAMES : 0;
    for (uint32_t i = from; i < thread->frame_count && !wait->pool; i++) {
        if (gs_frame_is(s->lookup, &thread->frames[i], POOL_FILE, "_worker"))
            wait->pool = gs_wait_variable(s, &thread->frames[i], "work_queue");
    }
    gs_addr future = wait->pool && wait->kind == GS_WAIT_NOTICE ? future_of(s, thread) : 0;
    wait->own_pool = future != 0 && queue_has(s, wait->pool, future);
}
