/* Who asks for a pause also ends it: an end whose beginning was not seen is of one that went on when the window began.
 */
#include "gil/exact_pauses.h"

#include <stdio.h>
#include <string.h>

void gs_exact_pauses_begin(struct gs_exact_pauses *pauses, uint64_t ns)
{
    memset(pauses->now, 0, sizeof pauses->now);
    pauses->begin_ns = ns;
}

static bool collects(const struct gs_exact_pauses *pauses, pid_t tid)
{
    for (size_t i = 0; i < GS_ADDRESSES_MOST; i++) {
        const struct gs_exact_pause *gc = &pauses->now[i][GS_PAUSE_GC];
        if (gc->begin_ns && gc->tid == tid)
            return true;
    }
    return false;
}

void gs_exact_pauses_see(struct gs_exact_pauses *pauses, const struct gs_exact_sight *sight)
{
    pauses->sights[pauses->sight_count++ % GS_SIGHTS] = *sight;
}

/* NULL: nobody looked in time. */
static const struct gs_exact_sight *sight_of(const struct gs_exact_pauses *pauses, const struct gs_exact_pause *pause)
{
    for (size_t i = 0; i < GS_SIGHTS; i++) {
        const struct gs_exact_sight *sight = &pauses->sights[i];
        if (sight->cause.tid == pause->tid && sight->from_ns >= pause->begin_ns && sight->to_ns <= pause->end_ns)
            return sight;
    }
    return NULL;
}

/* It counts up to there. */
static enum gs_status charge(struct gs_exact_pauses *pauses, struct gs_exact_pause *pause, uint64_t ns)
{
    struct gs_gilstat_cause cause = {.tid = pause->tid};
    bool gc = pause->kind == GS_PAUSE_GC;
    pause->end_ns = ns;
    if (pause->begin_ns >= ns)
        return GS_OK;
    const struct gs_exact_sight *sight = sight_of(pauses, pause);
    pause->place = sight ? &sight->cause.place : NULL;
    if (sight) {
        cause = sight->cause;
        pause->gc |= sight->collects && !gc;
    }
    if (gc)
        cause.why[0] = '\0';
    else if (pause->gc)
        snprintf(cause.why, sizeof cause.why, "gc");
    if (pauses->over)
        pauses->over(pauses->context, pause);
    struct gs_pause_sum *sum = gc ? &pauses->sums.gc : &pauses->sums.worlds;
    return gs_pause_sum_add(sum, &cause, pause->begin_ns, ns) ? GS_OK : GS_NO_MEMORY;
}

enum gs_status gs_exact_pauses_event(struct gs_exact_pauses *pauses, const struct gs_event *event)
{
    struct gs_exact_pause *now = &pauses->now[event->lock][event->what];
    bool ends = event->act == GS_ACT_DROP || (event->act == GS_ACT_CHANGE && now->begin_ns);
    if (event->time_ns <= pauses->begin_ns || (!ends && now->begin_ns))
        return GS_OK;
    struct gs_exact_pause next = {.tid = event->tid, .kind = event->what, .begin_ns = pauses->begin_ns};
    next.gc = event->what == GS_PAUSE_WORLD && collects(pauses, event->tid);
    if (!now->begin_ns)
        *now = next;
    if (!ends) {
        now->begin_ns = event->time_ns;
        return GS_OK;
    }
    enum gs_status status = charge(pauses, now, event->time_ns);
    now->begin_ns = 0;
    return status;
}

enum gs_status gs_exact_pauses_cut(struct gs_exact_pauses *pauses, uint64_t ns)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < GS_ADDRESSES_MOST; i++) {
        for (int kind = 0; kind < GS_PAUSES && !status; kind++) {
            struct gs_exact_pause *now = &pauses->now[i][kind];
            if (!now->begin_ns)
                continue;
            status = charge(pauses, now, ns);
            now->begin_ns = ns;
        }
    }
    return status;
}

enum gs_status gs_exact_pauses_finish(struct gs_exact_pauses *pauses, uint64_t traced_ns,
                                      const struct gs_gil_addresses *addresses, struct gs_gilstat *stat)
{
    uint64_t collections = pauses->sums.gc.count;
    size_t count = addresses->none ? addresses->count : 0;
    pauses->sums.worlds_known = count > 0;
    for (size_t i = 0; i < count; i++)
        pauses->sums.gc_known |= addresses->waits && addresses->list[i].wait;
    enum gs_status status = gs_pauses_finish(&pauses->sums, traced_ns, stat);
    if (pauses->sums.gc_known)
        stat->gc.count = gs_count(collections);
    return status;
}
