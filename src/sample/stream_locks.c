/* A look costs more than a sample. So it is taken of waits that were not looked at yet and last, and, for who has the
 * lock meanwhile, again and again, but never for more than a share of the time; the less there is to be found out, the
 * seldomer. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/least.h"
#include "base/room.h"
#include "sample/stream_locks.h"

enum {
    SHARE = 400,          /* one part of so many of the time is for looks */
    LASTS_NS = 3000000,   /* a wait that was not looked at, and lasts so long, is */
    SOON_NS = 10000000,   /* at the earliest so long after the last look; */
    AGAIN_NS = 20000000,  /* the next one otherwise, as long as there are locks, */
    SELDOM_NS = 320000000 /* and where there are none at last */
};

/* A wait of the last sample. */
struct kept {
    uint64_t number, first_ns;
    bool looked, none; /* it was looked at, and is for no lock */
};

struct gs_stream_locks {
    struct gs_lock_looker looker;
    uint64_t id;
    struct gs_lock_sample *list;
    struct kept *kept, *before; /* of each of list, and of those of the sample before */
    size_t room, count;
    uint64_t soon_ns, next_ns, pause_ns;
    bool waits, lasts; /* somebody waits for a lock; for long without having been looked at */
};

struct gs_stream_locks *gs_stream_locks_new(const struct gs_lock_looker *looker, uint64_t id)
{
    struct gs_stream_locks *locks = calloc(1, sizeof *locks);
    if (locks)
        *locks = (struct gs_stream_locks){.looker = *looker, .id = id, .pause_ns = AGAIN_NS};
    return locks;
}

void gs_stream_locks_free(struct gs_stream_locks *locks)
{
    if (!locks)
        return;
    free(locks->list);
    free(locks->kept);
    free(locks->before);
    free(locks);
}

bool gs_stream_locks_due(const struct gs_stream_locks *locks, uint64_t now_ns)
{
    return locks && now_ns >= locks->soon_ns && (locks->lasts || (locks->waits && now_ns >= locks->next_ns));
}

static bool make_room(struct gs_stream_locks *locks, size_t count)
{
    if (count <= locks->room)
        return true;
    size_t before = locks->room, kept = locks->room;
    return gs_room((void **)&locks->before, &before, count, sizeof *locks->before) &&
           gs_room((void **)&locks->kept, &kept, count, sizeof *locks->kept) &&
           gs_room((void **)&locks->list, &locks->room, count, sizeof *locks->list);
}

/* Waits come in the order of the threads, most of them the same as before. */
static struct kept keep(const struct gs_stream_locks *locks, size_t count_before, size_t *at, uint64_t number,
                        uint64_t now_ns)
{
    for (size_t i = 0; i < count_before; i++) {
        const struct kept *one = &locks->before[(*at + i) % count_before];
        if (one->number != number)
            continue;
        *at = (*at + i + 1) % count_before;
        return *one;
    }
    return (struct kept){.number = number, .first_ns = now_ns};
}

static void note(struct gs_stream_locks *locks, uint64_t now_ns)
{
    locks->waits = locks->lasts = false;
    for (size_t i = 0; i < locks->count; i++) {
        const struct kept *one = &locks->kept[i];
        locks->waits |= !one->none;
        locks->lasts |= !one->looked && now_ns - one->first_ns >= LASTS_NS;
    }
}

static enum gs_status look(struct gs_stream_locks *locks, const struct gs_snapshot *snapshot, struct gs_sample *sample)
{
    uint64_t began_us = gs_clock_cpu_us();
    bool any = false;
    enum gs_status status = locks->looker.look(locks->looker.context, locks->id, snapshot, &sample->looks);
    for (size_t i = 0; i < sample->looks.count && !status; i++) {
        const struct gs_lock_look *one = &sample->looks.list[i];
        any |= one->kind != GS_LOCK_NONE;
        for (size_t k = 0; k < locks->count; k++) {
            if (locks->kept[k].number == one->number)
                locks->kept[k].none = one->kind == GS_LOCK_NONE;
        }
    }
    for (size_t k = 0; k < locks->count; k++)
        locks->kept[k].looked = true;
    /* The stacks took as much again. Others may have the processor meanwhile: that is no cost of ours. */
    uint64_t end_ns = gs_clock_ns(), cost_ns = 2000 * (gs_clock_cpu_us() - began_us);
    locks->pause_ns = any ? (uint64_t)AGAIN_NS : gs_least(2 * locks->pause_ns, SELDOM_NS);
    locks->soon_ns = end_ns + gs_most(SOON_NS, SHARE * cost_ns);
    locks->next_ns = gs_most(locks->soon_ns, end_ns + locks->pause_ns);
    return status;
}

enum gs_status gs_stream_locks_take(struct gs_stream_locks *locks, const struct gs_snapshot *snapshot, bool whole,
                                    uint32_t (*at)(const void *context, const struct gs_snapshot *snapshot,
                                                   size_t thread),
                                    const void *context, struct gs_sample *sample)
{
    size_t before = locks->count, turn = 0;
    if (!make_room(locks, snapshot->thread_count + 1))
        return GS_NO_MEMORY;
    struct kept *last = locks->kept;
    locks->kept = locks->before;
    locks->before = last;
    locks->count = 0;
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_lock_wait *wait = &snapshot->threads[i].lock;
        uint32_t place = wait->word ? at(context, snapshot, i) : GS_NO_THREAD;
        if (place == GS_NO_THREAD)
            continue;
        locks->kept[locks->count] = keep(locks, before, &turn, wait->number, snapshot->time_ns);
        locks->list[locks->count++] = (struct gs_lock_sample){place, wait->word, wait->since_ns, wait->number};
    }
    sample->locks_known = true;
    sample->locks = locks->list;
    sample->lock_count = locks->count;
    enum gs_status status = GS_OK;
    if (whole && locks->count > 0 && gs_stream_locks_due(locks, snapshot->time_ns))
        status = look(locks, snapshot, sample);
    note(locks, snapshot->time_ns);
    return status;
}
