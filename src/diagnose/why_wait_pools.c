/* Workers of pools of threads, and those that wait for what only workers of their own pool can do.
 * Lib/concurrent/futures/thread.py (3.2 to 3.15): _worker has the queue as work_queue, whose items are _WorkItem with a
 * `future`, and what it works on as work_item. Lib/multiprocessing/pool.py (3.8 to 3.15): worker has its queue as
 * inqueue, a result has its pool as _pool. */
#include <stdlib.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_wait_search.h"
#include "python/names_attribute.h"
#include "python/task_list.h"

enum { OUTER_FRAMES = 8, INNER_FRAMES = 4, QUEUE_BYTES = 96, ITEMS_ONCE = 256, ITEMS_MOST = 1 << 14 };

#define POOL_FILE   "concurrent/futures/thread.py"
#define FUTURE_FILE "concurrent/futures/_base.py"
#define THREAD_POOL "multiprocessing/pool.py"

static bool is_item_of(struct gs_wait_search *s, gs_addr object, gs_addr future)
{
    struct gs_type type;
    return object != 0 && object % sizeof(gs_addr) == 0 && gs_type_of(&s->types, s->layout, s->mem, object, &type) &&
           gs_type_named(&type, s->mem, "_WorkItem") &&
           gs_attribute_find(s->layout, s->mem, &s->types, object, "future") == future;
}

/* An array of so many items has it: what was put in last lies at the end, mostly. */
static bool array_has(struct gs_wait_search *s, gs_addr array, uint64_t count, gs_addr future)
{
    gs_addr items[ITEMS_ONCE];
    while (count > 0) {
        uint64_t part = count < ITEMS_ONCE ? count : ITEMS_ONCE;
        count -= part;
        if (gs_mem_read(s->mem, array + count * sizeof *items, items, part * sizeof *items))
            return false;
        while (part-- > 0) {
            if (is_item_of(s, items[part], future))
                return true;
        }
    }
    return false;
}

/* What a SimpleQueue keeps is a list's items up to 3.12, its own array from 3.13 on, with the room that it has behind
 * its address (Modules/_queuemodule.c: RingBuf): whatever array a word of it leads to, directly or by a list, is looked
 * at. */
static bool queue_has(struct gs_wait_search *s, gs_addr queue, gs_addr future)
{
    gs_addr words[QUEUE_BYTES / sizeof(gs_addr)], list[2]; /* Include/cpython/listobject.h: the size, ob_item */
    size_t head = (size_t)s->layout->head_bytes / sizeof(gs_addr);
    struct gs_type type;
    if (gs_mem_read(s->mem, queue, words, sizeof words))
        return false;
    for (size_t i = head; i + 1 < sizeof words / sizeof *words; i++) {
        gs_addr array = words[i];
        uint64_t count = words[i + 1];
        if (array < QUEUE_BYTES || array % sizeof(gs_addr) != 0)
            continue;
        if (gs_type_of(&s->types, s->layout, s->mem, array, &type) && gs_type_named(&type, s->mem, "list")) {
            if (gs_mem_read(s->mem, array + (gs_addr)s->layout->head_bytes, list, sizeof list))
                continue;
            count = list[0];
            array = list[1];
        }
        if (count <= ITEMS_MOST && array_has(s, array, count, future))
            return true;
    }
    return false;
}

/* The futures that a thread waits for: one, or those of concurrent.futures' wait and as_completed. */
struct wanted {
    struct gs_task_list futures;
    size_t finished; /* of them, so far */
};

/* How many a waiter (Lib/concurrent/futures/_base.py: _Waiter) has seen the end of. */
static size_t finished_of(struct gs_wait_search *s, const struct gs_frame *frame)
{
    gs_addr waiter = gs_wait_variable(s, frame, "waiter");
    gs_addr list = waiter ? gs_attribute_find(s->layout, s->mem, &s->types, waiter, "finished_futures") : 0;
    uint64_t count;
    return list == 0 || gs_mem_read(s->mem, list + (gs_addr)s->layout->head_bytes, &count, sizeof count) ? 0 : count;
}

static enum gs_status add_set(struct gs_wait_search *s, const struct gs_frame *frame, const char *name,
                              struct wanted *wanted)
{
    struct gs_awaits awaits = {.layout = s->layout, .mem = s->mem, .live = s->mem};
    gs_addr set = gs_wait_variable(s, frame, name);
    wanted->finished = finished_of(s, frame);
    return set ? gs_task_list_set(&awaits, set, &wanted->futures) : GS_OK;
}

static enum gs_status find_wanted(struct gs_wait_search *s, const struct gs_thread *thread, struct wanted *wanted)
{
    for (uint32_t i = 1; i < thread->frame_count && i < INNER_FRAMES; i++) {
        const struct gs_frame *frame = &thread->frames[i];
        if (gs_frame_is(s->lookup, frame, FUTURE_FILE, "result") ||
            gs_frame_is(s->lookup, frame, FUTURE_FILE, "exception"))
            return gs_task_list_add(&wanted->futures, gs_wait_variable(s, frame, "self"));
        if (gs_frame_is(s->lookup, frame, FUTURE_FILE, "as_completed"))
            return add_set(s, frame, "pending", wanted);
        if (i > 1 && gs_frame_is(s->lookup, frame, FUTURE_FILE, "wait"))
            return add_set(s, frame, "not_done", wanted);
    }
    return GS_OK;
}

/* Only a worker of that pool can end it: it lies in the queue, or one of them has begun with it. */
static bool is_of(struct gs_wait_search *s, gs_addr pool, gs_addr future, bool *queued)
{
    *queued = queue_has(s, pool, future);
    bool found = *queued;
    for (size_t i = 0; i < s->waits->count && !found; i++)
        found = s->waits->list[i].pool == pool && s->waits->list[i].future == future;
    return found;
}

/* The queue of the ThreadPool whose result is waited for: ApplyResult.wait, IMapIterator.next. 0: none is. */
static gs_addr result_pool(struct gs_wait_search *s, const struct gs_thread *thread)
{
    gs_addr object = 0;
    for (uint32_t i = 1; i < thread->frame_count && i < INNER_FRAMES && !object; i++) {
        const struct gs_frame *frame = &thread->frames[i];
        if (gs_frame_is(s->lookup, frame, THREAD_POOL, "wait") || gs_frame_is(s->lookup, frame, THREAD_POOL, "next"))
            object = gs_wait_variable(s, frame, "self");
    }
    object = object ? gs_attribute_find(s->layout, s->mem, &s->types, object, "_pool") : 0;
    return object ? gs_attribute_find(s->layout, s->mem, &s->types, object, "_inqueue") : 0;
}

static enum gs_status find_own(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    struct wanted wanted = {.finished = 0};
    size_t own = 0;
    enum gs_status status = find_wanted(s, thread, &wanted);
    for (size_t i = 0; i < wanted.futures.count && wanted.futures.at[i] != 0; i++) {
        bool queued;
        own += is_of(s, wait->pool, wanted.futures.at[i], &queued);
        wait->queued |= queued;
    }
    wait->own_pool = own > 0 && own + wanted.finished >= wanted.futures.count && !wanted.futures.partial;
    wait->own_pool |= result_pool(s, thread) == wait->pool;
    free(wanted.futures.at);
    return status;
}

static void find_pool(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    uint32_t from = thread->frame_count > OUTER_FRAMES ? thread->frame_count - OUTER_FRAMES : 0;
    for (uint32_t i = from; i < thread->frame_count && !wait->pool; i++) {
        const struct gs_frame *frame = &thread->frames[i];
        if (gs_frame_is(s->lookup, frame, THREAD_POOL, "worker"))
            wait->pool = gs_wait_variable(s, frame, "inqueue");
        if (!gs_frame_is(s->lookup, frame, POOL_FILE, "_worker"))
            continue;
        gs_addr item = gs_wait_variable(s, frame, "work_item");
        wait->pool = gs_wait_variable(s, frame, "work_queue");
        wait->future = item ? gs_attribute_find(s->layout, s->mem, &s->types, item, "future") : 0;
    }
}

enum gs_status gs_wait_find_pools(struct gs_wait_search *s)
{
    const struct gs_thread *threads = s->snapshot->threads;
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < s->waits->count; i++)
        find_pool(s, &threads[i], &s->waits->list[i]);
    for (size_t i = 0; i < s->waits->count && status == GS_OK; i++) {
        struct gs_wait *wait = &s->waits->list[i];
        if (wait->pool && wait->kind == GS_WAIT_NOTICE)
            status = find_own(s, &threads[i], wait);
    }
    return status;
}
