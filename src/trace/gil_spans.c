/* The state machine of the GILs: who has it, who waits for it. */
#include <stdlib.h>

#include "base/ids.h"
#include "base/room.h"
#include "trace/gil_spans.h"

enum { ENDED_MOST = 1000 /* threads that are kept */ };

static const uint32_t NOBODY = UINT32_MAX;

struct thread {
    pid_t tid;
    bool alive;   /* it did something, or is known to be there */
    bool early;   /* it did something before the beginning, so that nobody has to tell what it does then */
    uint8_t told; /* enum gs_gil_word: what it was said to do */
    uint8_t told_lock;
    struct gs_gil_span now;
    uint32_t place; /* among the waiters */
};

struct lock {
    uint32_t holder;  /* index, or NOBODY */
    uint32_t changer; /* whose change is not understood, or NOBODY: before the beginning it may have been either, and
                       * later that it let go was not told before another took it */
    bool known;       /* that is so: an event said so */
    bool asked;       /* somebody's interval passed since it was taken */
    uint32_t *waiters;
    uint32_t waiter_count;
    size_t waiter_room;
    uint64_t since_ns; /* of the present moment */
    pid_t from;        /* who had it last */
    uint64_t from_ns;
};

struct gs_gil_spans {
    struct gs_gil_spans_calls calls;
    struct thread *threads;
    uint32_t thread_count, ended_count;
    size_t thread_room;
    struct gs_ids by_tid; /* indexes of them */
    struct lock locks[GS_ADDRESSES_MOST];
    uint64_t begin_ns, last_ns;
    bool tracing, begun; /* begun: an event after the beginning came */
    uint64_t violations;
};

struct gs_gil_spans *gs_gil_spans_new(const struct gs_gil_spans_calls *calls)
{
    struct gs_gil_spans *gil_spans = calloc(1, sizeof *gil_spans);
    if (!gil_spans)
        return NULL;
    gil_spans->calls = *calls;
    for (unsigned i = 0; i < GS_ADDRESSES_MOST; i++)
        gil_spans->locks[i].holder = NOBODY;
    return gil_spans;
}

void gs_gil_spans_free(struct gs_gil_spans *gil_spans)
{
    if (!gil_spans)
        return;
    for (unsigned i = 0; i < GS_ADDRESSES_MOST; i++)
        free(gil_spans->locks[i].waiters);
    free(gil_spans->threads);
    gs_ids_fini(&gil_spans->by_tid);
    free(gil_spans);
}

uint64_t gs_gil_spans_violations(const struct gs_gil_spans *gil_spans)
{
    return gil_spans->violations;
}

/* ---- threads by tid ---- */

static struct thread *find(struct gs_gil_spans *gil_spans, pid_t tid)
{
    uint32_t index = gs_ids_find(&gil_spans->by_tid, (uint32_t)tid);
    return index == GS_IDS_NONE ? NULL : &gil_spans->threads[index];
}

/* Threads that ended are forgotten: a process may start millions of them. Their places are filled by those behind. */
static bool forget_ended(struct gs_gil_spans *gil_spans)
{
    uint32_t kept = 0, *moved = malloc(((size_t)gil_spans->thread_count + 1) * sizeof *moved);
    if (!moved)
        return false;
    for (uint32_t i = 0; i < gil_spans->thread_count; i++) {
        moved[i] = kept;
        if (gil_spans->threads[i].alive)
            gil_spans->threads[kept++] = gil_spans->threads[i];
    }
    for (unsigned i = 0; i < GS_ADDRESSES_MOST; i++) { /* whoever has a GIL or waits for it is alive */
        struct lock *lock = &gil_spans->locks[i];
        lock->holder = lock->holder == NOBODY ? NOBODY : moved[lock->holder];
        for (uint32_t k = 0; k < lock->waiter_count; k++)
            lock->waiters[k] = moved[lock->waiters[k]];
    }
    free(moved);
    gil_spans->thread_count = kept;
    gil_spans->ended_count = 0;
    gs_ids_clear(&gil_spans->by_tid);
    for (uint32_t i = 0; i < kept; i++) {
        if (!gs_ids_set(&gil_spans->by_tid, (uint32_t)gil_spans->threads[i].tid, i))
            return false;
    }
    return true;
}

/* NULL: out of memory. Pointers to other threads hold no longer. */
static struct thread *find_or_add(struct gs_gil_spans *gil_spans, pid_t tid)
{
    struct thread *thread = find(gil_spans, tid);
    if (thread)
        return thread;
    if (gil_spans->ended_count > ENDED_MOST && gil_spans->ended_count > gil_spans->thread_count / 2 &&
        !forget_ended(gil_spans))
        return NULL;
    if (!gs_room((void **)&gil_spans->threads, &gil_spans->thread_room, gil_spans->thread_count + 1,
                 sizeof *gil_spans->threads) ||
        !gs_ids_set(&gil_spans->by_tid, (uint32_t)tid, gil_spans->thread_count))
        return NULL;
    thread = &gil_spans->threads[gil_spans->thread_count++];
    *thread = (struct thread){.tid = tid, .told = GS_UNKNOWN, .place = NOBODY};
    thread->now = (struct gs_gil_span){
        .tid = tid, .word = GS_UNKNOWN, .since_ns = gil_spans->begin_ns, .begin_ns = gil_spans->begin_ns};
    gil_spans->ended_count++; /* it is not alive before it is said to be */
    return thread;
}

static void revive(struct gs_gil_spans *gil_spans, struct thread *thread)
{
    gil_spans->ended_count -= !thread->alive;
    thread->alive = true;
}

static uint32_t index_of(const struct gs_gil_spans *gil_spans, const struct thread *thread)
{
    return (uint32_t)(thread - gil_spans->threads);
}

/* ---- moments ---- */

static bool is_counted(const struct gs_gil_spans *gil_spans, uint64_t ns)
{
    return gil_spans->tracing && ns > gil_spans->begin_ns;
}

/* Who holds the lock, or how many wait, changes now. */
static void end_moment(struct gs_gil_spans *gil_spans, unsigned number, uint64_t ns)
{
    struct lock *lock = &gil_spans->locks[number];
    if (!is_counted(gil_spans, ns) || ns <= lock->since_ns)
        return;
    pid_t holder = lock->holder == NOBODY ? 0 : gil_spans->threads[lock->holder].tid;
    if (gil_spans->calls.moment)
        gil_spans->calls.moment(gil_spans->calls.context, number, holder, lock->waiter_count, lock->since_ns, ns);
    lock->since_ns = ns;
}

/* A thread's waiting is charged to each holder of that time. */
static void blame(struct gs_gil_spans *gil_spans, const struct thread *waiter, const struct thread *holder, uint64_t ns)
{
    uint64_t begin_ns = waiter->now.begin_ns > holder->now.begin_ns ? waiter->now.begin_ns : holder->now.begin_ns;
    if (gil_spans->calls.blame && waiter != holder && ns > begin_ns)
        gil_spans->calls.blame(gil_spans->calls.context, waiter->tid, holder->tid, ns - begin_ns);
}

/* ---- spans ---- */

static void end_turn(struct gs_gil_spans *gil_spans, struct thread *thread, uint64_t ns, bool ended)
{
    struct gs_gil_span *now = &thread->now;
    struct lock *lock = &gil_spans->locks[now->lock];
    end_moment(gil_spans, now->lock, ns);
    now->end_ns = ns;
    now->ended = ended;
    if (now->word == GS_HOLDS) {
        now->forced = lock->asked;
        for (uint32_t i = 0; i < lock->waiter_count && is_counted(gil_spans, ns); i++)
            blame(gil_spans, &gil_spans->threads[lock->waiters[i]], thread, ns);
        lock->holder = NOBODY;
        lock->from = thread->tid;
        lock->from_ns = ns;
    } else if (now->word == GS_WAITS && thread->place < lock->waiter_count) {
        if (lock->holder != NOBODY && is_counted(gil_spans, ns))
            blame(gil_spans, thread, &gil_spans->threads[lock->holder], ns);
        uint32_t last = lock->waiters[--lock->waiter_count];
        lock->waiters[thread->place] = last;
        gil_spans->threads[last].place = thread->place;
        thread->place = NOBODY;
    }
    if (is_counted(gil_spans, ns) && now->end_ns > now->begin_ns)
        gil_spans->calls.gil_span(gil_spans->calls.context, now);
}

/* The span before has ended. False: out of memory. */
static bool begin_turn(struct gs_gil_spans *gil_spans, struct thread *thread, unsigned number, enum gs_gil_word word,
                       uint64_t ns, bool begun)
{
    struct lock *lock = &gil_spans->locks[number];
    end_moment(gil_spans, number, ns);
    thread->now = (struct gs_gil_span){.tid = thread->tid,
                                       .lock = (uint8_t)number,
                                       .word = (uint8_t)word,
                                       .begun = begun,
                                       .since_ns = ns,
                                       .begin_ns = ns};
    if (word == GS_HOLDS) {
        lock->holder = index_of(gil_spans, thread);
        lock->asked = false;
        thread->now.waiters = lock->waiter_count;
        thread->now.from = lock->from;
        thread->now.from_ns = lock->from_ns;
        lock->from = 0;
    } else if (word == GS_WAITS) {
        if (!gs_room((void **)&lock->waiters, &lock->waiter_room, lock->waiter_count + 1, sizeof *lock->waiters))
            return false;
        thread->place = lock->waiter_count;
        lock->waiters[lock->waiter_count++] = index_of(gil_spans, thread);
        struct gs_gil_span *hold = lock->holder == NOBODY ? NULL : &gil_spans->threads[lock->holder].now;
        if (hold && hold->waiters < lock->waiter_count)
            hold->waiters = lock->waiter_count;
    }
    return true;
}

static bool change(struct gs_gil_spans *gil_spans, struct thread *thread, unsigned lock, enum gs_gil_word word,
                   uint64_t ns)
{
    end_turn(gil_spans, thread, ns, true);
    return begin_turn(gil_spans, thread, lock, word, ns, is_counted(gil_spans, ns));
}

/* Each takes and lets go in turn: a signal came between the exception and the store, so that one is told twice. */
static bool is_again(const struct gs_gil_spans *gil_spans, const struct thread *thread, const struct lock *lock,
                     bool takes)
{
    return GS_ARCH_WATCH_BEFORE && lock->known &&
           (takes ? lock->holder == index_of(gil_spans, thread) : lock->holder == NOBODY && lock->from == thread->tid);
}

static bool take(struct gs_gil_spans *gil_spans, struct thread *thread, unsigned number, uint64_t ns)
{
    struct lock *lock = &gil_spans->locks[number];
    if (is_again(gil_spans, thread, lock, true))
        return true;
    if (lock->holder != NOBODY) {
        struct thread *holder = &gil_spans->threads[lock->holder];
        gil_spans->violations += lock->known && gil_spans->tracing;
        end_turn(gil_spans, holder, ns, false);
        lock->from = 0; /* when it let go is not known */
        if (!begin_turn(gil_spans, holder, number, GS_WITHOUT, ns, false))
            return false;
    }
    lock->known = true;
    return change(gil_spans, thread, number, GS_HOLDS, ns);
}

static bool drop(struct gs_gil_spans *gil_spans, struct thread *thread, unsigned number, uint64_t ns)
{
    struct lock *lock = &gil_spans->locks[number];
    bool held = lock->holder == index_of(gil_spans, thread);
    if (is_again(gil_spans, thread, lock, false))
        return true;
    if (!held && lock->known)
        gil_spans->violations += gil_spans->tracing;
    if (!held && !lock->known && thread->now.word == GS_UNKNOWN) { /* nobody could tell: it has had it all the time */
        thread->now.word = GS_HOLDS;
        thread->now.lock = (uint8_t)number;
        lock->holder = index_of(gil_spans, thread);
        lock->since_ns = gil_spans->begin_ns;
    }
    lock->known = true;
    return change(gil_spans, thread, number, GS_WITHOUT, ns);
}

static bool wait(struct gs_gil_spans *gil_spans, struct thread *thread, unsigned number, uint64_t ns)
{
    if (thread->now.word == GS_HOLDS)
        return true; /* it only looks at the interval: sys.getswitchinterval */
    if (thread->now.word == GS_WAITS && thread->now.lock == number) {
        thread->now.asks++;
        gil_spans->locks[number].asked = true;
        return true;
    }
    return change(gil_spans, thread, number, GS_WAITS, ns);
}

/* ---- the beginning and the end ---- */

void gs_gil_spans_start(struct gs_gil_spans *gil_spans, uint64_t begin_ns)
{
    gil_spans->begin_ns = gil_spans->last_ns = begin_ns;
    gil_spans->tracing = true;
    gil_spans->begun = false;
    for (unsigned i = 0; i < GS_ADDRESSES_MOST; i++) {
        struct lock *lock = &gil_spans->locks[i];
        lock->holder = lock->changer = NOBODY;
        lock->known = lock->asked = false;
        lock->waiter_count = 0;
        lock->from = 0;
        lock->since_ns = begin_ns;
    }
    gil_spans->ended_count = gil_spans->thread_count;
    for (uint32_t i = 0; i < gil_spans->thread_count; i++) {
        struct thread *thread = &gil_spans->threads[i];
        *thread = (struct thread){.tid = thread->tid, .told = GS_UNKNOWN, .place = NOBODY};
        thread->now =
            (struct gs_gil_span){.tid = thread->tid, .word = GS_UNKNOWN, .since_ns = begin_ns, .begin_ns = begin_ns};
    }
}

enum gs_status gs_gil_spans_tell(struct gs_gil_spans *gil_spans, pid_t tid, unsigned lock, enum gs_gil_word word)
{
    struct thread *thread = find_or_add(gil_spans, tid);
    if (!thread)
        return GS_NO_MEMORY;
    revive(gil_spans, thread);
    thread->told = (uint8_t)word;
    thread->told_lock = lock < GS_ADDRESSES_MOST ? (uint8_t)lock : 0;
    return GS_OK;
}

/* At the first event after the beginning, what was told is believed of those who did nothing up to then; from here on
 * time counts. */
static bool settle(struct gs_gil_spans *gil_spans)
{
    for (uint32_t i = 0; i < gil_spans->thread_count; i++) {
        struct thread *thread = &gil_spans->threads[i];
        struct lock *lock = &gil_spans->locks[thread->told_lock];
        enum gs_gil_word word = thread->told;
        if (thread->early) {
            thread->now.since_ns = thread->now.begin_ns = gil_spans->begin_ns;
            thread->now.from = 0;
            continue;
        }
        if (word == GS_HOLDS && (lock->holder != NOBODY || lock->changer != NOBODY))
            word = GS_UNKNOWN; /* an event says who has it, or that it was not this one */
        if (word != GS_UNKNOWN && !begin_turn(gil_spans, thread, thread->told_lock, word, gil_spans->begin_ns, false))
            return false;
        lock->known = lock->known || word == GS_HOLDS;
    }
    for (unsigned i = 0; i < GS_ADDRESSES_MOST; i++)
        gil_spans->locks[i].from = 0; /* that was before */
    gil_spans->begun = true;
    return true;
}

enum gs_status gs_gil_spans_reach(struct gs_gil_spans *gil_spans, uint64_t ns)
{
    bool due = gil_spans->tracing && !gil_spans->begun && ns > gil_spans->begin_ns;
    return due && !settle(gil_spans) ? GS_NO_MEMORY : GS_OK;
}

/* Hands on what everybody does up to now; waiters come first, as they are charged to whoever holds. */
static void cut(struct gs_gil_spans *gil_spans, uint64_t ns)
{
    for (unsigned i = 0; i < GS_ADDRESSES_MOST; i++) {
        const struct lock *lock = &gil_spans->locks[i];
        end_moment(gil_spans, i, ns);
        for (uint32_t k = 0; lock->holder != NOBODY && k < lock->waiter_count; k++)
            blame(gil_spans, &gil_spans->threads[lock->waiters[k]], &gil_spans->threads[lock->holder], ns);
    }
    for (uint32_t i = 0; i < gil_spans->thread_count; i++) {
        struct gs_gil_span *now = &gil_spans->threads[i].now;
        if (!gil_spans->threads[i].alive || ns <= now->begin_ns)
            continue;
        now->end_ns = ns;
        gil_spans->calls.gil_span(gil_spans->calls.context, now);
        now->begin_ns = ns;
    }
}

void gs_gil_spans_cut(struct gs_gil_spans *gil_spans, uint64_t ns)
{
    if (!gil_spans->tracing || ns < gil_spans->last_ns || (!gil_spans->begun && !settle(gil_spans)))
        return;
    gil_spans->last_ns = ns;
    cut(gil_spans, ns);
}

void gs_gil_spans_stop(struct gs_gil_spans *gil_spans, uint64_t end_ns)
{
    gs_gil_spans_cut(gil_spans, end_ns > gil_spans->last_ns ? end_ns : gil_spans->last_ns);
    gil_spans->tracing = false;
}

pid_t gs_gil_spans_holder(const struct gs_gil_spans *gil_spans, unsigned lock, uint64_t *since_ns)
{
    const struct lock *at = lock < GS_ADDRESSES_MOST ? &gil_spans->locks[lock] : NULL;
    if (!gil_spans->tracing || !at || at->holder == NOBODY)
        return 0;
    *since_ns = gil_spans->threads[at->holder].now.since_ns;
    return gil_spans->threads[at->holder].tid;
}

enum gs_gil_word gs_gil_spans_word(const struct gs_gil_spans *gil_spans, pid_t tid)
{
    uint32_t index = gs_ids_find(&gil_spans->by_tid, (uint32_t)tid);
    const struct thread *thread = index == GS_IDS_NONE ? NULL : &gil_spans->threads[index];
    if (!thread || !thread->alive)
        return GS_WITHOUT;
    return gil_spans->begun || thread->early ? thread->now.word : thread->told;
}

/* ---- events ---- */

/* One thread takes and lets go in turn, and another one that changes the lock after it can only take it. What was
 * looked at says who has it, but not of a lock that changed while it was looked at. Two events may come in the wrong
 * order: who changes the lock while another holds it has taken it, and the other's next change is that it let go. */
static bool flip(struct gs_gil_spans *gil_spans, struct thread *thread, unsigned number, uint64_t ns)
{
    struct lock *lock = &gil_spans->locks[number];
    uint32_t index = index_of(gil_spans, thread), holder = lock->holder, before = lock->changer;
    if (holder == index)
        return drop(gil_spans, thread, number, ns);
    lock->changer = holder != NOBODY && before != index ? holder : NOBODY;
    if (holder != NOBODY && before == index)
        return true;
    if (holder != NOBODY || lock->known || (before == NOBODY ? gil_spans->begun : before != index))
        return take(gil_spans, thread, number, ns);
    lock->changer = index;
    return change(gil_spans, thread, number, GS_UNKNOWN, ns);
}

static void end_thread(struct gs_gil_spans *gil_spans, pid_t tid, uint64_t ns)
{
    struct thread *thread = find(gil_spans, tid);
    if (!thread || !thread->alive)
        return;
    end_turn(gil_spans, thread, ns, true);
    thread->now = (struct gs_gil_span){.tid = tid, .word = GS_UNKNOWN, .since_ns = ns, .begin_ns = ns};
    thread->alive = false;
    gil_spans->ended_count++;
    thread->told = GS_UNKNOWN;
    thread->early = true;
}

static bool act(struct gs_gil_spans *gil_spans, struct thread *thread, const struct gs_event *event, uint64_t ns)
{
    switch (event->act) {
    case GS_ACT_TAKE:
        return take(gil_spans, thread, event->lock, ns);
    case GS_ACT_DROP:
        return drop(gil_spans, thread, event->lock, ns);
    case GS_ACT_CHANGE:
        return flip(gil_spans, thread, event->lock, ns);
    default:
        return wait(gil_spans, thread, event->lock, ns);
    }
}

enum gs_status gs_gil_spans_event(struct gs_gil_spans *gil_spans, const struct gs_event *event)
{
    uint64_t ns = event->time_ns;
    if (!gil_spans->tracing || event->lock >= GS_ADDRESSES_MOST)
        return GS_OK;
    if (ns > gil_spans->begin_ns && !gil_spans->begun && !settle(gil_spans))
        return GS_NO_MEMORY;
    if (gil_spans->begun && ns < gil_spans->last_ns) {
        gil_spans->violations++;
        ns = gil_spans->last_ns;
    }
    if (gil_spans->begun)
        gil_spans->last_ns = ns;
    if (event->act == GS_ACT_ENDED)
        end_thread(gil_spans, event->tid, ns);
    if (event->act > GS_ACT_WAIT)
        return GS_OK;
    struct thread *thread = find_or_add(gil_spans, event->tid);
    if (!thread)
        return GS_NO_MEMORY;
    if (!thread->alive && gil_spans->begun) /* it was born, or had no Python before */
        thread->now = (struct gs_gil_span){.tid = event->tid, .word = GS_UNKNOWN, .since_ns = ns, .begin_ns = ns};
    revive(gil_spans, thread);
    thread->early = true;
    return act(gil_spans, thread, event, ns) ? GS_OK : GS_NO_MEMORY;
}
