/* Taking a snapshot: first only what the GIL's switch count says may have moved, then what that does not explain. */
#include "base/clock.h"
#include "sample/reader.h"

enum { ATTEMPTS = 6, CODES_CHECK_NS = 1000000000, CHECK_NS = 100000000 };

static bool mark_movers(const struct gs_reader *reader, struct gs_member **movers, size_t count)
{
    bool linked = true;
    for (size_t i = 0; i < count; i++) {
        movers[i]->wait.moved_sample = reader->threads.sample;
        linked = linked && movers[i]->stack.linked;
    }
    return linked;
}

/* Only those who were seen to have the GIL since the last snapshot, and one other at most, ran: reads just these.
 * *moved is set to the number of hand-overs; GS_LOST when more must be read. */
static enum gs_status take_movers(struct gs_reader *reader, uint64_t *moved)
{
    struct gs_thread_list *threads = &reader->threads;
    struct gs_lock *lock = &threads->locks[0];
    const struct gs_follow *follow = &reader->follow;
    struct gs_member *movers[GS_MOVERS_MOST];
    size_t count = follow->whole ? gs_follow_movers(follow, threads, movers) : SIZE_MAX;
    enum gs_status status =
        count == SIZE_MAX ? gs_read_gils(&reader->stacks) : gs_natives_read(&reader->stacks, movers, count);
    if (status || count == SIZE_MAX)
        return status ? status : GS_LOST;
    *moved = lock->after.switches - lock->stacked.switches;
    uint64_t unseen = lock->after.switches - follow->switches;
    if (!gs_list_same(threads) || !gs_gil_same(&lock->before, &lock->after) || unseen > 1 ||
        !mark_movers(reader, movers, count))
        return GS_LOST;
    if (unseen == 0)
        return lock->after.last_holder == follow->last ? GS_OK : GS_LOST;
    struct gs_member *old = gs_list_find(threads, follow->last),
                     *taker = gs_list_find(threads, lock->after.last_holder);
    if (!taker)
        return GS_LOST;
    movers[0] = taker;
    movers[1] = old;
    count = old && old != taker ? 2 : 1;
    uint64_t switches = lock->after.switches;
    status = gs_natives_read(&reader->stacks, movers, count);
    if (status || lock->before.switches != switches || lock->after.switches != switches || !gs_list_same(threads) ||
        !mark_movers(reader, movers, count))
        return status ? status : GS_LOST;
    return GS_OK;
}

/* Whoever took the GIL when its stack was read already moves on. */
static enum gs_status take_late_holder(struct gs_reader *reader, const struct gs_lock *lock)
{
    struct gs_member *holder = gs_list_find(&reader->threads, lock->after.last_holder);
    if (lock->after.switches == lock->begun.switches || !holder)
        return GS_OK;
    enum gs_status status = gs_natives_read(&reader->stacks, &holder, 1);
    return status ? status : holder->stack.linked ? GS_OK : GS_LOST;
}

/* known: so were all of them before. */
static enum gs_status take_all(struct gs_reader *reader, bool known, bool proves)
{
    struct gs_thread_list *threads = &reader->threads;
    if (!gs_grow(&reader->stacks, (void **)&reader->all, &reader->all_room, threads->member_count + 1,
                 sizeof *reader->all))
        return GS_NO_MEMORY;
    struct gs_member **all = reader->all;
    for (size_t i = 0; i < threads->member_count; i++)
        all[i] = threads->members[i];
    for (size_t i = 0; i < threads->lock_count; i++)
        threads->locks[i].begun = threads->locks[i].after;
    size_t count =
        known && proves ? gs_unmoved_drop(&reader->stacks, all, threads->member_count) : threads->member_count;
    enum gs_status status = gs_natives_read(&reader->stacks, all, count);
    for (size_t i = 0; i < count && !status; i++) {
        if (!all[i]->stack.linked)
            status = GS_LOST;
    }
    if (!status && proves)
        status = take_late_holder(reader, &threads->locks[0]);
    return status ? status : gs_list_same(threads) ? GS_OK : GS_LOST;
}

/* The stacks as they are now. GS_LOST when the lists of threads changed meanwhile. */
static enum gs_status take_stacks(struct gs_reader *reader, bool fresh, uint64_t *moved)
{
    struct gs_thread_list *threads = &reader->threads;
    *moved = UINT64_MAX;
    reader->waiters.movers_known = false;
    bool proves = gs_list_proves(threads);
    if (!fresh && proves && threads->locks[0].stacked.has_switches) {
        enum gs_status status = take_movers(reader, moved);
        reader->waiters.movers_known = status == GS_OK;
        threads->changed |= *moved > 0; /* since the stacks were read, maybe not since the snapshot */
        threads->locks[0].begun = threads->locks[0].after;
        if (status != GS_LOST)
            return status;
        *moved = UINT64_MAX;
    }
    if (fresh && proves) { /* to walk the lists took a while */
        enum gs_status status = gs_read_gils(&reader->stacks);
        if (status)
            return status;
    }
    return take_all(reader, !fresh, proves);
}

/* What the next reading is compared with. */
static void remember_gils(struct gs_reader *reader)
{
    struct gs_thread_list *threads = &reader->threads;
    for (size_t i = 0; i < threads->lock_count; i++) {
        struct gs_lock *lock = &threads->locks[i];
        bool goes_on = lock->after.locked && lock->last.locked && lock->after.holder == lock->last.holder &&
                       gs_gil_same(&lock->after, &lock->last);
        if (!goes_on || lock->since_ns == 0)
            lock->since_ns = threads->taken_ns;
        lock->last = lock->after;
        if (!threads->polling)
            lock->stacked = lock->begun;
    }
    if (!threads->polling && threads->lock_count > 0)
        gs_follow_begin(&reader->follow, threads);
}

/* The hand-overs since the last snapshot, if there was one without stacks in between. */
static uint64_t moved_since(const struct gs_reader *reader, uint64_t moved)
{
    return moved == UINT64_MAX ? moved
                               : reader->threads.locks[0].after.switches - reader->threads.locks[0].last.switches;
}

/* Now and then all known code objects are looked at again: their addresses are used again. */
static bool codes_changed(struct gs_reader *reader)
{
    if (reader->threads.taken_ns - reader->codes_checked_ns < CODES_CHECK_NS)
        return false;
    reader->codes_checked_ns = reader->threads.taken_ns;
    return gs_codes_check(reader->stacks.codes) > 0;
}

/* A thread that has ended has a state in the list: its own for a moment more, or that of a new thread, which got its
 * memory, and even its ident. */
bool gs_sample_ghosts(struct gs_reader *reader)
{
    struct gs_thread_list *threads = &reader->threads;
    bool gone = false, unknown = false;
    for (size_t i = 0; reader->waiters.any_gone && i < threads->member_count; i++)
        gone |= threads->members[i]->tid && threads->members[i]->wait.activity.run == GS_RUN_GONE;
    reader->waiters.any_gone = gone;
    for (size_t i = 0; i < threads->lock_count; i++) {
        const struct gs_member *holder = gs_list_find(threads, threads->locks[i].after.holder);
        unknown |= holder && !holder->tid && gs_member_holds(threads, holder);
    }
    return gone || unknown;
}

enum gs_status gs_sample_discover(struct gs_reader *reader)
{
    reader->waiters.all_asked = false;
    enum gs_status status = gs_list_discover(&reader->threads);
    reader->stacks.quality.lost += reader->threads.partial;
    if ((!status || status == GS_LOST) && !gs_pieces_arrange(&reader->stacks))
        return GS_NO_MEMORY;
    return status;
}

/* Stacks, and who waits. When everybody was asked they are taken again, only what moved, until both are of one moment
 * or patience ends. */
static enum gs_status take(struct gs_reader *reader)
{
    struct gs_thread_list *threads = &reader->threads;
    enum gs_status status = GS_LOST;
    bool fresh = threads->discovery == 0 || reader->lost_before || reader->stale || reader->stacks.codes_stale ||
                 reader->unread || codes_changed(reader);
    bool careful = reader->waiters.ask_all, again = true;
    reader->stale = reader->stacks.codes_stale = reader->unread = false;
    threads->changed = reader->out.snapshot.threads == NULL || reader->lost_before || reader->polled ||
                       reader->stacks.natives.published || reader->stacks.natives.scope != GS_NATIVE_NONE;
    for (int i = 0; i < ATTEMPTS; i++) {
        uint64_t moved;
        if (fresh) {
            threads->changed = true;
            status = gs_sample_discover(reader);
            if (gs_target_left_memory(threads->python->target))
                return GS_LOST; /* the caller finds out what became of it */
            if (status == GS_LOST)
                continue;
            if (status)
                return status;
        }
        status = take_stacks(reader, fresh, &moved);
        if (status == GS_LOST) {
            fresh = true;
            continue;
        }
        if (status)
            return status;
        gs_classify_threads(&reader->waiters, moved_since(reader, moved));
        if (again && gs_sample_ghosts(reader)) {
            again = false; /* once: it may stay like that */
            fresh = true;
            continue;
        }
        if (!careful || gs_list_stands(threads) || i + 1 == ATTEMPTS)
            return GS_OK;
        remember_gils(reader);
        reader->waiters.ask_all = false;
        fresh = false;
    }
    return status;
}

static bool any_torn(const struct gs_reader *reader)
{
    const struct gs_thread_list *threads = &reader->threads;
    const struct gs_snapshot *now = &reader->out.snapshot;
    bool torn = false, few = now->moved_count != GS_EVERYBODY && !reader->any_torn;
    for (size_t i = 0; few && i < now->moved_count; i++)
        torn |= now->threads[now->moved[i]].torn;
    if (few)
        return torn;
    for (size_t i = 0; i < threads->member_count; i++)
        torn |= threads->members[i]->stack.torn && threads->members[i]->tid;
    return torn;
}

static void sum_up(struct gs_reader *reader)
{
    struct gs_thread_list *threads = &reader->threads;
    if (!threads->polling) {
        reader->any_torn = any_torn(reader);
        reader->stacks.quality.torn += reader->any_torn;
    }
    reader->stacks.quality.took_us += (gs_clock_ns() - threads->taken_ns) / 1000;
    reader->polled = threads->polling;
}

enum gs_status gs_sample_begin(struct gs_reader *reader)
{
    struct gs_thread_list *threads = &reader->threads;
    threads->sample++;
    reader->stacks.patience = GS_PATIENCE;
    reader->waiters.movers_known = false;
    threads->taken_ns = gs_clock_ns();
    /* A program that is not position-independent lies at the same addresses when it is run anew. */
    enum gs_status status = GS_OK;
    if (threads->taken_ns - reader->checked_ns >= CHECK_NS) {
        reader->checked_ns = threads->taken_ns;
        if (gs_target_left_memory(threads->python->target))
            status = gs_target_check(threads->python->target);
    }
    return status;
}

enum gs_status gs_sample_end(struct gs_reader *reader, enum gs_status taken, const struct gs_snapshot **snapshot)
{
    enum gs_status status = taken;
    gs_mem_cache_clear(reader->threads.cache); /* of no use to the next one, and readers are many */
    reader->waiters.recheck.clock_ns = 0;
    if (status == GS_LOST || status == GS_UNREADABLE) {
        reader->stacks.quality.lost++;
        reader->lost_before = true;
        enum gs_status gone = gs_target_check(reader->threads.python->target);
        return gone ? gone : GS_LOST;
    }
    if (!status) {
        remember_gils(reader);
        status = gs_publish(reader);
    }
    if (status)
        return status;
    reader->lost_before = false;
    reader->waiters.ask_all = false;
    reader->stacks.quality.samples++;
    sum_up(reader);
    *snapshot = &reader->out.snapshot;
    return GS_OK;
}

enum gs_status gs_reader_take(struct gs_reader *reader, const struct gs_snapshot **snapshot)
{
    gs_stop_settle(&reader->stacks.stop);
    /* One that shall be whole comes, if need be without a stop. */
    if (!reader->waiters.ask_all && gs_over_budget(&reader->stacks)) {
        reader->stacks.quality.skipped++;
        return GS_LOST;
    }
    reader->threads.polling = false;
    enum gs_status status = gs_sample_begin(reader);
    if (!status)
        status = gs_natives_begin(&reader->stacks);
    if (!status)
        status = take(reader);
    if (!status)
        gs_natives_take(&reader->stacks);
    return gs_sample_end(reader, status, snapshot);
}
