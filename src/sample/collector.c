/* Statistics up to 3.14: three counts in the collector itself. From 3.15 on it has a pointer to rings of the last
 * collections, each with the sum of all up to it: a slot that is being written is left out, or counts as the one
 * before. */
#include "sample/collector.h"

#include <string.h>

#include "base/least.h"

enum {
    ATTACHED = 1,        /* _Py_THREAD_ATTACHED: Include/internal/pycore_pystate.h, 3.13 on */
    STATES_TOGETHER = 64 /* of threads that are read at once */
};

/* ---- statistics ---- */

void gs_collector_find(const struct gs_thread_list *threads, struct gs_interp *interp)
{
    const struct gs_layout *layout = &threads->python->layout;
    struct gs_collector *collector = &interp->collector;
    bool ring = layout->gcs_stop != GS_ABSENT;
    gs_addr at = layout->is_gc_stats != GS_ABSENT   ? interp->addr + (gs_addr)layout->is_gc_stats
                 : layout->rt_gc_stats != GS_ABSENT ? threads->python->at.runtime + (gs_addr)layout->rt_gc_stats
                                                    : 0;
    collector->len = 0;
    if (at == 0 || (ring && gs_mem_read_addr(threads->python->mem, at, &at)))
        return;
    uint32_t len = (uint32_t)(ring ? layout->gcr_size : layout->gcs_size * GS_GENERATIONS);
    if (len > sizeof collector->bytes || gs_mem_read(threads->python->mem, at, collector->bytes, len))
        return;
    collector->at = at;
    collector->len = len;
}

static void take_item(struct gs_collector *collector, const struct gs_layout *layout, const uint8_t *item,
                      uint8_t generation)
{
    struct gs_collections *ended = &collector->ended;
    ended->count[generation] = gs_most(ended->count[generation], gs_get_addr(item, layout->gcs_collections));
    if (layout->gcs_stop == GS_ABSENT || ended->last_count == GS_COLLECTIONS_KEPT)
        return;
    struct gs_collection *one = &collector->last[ended->last_count];
    *one = (struct gs_collection){.begin_ns = gs_get_addr(item, layout->gcs_start),
                                  .end_ns = gs_get_addr(item, layout->gcs_stop),
                                  .generation = generation};
    ended->last_count += one->begin_ns > 0 && one->begin_ns <= one->end_ns;
}

static void decode_statistics(struct gs_collector *collector, const struct gs_layout *layout)
{
    collector->ended = (struct gs_collections){.last = collector->last};
    for (uint8_t g = 0; g < GS_GENERATIONS && collector->len > 0; g++) {
        bool ring = layout->gcs_stop != GS_ABSENT;
        int32_t end = g == 0 ? layout->gcr_young_index : layout->gcr_old_index;
        int32_t from = !ring ? g * layout->gcs_size : g == 0 ? 0 : layout->gcr_old + (g - 1) * layout->gcr_old_size;
        for (int32_t at = 0; at + layout->gcs_size <= (ring ? end : layout->gcs_size); at += layout->gcs_size)
            take_item(collector, layout, collector->bytes + from + at, g);
    }
}

static uint64_t ended(const struct gs_collector *collector)
{
    const uint64_t *count = collector->ended.count;
    return count[0] + count[1] + count[2];
}

/* ---- stopped worlds ---- */

static bool is_plausible(const struct gs_layout *layout, const uint8_t *world, bool global)
{
    return world[layout->sw_requested] <= 1 && world[layout->sw_stopped] <= 1 && world[layout->sw_global] == global &&
           gs_get_addr(world, layout->sw_requester) % sizeof(gs_addr) == 0;
}

static void decode_world(struct gs_collector *collector, const struct gs_layout *layout)
{
    const uint8_t *own = collector->worlds[0], *all = collector->worlds[1];
    collector->known =
        gs_stop_world_known(layout) && is_plausible(layout, own, false) && is_plausible(layout, all, true);
    const uint8_t *world = collector->known && all[layout->sw_requested] ? all : own;
    bool requested = collector->known && world[layout->sw_requested];
    collector->stopped = requested && world[layout->sw_stopped];
    collector->requester = requested ? gs_get_addr(world, layout->sw_requester) : 0;
}

/* The same as before: it is still about to stop them. */
static bool still_stops(struct gs_thread_list *threads, struct gs_interp *interp, bool global)
{
    const struct gs_layout *layout = &threads->python->layout;
    struct gs_collector *collector = &interp->collector;
    gs_addr requester = collector->requester;
    gs_addr at = global ? threads->python->at.runtime + (gs_addr)layout->rt_stop_world
                        : interp->addr + (gs_addr)layout->is_stop_world;
    if (gs_mem_read(threads->python->mem, at, collector->worlds[global], GS_STOP_WORLD_BYTES))
        return false;
    decode_world(collector, layout);
    return requester && collector->requester == requester && !collector->stopped;
}

static void set_late(struct gs_thread_list *threads, struct gs_member *member, bool late)
{
    if (member->late != late)
        threads->changed = member->news = true;
    member->late = late;
}

/* Those that are attached still while `interp` waits for them. */
static void find_late(struct gs_thread_list *threads, size_t index)
{
    struct gs_interp *interp = &threads->interps[index];
    const struct gs_layout *layout = &threads->python->layout;
    bool global = interp->collector.worlds[1][layout->sw_requested] != 0;
    uint32_t states[STATES_TOGETHER];
    struct gs_piece pieces[STATES_TOGETHER];
    struct gs_member *members[STATES_TOGETHER];
    size_t count = 0;
    for (size_t i = 0; i < threads->member_count && count < STATES_TOGETHER; i++) {
        struct gs_member *member = threads->members[i];
        if (member->tid == 0 || (!global && member->interpreter != index))
            continue;
        pieces[count] =
            (struct gs_piece){member->tstate + (gs_addr)layout->ts_state, &states[count], sizeof *states, false};
        members[count++] = member;
    }
    if (gs_mem_read_many(threads->python->mem, pieces, count) || !still_stops(threads, interp, global))
        return;
    for (size_t i = 0; i < count; i++)
        set_late(threads, members[i],
                 pieces[i].ok && states[i] == ATTACHED && members[i]->tstate != interp->collector.requester);
}

/* ---- who ---- */

/* Of whoever has the GIL all the while. */
static gs_addr holder_of(const struct gs_thread_list *threads, const struct gs_interp *interp)
{
    const struct gs_lock *lock = &threads->locks[interp->lock];
    const struct gs_gil_fields *before = &lock->before, *after = &lock->after;
    const struct gs_member *holder = before->locked && after->locked && before->holder == after->holder
                                         ? gs_list_find(threads, after->holder)
                                         : NULL;
    return holder && &threads->interps[holder->interpreter] == interp ? holder->tstate : 0;
}

static void find_thread(const struct gs_thread_list *threads, struct gs_interp *interp)
{
    struct gs_collector *collector = &interp->collector;
    gs_addr was = collector->thread ? collector->thread : collector->requester;
    uint64_t before = collector->count;
    decode_statistics(collector, &threads->python->layout);
    decode_world(collector, &threads->python->layout);
    collector->count = ended(collector);
    bool goes_on = collector->thread && collector->len > 0 && collector->count == before;
    if (interp->collecting_now == 0)
        collector->thread = 0;
    else if (collector->requester)
        collector->thread = collector->requester;
    else if (!goes_on)
        collector->thread = holder_of(threads, interp);
    gs_addr now = collector->thread ? collector->thread : collector->requester;
    if (now != was || collector->count != before)
        collector->since_ns = threads->taken_ns;
}

void gs_collectors_decode(struct gs_thread_list *threads)
{
    bool known = gs_stop_world_known(&threads->python->layout);
    for (size_t i = 0; i < threads->member_count && known; i++)
        set_late(threads, threads->members[i], false);
    for (size_t i = 0; i < threads->interp_count; i++) {
        struct gs_collector *collector = &threads->interps[i].collector;
        find_thread(threads, &threads->interps[i]);
        if (collector->requester && !collector->stopped)
            find_late(threads, i);
    }
}

struct gs_member *gs_collector_unseen(const struct gs_thread_list *threads, const struct gs_collector *collector)
{
    gs_addr who = collector->thread ? collector->thread : collector->requester;
    struct gs_member *member = who ? gs_list_find(threads, who) : NULL;
    return member && member->tid && member->stack.looked_ns < collector->since_ns ? member : NULL;
}
