/* The state machine of the GILs: who has it, who waits for it. */
#include <stdlib.h>

#include "base/ids.h"
#include "base/room.h"
#include "trace/turns.h"

enum { ENDED_MOST = 1000 /* threads that are kept */ };

static const uint32_t NOBODY = UINT32_MAX;

struct thread {
    pid_t tid;
    bool alive;   /* it did something, or is known to be there */
    bool early;   /* it did something before the beginning, so that nobody has to tell what it does then */
    uint8_t told; /* enum gs_gil_word: what it was said to do */
    uint8_t told_lock;
    struct gs_turn now;
    uint32_t place; /* among the waiters */
};

struct lock {
    uint32_t holder; /* index, or NOBODY */
    bool known;      /* that is so: an event said so */
    bool asked;      /* somebody's interval passed since it was taken */
    uint32_t *waiters;
    uint32_t waiter_count;
    size_t waiter_room;
    uint64_t since_ns; /* of the present moment */
    pid_t from;        /* who had it last */
    uint64_t from_ns;
};

struct gs_turns {
    struct gs_turns_calls calls;
    struct thread *threads;
    uint32_t thread_count, ended_count;
    size_t thread_room;
    struct gs_ids by_tid; /* indexes of them */
    struct lock locks[GS_SPOTS_MOST];
    uint64_t begin_ns, last_ns;
    bool tracing, begun; /* begun: an event after the beginning came */
    uint64_t violations;
};

struct gs_turns *gs_turns_new(const struct gs_turns_calls *calls)
{
    struct gs_turns *turns = calloc(1, sizeof *turns);
    if (!turns)
        return NULL;
    turns->calls = *calls;
    for (unsigned i = 0; i < GS_SPOTS_MOST; i++)
        turns->locks[i].holder = NOBODY;
    return turns;
}

void gs_turns_free(struct gs_turns *turns)
{
    if (!turns)
        return;
    for (unsigned i = 0; i < GS_SPOTS_MOST; i++)
        free(turns->locks[i].waiters);
    free(turns->threads);
    gs_ids_fini(&turns->by_tid);
    free(turns);
}

uint64_t gs_turns_violations(const struct gs_turns *turns)
{
    return turns->violations;
}

/* ---- threads by tid ---- */

static struct thread *find(struct gs_turns *turns, pid_t tid)
{
    uint32_t index = gs_ids_find(&turns->by_tid, (uint32_t)tid);
    return index == GS_IDS_NONE ? NULL : &turns->threads[index];
}

/* Threads that ended are forgotten: a process may start millions of them. Their places are filled by those behind. */
static bool forget_ended(struct gs_turns *turns)
{
    uint32_t kept = 0, *moved = malloc(((size_t)turns->thread_count + 1) * sizeof *moved);
    if (!moved)
        return false;
    for (uint32_t i = 0; i < turns->thread_count; i++) {
        moved[i] = kept;
        if (turns->threads[i].alive)
            turns->threads[kept++] = turns->threads[i];
    }
    for (unsigned i = 0; i < GS_SPOTS_MOST; i++) { /* whoever has a GIL or waits for it is alive */
        struct lock *lock = &turns->locks[i];
        lock->holder = lock->holder == NOBODY ? NOBODY : moved[lock->holder];
        for (uint32_t k = 0; k < lock->waiter_count; k++)
            lock->waiters[k] = moved[lock->waiters[k]];
    }
    free(moved);
    turns->thread_count = kept;
    turns->ended_count = 0;
    gs_ids_clear(&turns->by_tid);
    for (uint32_t i = 0; i < kept; i++) {
        if (!gs_ids_set(&turns->by_tid, (uint32_t)turns->threads[i].tid, i))
            return false;
    }
    return true;
}

/* NULL: out of memory. Pointers to other threads hold no longer. */
static struct thread *find_or_add(struct gs_turns *turns, pid_t tid)
{
    struct thread *thread = find(turns, tid);
    if (thread)
        return thread;
    if (turns->ended_count > ENDED_MOST && turns->ended_count > turns->thread_count / 2 && !forget_ended(turns))
        return NULL;
    if (!gs_room((void **)&turns->threads, &turns->thread_room, turns->thread_count + 1, sizeof *turns->threads) ||
        !gs_ids_set(&turns->by_tid, (uint32_t)tid, turns->thread_count))
        return NULL;
    thread = &turns->threads[turns->thread_count++];
    *thread = (struct thread){.tid = tid, .told = GS_UNKNOWN, .place = NOBODY};
    thread->now =
        (struct gs_turn){.tid = tid, .word = GS_UNKNOWN, .since_ns = turns->begin_ns, .begin_ns = turns->begin_ns};
    turns->ended_count++; /* it is not alive before it is said to be */
    return thread;
}

static void revive(struct gs_turns *turns, struct thread *thread)
{
    turns->ended_count -= !thread->alive;
    thread->alive = true;
}

static uint32_t index_of(const struct gs_turns *turns, const struct thread *thread)
{
    return (uint32_t)(thread - turns->threads);
}

/* ---- moments ---- */

static bool is_counted(const struct gs_turns *turns, uint64_t ns)
{
    return turns->tracing && ns > turns->begin_ns;
}

/* Who holds the lock, or how many wait, changes now. */
static void end_moment(struct gs_turns *turns, unsigned number, uint64_t ns)
{
    struct lock *lock = &turns->locks[number];
    if (!is_counted(turns, ns) || ns <= lock->since_ns)
        return;
    pid_t holder = lock->holder == NOBODY ? 0 : turns->threads[lock->holder].tid;
    if (turns->calls.moment)
        turns->calls.moment(turns->calls.context, number, holder, lock->waiter_count, lock->since_ns, ns);
    lock->since_ns = ns;
}

/* A thread's waiting is charged to each holder of that time. */
static void blame(struct gs_turns *turns, const struct thread *waiter, const struct thread *holder, uint64_t ns)
{
    uint64_t begin_ns = waiter->now.begin_ns > holder->now.begin_ns ? waiter->now.begin_ns : holder->now.begin_ns;
    if (turns->calls.blame && waiter != holder && ns > begin_ns)
        turns->calls.blame(turns->calls.context, waiter->tid, holder->tid, ns - begin_ns);
}

/* ---- turns ---- */

static void end_turn(struct gs_turns *turns, struct thread *thread, uint64_t ns, bool ended)
{
    struct gs_turn *now = &thread->now;
    struct lock *lock = &turns->locks[now->lock];
    end_moment(turns, now->lock, ns);
    now->end_ns = ns;
    now->ended = ended;
    if (now->word == GS_HOLDS) {
        now->forced = lock->asked;
        for (uint32_t i = 0; i < lock->waiter_count && is_counted(turns, ns); i++)
            blame(turns, &turns->threads[lock->waiters[i]], thread, ns);
        lock->holder = NOBODY;
        lock->from = thread->tid;
        lock->from_ns = ns;
    } else if (now->word == GS_WAITS && thread->place < lock->waiter_count) {
        if (lock->holder != NOBODY && is_counted(turns, ns))
            blame(turns, thread, &turns->threads[lock->holder], ns);
        uint32_t last = lock->waiters[--lock->waiter_count];
        lock->waiters[thread->place] = last;
        turns->threads[last].place = thread->place;
        thread->place = NOBODY;
    }
    if (is_counted(turns, ns) && now->end_ns > now->begin_ns)
        turns->calls.turn(turns->calls.context, now);
}

/* The turn before has ended. False: out of memory. */
static bool begin_turn(struct gs_turns *turns, struct thread *thread, unsigned number, enum gs_gil_word word,
                       uint64_t ns, bool begun)
{
    struct lock *lock = &turns->locks[number];
    end_moment(turns, number, ns);
    thread->now = (struct gs_turn){.tid = thread->tid,
                                   .lock = (uint8_t)number,
                                   .word = (uint8_t)word,
                                   .begun = begun,
                                   .since_ns = ns,
                                   .begin_ns = ns};
    if (word == GS_HOLDS) {
        lock->holder = index_of(turns, thread);
        lock->asked = false;
        thread->now.waiters = lock->waiter_count;
        thread->now.from = lock->from;
        thread->now.from_ns = lock->from_ns;
        lock->from = 0;
    } else if (word == GS_WAITS) {
        if (!gs_room((void **)&lock->waiters, &lock->waiter_room, lock->waiter_count + 1, sizeof *lock->waiters))
            return false;
        thread->place = lock->waiter_count;
        lock->waiters[lock->waiter_count++] = index_of(turns, thread);
        struct gs_turn *hold = lock->holder == NOBODY ? NULL : &turns->threads[lock->holder].now;
        if (hold && hold->waiters < lock->waiter_count)
            hold->waiters = lock->waiter_count;
    }
    return true;
}

static bool change(struct gs_turns *turns, struct thread *thread, unsigned lock, enum gs_gil_word word, uint64_t ns)
{
    end_turn(turns, thread, ns, true);
    return begin_turn(turns, thread, lock, word, ns, is_counted(turns, ns));
}

static bool take(struct gs_turns *turns, struct thread *thread, unsigned number, uint64_t ns)
{
    struct lock *lock = &turns->locks[number];
    if (lock->holder != NOBODY) {
        struct thread *holder = &turns->threads[lock->holder];
        turns->violations += lock->known && turns->tracing;
        end_turn(turns, holder, ns, false);
        lock->from = 0; /* when it let go is not known */
        if (!begin_turn(turns, holder, number, GS_WITHOUT, ns, false))
            return false;
    }
    lock->known = true;
    return change(turns, thread, number, GS_HOLDS, ns);
}

static bool drop(struct gs_turns *turns, struct thread *thread, unsigned number, uint64_t ns)
{
    struct lock *lock = &turns->locks[number];
    bool held = lock->holder == index_of(turns, thread);
    if (!held && lock->known)
        turns->violations += turns->tracing;
    if (!held && !lock->known && thread->now.word == GS_UNKNOWN) { /* nobody could tell: it has had it all the time */
        thread->now.word = GS_HOLDS;
        thread->now.lock = (uint8_t)number;
        lock->holder = index_of(turns, thread);
        lock->since_ns = turns->begin_ns;
    }
    lock->known = true;
    return change(turns, thread, number, GS_WITHOUT, ns);
}

static bool wait(struct gs_turns *turns, struct thread *thread, unsigned number, uint64_t ns)
{
    if (thread->now.word == GS_HOLDS)
        return true; /* it only looks at the interval: sys.getswitchinterval */
    if (thread->now.word == GS_WAITS && thread->now.lock == number) {
        thread->now.asks++;
        turns->locks[number].asked = true;
        return true;
    }
    return change(turns, thread, number, GS_WAITS, ns);
}

/* ---- the beginning and the end ---- */

void gs_turns_start(struct gs_turns *turns, uint64_t begin_ns)
{
    turns->begin_ns = turns->last_ns = begin_ns;
    turns->tracing = true;
    turns->begun = false;
    for (unsigned i = 0; i < GS_SPOTS_MOST; i++) {
        struct lock *lock = &turns->locks[i];
        lock->holder = NOBODY;
        lock->known = lock->asked = false;
        lock->waiter_count = 0;
        lock->from = 0;
        lock->since_ns = begin_ns;
    }
    turns->ended_count = turns->thread_count;
    for (uint32_t i = 0; i < turns->thread_count; i++) {
        struct thread *thread = &turns->threads[i];
        *thread = (struct thread){.tid = thread->tid, .told = GS_UNKNOWN, .place = NOBODY};
        thread->now =
            (struct gs_turn){.tid = thread->tid, .word = GS_UNKNOWN, .since_ns = begin_ns, .begin_ns = begin_ns};
    }
}

enum gs_status gs_turns_tell(struct gs_turns *turns, pid_t tid, unsigned lock, enum gs_gil_word word)
{
    struct thread *thread = find_or_add(turns, tid);
    if (!thread)
        return GS_NO_MEMORY;
    revive(turns, thread);
    thread->told = (uint8_t)word;
    thread->told_lock = lock < GS_SPOTS_MOST ? (uint8_t)lock : 0;
    return GS_OK;
}

/* At the first event after the beginning, what was told is believed of those who did nothing up to then; from here on
 * time counts. */
static bool settle(struct gs_turns *turns)
{
    for (uint32_t i = 0; i < turns->thread_count; i++) {
        struct thread *thread = &turns->threads[i];
        struct lock *lock = &turns->locks[thread->told_lock];
        enum gs_gil_word word = thread->told;
        if (thread->early) {
            thread->now.since_ns = thread->now.begin_ns = turns->begin_ns;
            thread->now.from = 0;
            continue;
        }
        if (word == GS_HOLDS && lock->holder != NOBODY)
            word = GS_UNKNOWN; /* an event says who has it */
        if (word != GS_UNKNOWN && !begin_turn(turns, thread, thread->told_lock, word, turns->begin_ns, false))
            return false;
        lock->known = lock->known || word == GS_HOLDS;
    }
    for (unsigned i = 0; i < GS_SPOTS_MOST; i++)
        turns->locks[i].from = 0; /* that was before */
    turns->begun = true;
    return true;
}

enum gs_status gs_turns_reach(struct gs_turns *turns, uint64_t ns)
{
    bool due = turns->tracing && !turns->begun && ns > turns->begin_ns;
    return due && !settle(turns) ? GS_NO_MEMORY : GS_OK;
}

/* Hands on what everybody does up to now; waiters come first, as they are charged to whoever holds. */
static void cut(struct gs_turns *turns, uint64_t ns)
{
    for (unsigned i = 0; i < GS_SPOTS_MOST; i++) {
        const struct lock *lock = &turns->locks[i];
        end_moment(turns, i, ns);
        for (uint32_t k = 0; lock->holder != NOBODY && k < lock->waiter_count; k++)
            blame(turns, &turns->threads[lock->waiters[k]], &turns->threads[lock->holder], ns);
    }
    for (uint32_t i = 0; i < turns->thread_count; i++) {
        struct gs_turn *now = &turns->threads[i].now;
        if (!turns->threads[i].alive || ns <= now->begin_ns)
            continue;
        now->end_ns = ns;
        turns->calls.turn(turns->calls.context, now);
        now->begin_ns = ns;
    }
}

void gs_turns_cut(struct gs_turns *turns, uint64_t ns)
{
    if (!turns->tracing || ns < turns->last_ns || (!turns->begun && !settle(turns)))
        return;
    turns->last_ns = ns;
    cut(turns, ns);
}

void gs_turns_stop(struct gs_turns *turns, uint64_t end_ns)
{
    gs_turns_cut(turns, end_ns > turns->last_ns ? end_ns : turns->last_ns);
    turns->tracing = false;
}

pid_t gs_turns_holder(const struct gs_turns *turns, unsigned lock, uint64_t *since_ns)
{
    const struct lock *at = lock < GS_SPOTS_MOST ? &turns->locks[lock] : NULL;
    if (!turns->tracing || !at || at->holder == NOBODY)
        return 0;
    *since_ns = turns->threads[at->holder].now.since_ns;
    return turns->threads[at->holder].tid;
}

enum gs_gil_word gs_turns_word(const struct gs_turns *turns, pid_t tid)
{
    uint32_t index = gs_ids_find(&turns->by_tid, (uint32_t)tid);
    const struct thread *thread = index == GS_IDS_NONE ? NULL : &turns->threads[index];
    if (!thread || !thread->alive)
        return GS_WITHOUT;
    return turns->begun || thread->early ? thread->now.word : thread->told;
}

/* ---- events ---- */

static void end_thread(struct gs_turns *turns, pid_t tid, uint64_t ns)
{
    struct thread *thread = find(turns, tid);
    if (!thread || !thread->alive)
        return;
    end_turn(turns, thread, ns, true);
    thread->now = (struct gs_turn){.tid = tid, .word = GS_UNKNOWN, .since_ns = ns, .begin_ns = ns};
    thread->alive = false;
    turns->ended_count++;
    thread->told = GS_UNKNOWN;
    thread->early = true;
}

static bool act(struct gs_turns *turns, struct thread *thread, const struct gs_event *event, uint64_t ns)
{
    bool free = turns->locks[event->lock].holder == NOBODY;
    switch (event->act) {
    case GS_ACT_TAKE:
        return take(turns, thread, event->lock, ns);
    case GS_ACT_DROP:
        return drop(turns, thread, event->lock, ns);
    case GS_ACT_CHANGE:
        return free ? take(turns, thread, event->lock, ns) : drop(turns, thread, event->lock, ns);
    default:
        return wait(turns, thread, event->lock, ns);
    }
}

enum gs_status gs_turns_event(struct gs_turns *turns, const struct gs_event *event)
{
    uint64_t ns = event->time_ns;
    if (!turns->tracing || event->lock >= GS_SPOTS_MOST)
        return GS_OK;
    if (ns > turns->begin_ns && !turns->begun && !settle(turns))
        return GS_NO_MEMORY;
    if (turns->begun && ns < turns->last_ns) {
        turns->violations++;
        ns = turns->last_ns;
    }
    if (turns->begun)
        turns->last_ns = ns;
    if (event->act == GS_ACT_ENDED)
        end_thread(turns, event->tid, ns);
    if (event->act > GS_ACT_WAIT)
        return GS_OK;
    struct thread *thread = find_or_add(turns, event->tid);
    if (!thread)
        return GS_NO_MEMORY;
    if (!thread->alive && turns->begun) /* it was born, or had no Python before */
        thread->now = (struct gs_turn){.tid = event->tid, .word = GS_UNKNOWN, .since_ns = ns, .begin_ns = ns};
    revive(turns, thread);
    thread->early = true;
    return act(turns, thread, event, ns) ? GS_OK : GS_NO_MEMORY;
}
