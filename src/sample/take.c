/* Taking a snapshot: first only what the GIL's switch count says may have moved, then what that does not explain. */
#include "base/clock.h"
#include "sample/reader.h"

enum { ATTEMPTS = 6, CODES_CHECK_NS = 1000000000, CHECK_NS = 100000000 };

static bool mark_movers(const struct gs_reader *reader, struct gs_member **movers, size_t count)
{
    bool linked = true;
    for (size_t i = 0; i < count; i++) {
        movers[i]->moved_sample = reader->sample;
        linked = linked && movers[i]->linked;
    }
    return linked;
}

/* Only those who were seen to have the GIL since the last snapshot, and one other at most, ran: reads just these.
 * *moved is set to the number of hand-overs; GS_LOST when more must be read. */
static enum gs_status take_movers(struct gs_reader *reader, uint64_t *moved)
{
    struct gs_lock *lock = &reader->locks[0];
    const struct gs_follow *follow = &reader->follow;
    struct gs_member *movers[GS_MOVERS_MOST];
    size_t count = follow->whole ? gs_follow_movers(reader, movers) : SIZE_MAX;
    enum gs_status status = count == SIZE_MAX ? gs_read_words(reader) : gs_read_and_stop(reader, movers, count);
    if (status || count == SIZE_MAX)
        return status ? status : GS_LOST;
    *moved = lock->after.switches - lock->stacked.switches;
    uint64_t unseen = lock->after.switches - follow->switches;
    if (!gs_list_same(reader) || !gs_gil_same(&lock->before, &lock->after) || unseen > 1 ||
        !mark_movers(reader, movers, count))
        return GS_LOST;
    if (unseen == 0)
        return lock->after.last_holder == follow->last ? GS_OK : GS_LOST;
    struct gs_member *old = gs_list_find(reader, follow->last), *taker = gs_list_find(reader, lock->after.last_holder);
    if (!taker)
        return GS_LOST;
    movers[0] = taker;
    movers[1] = old;
    count = old && old != taker ? 2 : 1;
    uint64_t switches = lock->after.switches;
    status = gs_read_and_stop(reader, movers, count);
    if (status || lock->before.switches != switches || lock->after.switches != switches || !gs_list_same(reader) ||
        !mark_movers(reader, movers, count))
        return status ? status : GS_LOST;
    return GS_OK;
}

/* Whoever took the GIL when its stack was read already moves on. */
static enum gs_status take_late_holder(struct gs_reader *reader, const struct gs_lock *lock)
{
    struct gs_member *holder = gs_list_find(reader, lock->after.last_holder);
    if (lock->after.switches == lock->begun.switches || !holder)
        return GS_OK;
    enum gs_status status = gs_read_and_stop(reader, &holder, 1);
    return status ? status : holder->linked ? GS_OK : GS_LOST;
}

/* known: so were all of them before. */
static enum gs_status take_all(struct gs_reader *reader, bool known, bool proves)
{
    if (!gs_grow(reader, (void **)&reader->all, &reader->all_room, reader->member_count + 1, sizeof *reader->all))
        return GS_NO_MEMORY;
    struct gs_member **all = reader->all;
    for (size_t i = 0; i < reader->member_count; i++)
        all[i] = reader->members[i];
    for (size_t i = 0; i < reader->lock_count; i++)
        reader->locks[i].begun = reader->locks[i].after;
    size_t count = known && proves ? gs_unmoved_drop(reader, all, reader->member_count) : reader->member_count;
    enum gs_status status = gs_read_and_stop(reader, all, count);
    for (size_t i = 0; i < count && !status; i++) {
        if (!all[i]->linked)
            status = GS_LOST;
    }
    if (!status && proves)
        status = take_late_holder(reader, &reader->locks[0]);
    return status ? status : gs_list_same(reader) ? GS_OK : GS_LOST;
}

/* The stacks as they are now. GS_LOST when the lists of threads changed meanwhile. */
static enum gs_status take_stacks(struct gs_reader *reader, bool fresh, uint64_t *moved)
{
    *moved = UINT64_MAX;
    reader->movers_known = false;
    bool proves = gs_reader_proves(reader);
    if (!fresh && proves && reader->locks[0].stacked.has_switches) {
        enum gs_status status = take_movers(reader, moved);
        reader->movers_known = status == GS_OK;
        reader->changed |= *moved > 0; /* since the stacks were read, maybe not since the snapshot */
        reader->locks[0].begun = reader->locks[0].after;
        if (status != GS_LOST)
            return status;
        *moved = UINT64_MAX;
    }
    if (fresh && proves) { /* to walk the lists took a while */
        enum gs_status status = gs_read_words(reader);
        if (status)
            return status;
    }
    return take_all(reader, !fresh, proves);
}

static bool words_stand(const struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->lock_count; i++) {
        if (!reader->locks[i].stands)
            return false;
    }
    return true;
}

/* What the next reading is compared with. */
static void remember_words(struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->lock_count; i++) {
        struct gs_lock *lock = &reader->locks[i];
        bool goes_on = lock->after.locked && lock->last.locked && lock->after.holder == lock->last.holder &&
                       gs_gil_same(&lock->after, &lock->last);
        if (!goes_on || lock->since_ns == 0)
            lock->since_ns = reader->taken_ns;
        lock->last = lock->after;
        if (!reader->polling)
            lock->stacked = lock->begun;
    }
    if (!reader->polling && reader->lock_count > 0)
        gs_follow_begin(reader);
}

/* The hand-overs since the last snapshot, if there was one without stacks in between. */
static uint64_t moved_since(const struct gs_reader *reader, uint64_t moved)
{
    return moved == UINT64_MAX ? moved : reader->locks[0].after.switches - reader->locks[0].last.switches;
}

/* Now and then all known code objects are looked at again: their addresses are used again. */
static bool codes_changed(struct gs_reader *reader)
{
    if (reader->taken_ns - reader->codes_checked_ns < CODES_CHECK_NS)
        return false;
    reader->codes_checked_ns = reader->taken_ns;
    return gs_codes_check(reader->codes) > 0;
}

/* A thread that has ended has a state in the list: its own for a moment more, or that of a new thread, which got its
 * memory, and even its ident. */
bool gs_sample_ghosts(struct gs_reader *reader)
{
    bool gone = false, unknown = false;
    for (size_t i = 0; reader->any_gone && i < reader->member_count; i++)
        gone |= reader->members[i]->tid && reader->members[i]->activity.run == GS_RUN_GONE;
    reader->any_gone = gone;
    for (size_t i = 0; i < reader->lock_count; i++) {
        const struct gs_member *holder = gs_list_find(reader, reader->locks[i].after.holder);
        unknown |= holder && !holder->tid && gs_member_holds(reader, holder);
    }
    return gone || unknown;
}

/* Stacks and census. After a census of everybody they are taken again, only what moved, until both are of one moment
 * or patience ends. */
static enum gs_status take(struct gs_reader *reader)
{
    enum gs_status status = GS_LOST;
    bool fresh =
        reader->discovery == 0 || reader->lost_before || reader->stale || reader->unread || codes_changed(reader);
    bool careful = reader->full_census, again = true;
    reader->stale = reader->unread = false;
    reader->changed = reader->snapshot.threads == NULL || reader->lost_before || reader->polled ||
                      reader->natives.published || reader->natives.scope != GS_NATIVE_NONE;
    for (int i = 0; i < ATTEMPTS; i++) {
        uint64_t moved;
        if (fresh) {
            reader->changed = true;
            status = gs_list_discover(reader);
            if (gs_target_left_memory(reader->python->target))
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
        gs_census(reader, moved_since(reader, moved));
        if (again && gs_sample_ghosts(reader)) {
            again = false; /* once: it may stay like that */
            fresh = true;
            continue;
        }
        if (!careful || words_stand(reader) || i + 1 == ATTEMPTS)
            return GS_OK;
        remember_words(reader);
        reader->full_census = false;
        fresh = false;
    }
    return status;
}

static bool any_torn(const struct gs_reader *reader)
{
    const struct gs_snapshot *now = &reader->snapshot;
    bool torn = false, few = now->moved_count != GS_EVERYBODY && !reader->any_torn;
    for (size_t i = 0; few && i < now->moved_count; i++)
        torn |= now->threads[now->moved[i]].torn;
    if (few)
        return torn;
    for (size_t i = 0; i < reader->member_count; i++)
        torn |= reader->members[i]->torn && reader->members[i]->tid;
    return torn;
}

static void sum_up(struct gs_reader *reader)
{
    if (!reader->polling) {
        reader->any_torn = any_torn(reader);
        reader->quality.torn += reader->any_torn;
    }
    reader->quality.took_us += (gs_clock_ns() - reader->taken_ns) / 1000;
    reader->polled = reader->polling;
}

enum gs_status gs_sample_begin(struct gs_reader *reader)
{
    reader->sample++;
    reader->patience = GS_PATIENCE;
    reader->movers_known = false;
    reader->taken_ns = gs_clock_ns();
    /* A program that is not position-independent lies at the same addresses when it is run anew. */
    enum gs_status status = GS_OK;
    if (reader->taken_ns - reader->checked_ns >= CHECK_NS) {
        reader->checked_ns = reader->taken_ns;
        if (gs_target_left_memory(reader->python->target))
            status = gs_target_check(reader->python->target);
    }
    return status;
}

enum gs_status gs_sample_end(struct gs_reader *reader, enum gs_status taken, const struct gs_snapshot **snapshot)
{
    enum gs_status status = taken;
    if (status == GS_LOST || status == GS_UNREADABLE) {
        reader->quality.lost++;
        reader->lost_before = true;
        enum gs_status gone = gs_target_check(reader->python->target);
        return gone ? gone : GS_LOST;
    }
    if (!status) {
        remember_words(reader);
        status = gs_publish(reader);
    }
    if (status)
        return status;
    reader->lost_before = false;
    reader->full_census = false;
    reader->quality.samples++;
    sum_up(reader);
    *snapshot = &reader->snapshot;
    return GS_OK;
}

enum gs_status gs_reader_take(struct gs_reader *reader, const struct gs_snapshot **snapshot)
{
    gs_stop_settle(&reader->stop);
    if (!reader->full_census && gs_over_budget(reader)) { /* one that shall be whole comes, if need be without a stop */
        reader->quality.skipped++;
        return GS_LOST;
    }
    reader->polling = false;
    enum gs_status status = gs_sample_begin(reader);
    if (!status)
        status = gs_natives_begin(reader);
    if (!status)
        status = take(reader);
    if (!status)
        gs_natives_take(reader);
    return gs_sample_end(reader, status, snapshot);
}
