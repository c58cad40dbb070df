/* A look costs more than a sample. So it is taken of waits that were not looked at yet and last, and, for who has the
 * lock meanwhile, again and again, but never for more than a share of the time; the less there is to be found out, the
 * seldomer. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/least.h"
#include "base/room.h"
#include "sample/stream_locks.h"

enum {
    SHARE_POLLS = 800,     /* one part of so many of the time is for looks: half of it for the stacks that they take; */
    SHARE = 100,           /* where each sample has stacks, and its waiters' owners are asked for, and at first: */
    FIRST = 8,             /* so many looks */
    LASTS_NS = 3000000,    /* a wait that was not looked at, and lasts so long, is */
    SOON_NS = 10000000,    /* at the earliest so long after the last look; */
    AGAIN_NS = 20000000,   /* the next one otherwise, as long as there are locks, */
    SELDOM_NS = 320000000, /* and where there are none at last */
    WORDS = 1024           /* of locks that are known; beyond that they are found out anew */
};

/* Where in the sample a thread of the snapshot is. */
struct where {
    uint32_t (*at)(const void *context, const struct gs_snapshot *snapshot, size_t thread);
    const void *context;
};

/* A wait of the last sample. */
struct kept {
    uint64_t number, first_ns;
    bool looked, none; /* it was looked at, and is for no lock */
};

/* What a look has found to be a lock. */
struct known {
    uint32_t holder; /* number + 1 of the thread that had it then, 0: not known, */
    uint32_t stack;  /* where that stood */
};

struct gs_stream_locks {
    struct gs_lock_looker looker;
    uint64_t share;
    unsigned looks; /* that were taken, FIRST at most */
    struct known known[WORDS];
    uint32_t known_count;
    struct gs_ids by_word;
    uint64_t id;
    struct gs_lock_sample *list;
    struct kept *kept, *before; /* of each of list, and of those of the sample before */
    size_t room, count;
    uint64_t soon_ns, next_ns, pause_ns;
    bool waits, lasts; /* somebody waits for a lock; for long without having been looked at */
};

struct gs_stream_locks *gs_stream_locks_new(const struct gs_lock_looker *looker, uint64_t id, bool polls)
{
    struct gs_stream_locks *locks = calloc(1, sizeof *locks);
    if (locks)
        *locks = (struct gs_stream_locks){
            .looker = *looker, .id = id, .pause_ns = AGAIN_NS, .share = polls ? SHARE_POLLS : SHARE};
    return locks;
}

void gs_stream_locks_free(struct gs_stream_locks *locks)
{
    if (!locks)
        return;
    gs_ids_fini(&locks->by_word);
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

static const struct gs_thread_sample *thread_of(const struct gs_sample *sample, uint32_t number)
{
    for (size_t i = 0; i < sample->thread_count; i++) {
        if (sample->threads[i].thread == number)
            return &sample->threads[i];
    }
    return NULL;
}

static bool learn(struct gs_stream_locks *locks, gs_addr word, const struct gs_thread_sample *holder)
{
    uint32_t at = gs_ids_find(&locks->by_word, word);
    if (at == GS_IDS_NONE) {
        if (locks->known_count == WORDS) {
            gs_ids_clear(&locks->by_word);
            locks->known_count = 0;
        }
        at = locks->known_count;
        if (!gs_ids_set(&locks->by_word, word, at))
            return false;
        locks->known_count++;
    }
    locks->known[at] = (struct known){0};
    if (holder)
        locks->known[at] = (struct known){holder->thread + 1, holder->stack};
    return true;
}

static bool waits_for(const struct gs_stream_locks *locks, size_t thread_at, gs_addr word)
{
    size_t i = 0;
    while (i < locks->count && (locks->list[i].thread_at != thread_at || locks->list[i].word != word))
        i++;
    return i < locks->count;
}

/* A wait is for a lock when its own look, or one at the same word, has told so. Who had it then has it still while it
 * stands where it stood, and does not wait for it. */
static void judge(const struct gs_stream_locks *locks, size_t i, const struct gs_sample *sample)
{
    struct gs_lock_sample *wait = &locks->list[i];
    uint32_t at = locks->kept[i].none ? GS_IDS_NONE : gs_ids_find(&locks->by_word, wait->word);
    const struct known *known = at == GS_IDS_NONE ? NULL : &locks->known[at];
    const struct gs_thread_sample *holder = known && known->holder ? thread_of(sample, known->holder - 1) : NULL;
    size_t holder_at = holder ? (size_t)(holder - sample->threads) : 0;
    bool has = holder && holder->stack == known->stack && !waits_for(locks, holder_at, wait->word);
    wait->is_lock = known || wait->object;
    wait->owner_at = has ? (uint32_t)holder_at + 1 : 0;
}

/* NULL: it is not one of the sample's. */
static const struct gs_thread_sample *holder_of(const struct where *where, const struct gs_snapshot *snapshot,
                                                const struct gs_sample *sample, pid_t tid)
{
    uint32_t at = GS_NO_THREAD;
    for (size_t i = 0; i < snapshot->thread_count && tid > 0 && at == GS_NO_THREAD; i++)
        at = snapshot->threads[i].tid == tid ? where->at(where->context, snapshot, i) : at;
    return at == GS_NO_THREAD ? NULL : &sample->threads[at];
}

static enum gs_status look(struct gs_stream_locks *locks, const struct gs_snapshot *snapshot, const struct where *where,
                           struct gs_sample *sample)
{
    uint64_t began_us = gs_clock_cpu_us();
    bool any = false;
    enum gs_status status = locks->looker.look(locks->looker.context, locks->id, snapshot, &sample->looks);
    for (size_t i = 0; i < sample->looks.count && !status; i++) {
        const struct gs_lock_look *one = &sample->looks.list[i];
        any |= one->kind != GS_LOCK_NONE;
        if (one->kind != GS_LOCK_NONE && !learn(locks, one->word, holder_of(where, snapshot, sample, one->holder)))
            status = GS_NO_MEMORY;
        for (size_t k = 0; k < locks->count; k++) {
            if (locks->kept[k].number == one->number)
                locks->kept[k].none = one->kind == GS_LOCK_NONE && !locks->list[k].object;
        }
    }
    for (size_t k = 0; k < locks->count; k++)
        locks->kept[k].looked = true;
    /* Others may have the processor meanwhile: that is no cost of ours. */
    uint64_t end_ns = gs_clock_ns(), cost_ns = 1000 * (gs_clock_cpu_us() - began_us);
    locks->pause_ns = any ? (uint64_t)AGAIN_NS : gs_least(2 * locks->pause_ns, SELDOM_NS);
    uint64_t share = locks->looks < FIRST ? (uint64_t)SHARE : locks->share;
    locks->looks += locks->looks < FIRST;
    locks->soon_ns = end_ns + gs_most(SOON_NS, share * cost_ns);
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
        locks->list[locks->count++] = (struct gs_lock_sample){.thread_at = place,
                                                              .word = wait->word,
                                                              .object = wait->object,
                                                              .since_ns = wait->since_ns,
                                                              .number = wait->number};
    }
    sample->locks_known = true;
    sample->locks = locks->list;
    sample->lock_count = locks->count;
    enum gs_status status = GS_OK;
    note(locks, snapshot->time_ns);
    if (whole && locks->count > 0 && gs_stream_locks_due(locks, snapshot->time_ns))
        status = look(locks, snapshot, &(struct where){at, context}, sample);
    note(locks, snapshot->time_ns);
    for (size_t i = 0; i < locks->count; i++)
        judge(locks, i, sample);
    return status;
}
