/* Taking a snapshot: first only what the GIL's switch count says may have moved, then what that does not explain; a
 * stack that comes out torn is read again with its thread stopped. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sample/reader.h"

enum {
    ATTEMPTS = 6,
    TORN_OFTEN = 16,     /* of the last 32 readings more than this torn: stop first, */
    TORN_OFTEN_HEAP = 4, /* where frames tell less of their order: 2.7-3.10 */
    PROBE_EVERY = 16,    /* but see now and then whether it would go without */
    STOPPED_TRIES = 8
};

/* ---- stopping one thread ---- */

/* xorshift: a random number for whom to skip, nothing more. */
static double roll(struct gs_reader *reader)
{
    reader->dice ^= reader->dice << 13;
    reader->dice ^= reader->dice >> 17;
    reader->dice ^= reader->dice << 5;
    return reader->dice / 4294967296.0;
}

/* Whole samples are left out when the stops take more than their share of the time: leaving out only the torn ones
 * would make short functions vanish. */
static bool over_budget(struct gs_reader *reader)
{
    double share = reader->options.max_pause, now_us = (double)(gs_clock_ns() - reader->made_ns) / 1000;
    if (share <= 0 || reader->options.stopping == GS_STOP_NEVER || reader->quality.stopped == 0)
        return false;
    double used = (double)reader->quality.stopped_us / now_us;
    return used > share && roll(reader) > share / used;
}

static void copy_stopped(struct gs_reader *reader, struct gs_member *member)
{
    if (gs_stop_begin(&reader->stop, member->tid) != GS_OK)
        return;
    reader->stopping = true;
    enum gs_status status = GS_LOST;
    struct gs_activity met;
    gs_activity_read(member->syscall_fd, &met);
    for (int i = 0; i < STOPPED_TRIES && status != GS_OK; i++)
        status = gs_read_stopped(reader, member);
    reader->stopping = false;
    reader->quality.stopped_us += gs_stop_end(&reader->stop);
    reader->quality.stopped++;
    reader->quality.stopped_in_syscall += met.run == GS_RUN_SYSCALL;
    if (status == GS_OK)
        gs_read_finish(reader, member);
}

/* Reads one thread's stack with the thread stopped; only a thread that runs is ever stopped. */
static void read_stopped(struct gs_reader *reader, struct gs_member *member)
{
    for (int i = 0; i < STOPPED_TRIES && member->torn; i++) {
        struct gs_activity activity = {0};
        if (member->syscall_fd >= 0)
            gs_activity_read(member->syscall_fd, &activity);
        if (activity.run != GS_RUN_RUNNING) {
            /* It sleeps: nothing moves, one more look is enough. */
            if (gs_read_members(reader, &member, 1) != GS_OK)
                return;
            continue;
        }
        if (!gs_read_reserve(reader, member))
            return;
        copy_stopped(reader, member);
    }
}

/* A thread whose readings mostly come out torn moves so fast that one that does not is rather two that happen to
 * agree: it is stopped. */
static bool stop_first(const struct gs_reader *reader, const struct gs_member *member)
{
    int often = reader->heap_frames ? TORN_OFTEN_HEAP : TORN_OFTEN;
    return reader->options.stopping == GS_STOP_ALWAYS ||
           (reader->options.stopping == GS_STOP_TORN && __builtin_popcount(member->torn_history) > often);
}

static void remember(struct gs_member *member)
{
    if (member->doubled)
        member->torn_history = member->torn_history << 1 | member->torn;
}

/* Reads one thread that is best stopped at once. False when it does not run, and may as well be read as it is. */
static bool read_stopped_first(struct gs_reader *reader, struct gs_member *member)
{
    if (reader->options.stopping == GS_STOP_TORN && reader->sample % PROBE_EVERY == 0 &&
        gs_read_members(reader, &member, 1) == GS_OK)
        remember(member);
    member->torn = true;
    read_stopped(reader, member);
    return !member->torn;
}

/* Reads the stacks of `count` members, and stops whom it must and may. */
static enum gs_status read_and_stop(struct gs_reader *reader, struct gs_member **members, size_t count)
{
    if (count == 1 && members[0]->syscall_fd >= 0 && stop_first(reader, members[0]) &&
        read_stopped_first(reader, members[0]))
        return GS_OK;
    enum gs_status status = gs_read_members(reader, members, count);
    for (size_t i = 0; i < count && !status; i++) {
        struct gs_member *member = members[i];
        remember(member);
        bool stop =
            member->torn ? reader->options.stopping != GS_STOP_NEVER : member->doubled && stop_first(reader, member);
        if (stop && member->tid && member->linked) {
            member->torn = true;
            read_stopped(reader, member);
        }
    }
    return status;
}

/* ---- what moved ---- */

/* Only the last holder, or it and one other, ran since the last snapshot: reads just these. *moved is set to the
 * number of hand-overs; GS_LOST when more must be read. */
static enum gs_status take_movers(struct gs_reader *reader, uint64_t *moved)
{
    struct gs_lock *lock = &reader->locks[0];
    struct gs_member *movers[2] = {gs_list_find(reader, lock->last.last_holder)};
    enum gs_status status = read_and_stop(reader, movers, movers[0] != NULL);
    if (status)
        return status;
    *moved = lock->after.switches - lock->last.switches;
    struct gs_member *old = gs_list_find(reader, lock->last.last_holder);
    if (!gs_list_same(reader) || !gs_gil_same(&lock->before, &lock->after) || *moved > 1 || (old && !old->linked))
        return GS_LOST;
    if (*moved == 0)
        return lock->after.last_holder == lock->last.last_holder ? GS_OK : GS_LOST;
    movers[0] = gs_list_find(reader, lock->after.last_holder);
    movers[1] = old;
    if (!movers[0])
        return GS_LOST;
    struct gs_member *taker = movers[0];
    uint64_t switches = lock->after.switches;
    status = read_and_stop(reader, movers, old && old != taker ? 2 : 1);
    if (status || lock->before.switches != switches || lock->after.switches != switches || !gs_list_same(reader) ||
        !taker->linked || (old && !old->linked))
        return status ? status : GS_LOST;
    return GS_OK;
}

static enum gs_status take_all(struct gs_reader *reader)
{
    struct gs_member **all = malloc((reader->member_count + 1) * sizeof *all);
    if (!all)
        return GS_NO_MEMORY;
    memcpy(all, reader->members, reader->member_count * sizeof *all);
    enum gs_status status = read_and_stop(reader, all, reader->member_count);
    for (size_t i = 0; i < reader->member_count && !status; i++) {
        if (!all[i]->linked)
            status = GS_LOST;
    }
    free(all);
    return status ? status : gs_list_same(reader) ? GS_OK : GS_LOST;
}

/* The stacks as they are now. GS_LOST when the lists of threads changed meanwhile. */
static enum gs_status take_stacks(struct gs_reader *reader, bool fresh, uint64_t *moved)
{
    *moved = UINT64_MAX;
    if (!fresh && reader->lock_count == 1 && reader->interp_count == 1 && gs_lock_proves(reader, &reader->locks[0]) &&
        reader->locks[0].last.has_switches) {
        enum gs_status status = take_movers(reader, moved);
        if (status != GS_LOST)
            return status;
        *moved = UINT64_MAX;
    }
    return take_all(reader);
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
    for (size_t i = 0; i < reader->lock_count; i++)
        reader->locks[i].last = reader->locks[i].after;
}

/* Stacks and census. After a census of everybody they are taken again, only what moved, until both are of one moment
 * or patience ends. */
static enum gs_status take(struct gs_reader *reader)
{
    enum gs_status status = GS_LOST;
    bool fresh = reader->discovery == 0 || reader->lost_before, careful = reader->full_census;
    for (int i = 0; i < ATTEMPTS; i++) {
        uint64_t moved;
        if (fresh) {
            status = gs_list_discover(reader);
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
        gs_census(reader, moved);
        if (!careful || words_stand(reader) || i + 1 == ATTEMPTS)
            return GS_OK;
        remember_words(reader);
        reader->full_census = false;
        fresh = false;
    }
    return status;
}

static void sum_up(struct gs_reader *reader)
{
    bool torn = false;
    for (size_t i = 0; i < reader->member_count; i++)
        torn |= reader->members[i]->torn && reader->members[i]->tid;
    reader->quality.torn += torn;
    reader->quality.took_us += (gs_clock_ns() - reader->taken_ns) / 1000;
    remember_words(reader);
    reader->last_taken_ns = reader->taken_ns;
}

enum gs_status gs_reader_take(struct gs_reader *reader, const struct gs_snapshot **snapshot)
{
    if (over_budget(reader)) {
        reader->quality.lost++;
        return GS_LOST;
    }
    reader->sample++;
    reader->taken_ns = gs_clock_ns();
    enum gs_status status = take(reader);
    if (status == GS_LOST || status == GS_UNREADABLE) {
        reader->quality.lost++;
        reader->lost_before = true;
        return gs_target_alive(reader->python->target) ? GS_LOST : GS_GONE;
    }
    if (!status)
        status = gs_publish(reader);
    if (status)
        return status;
    reader->lost_before = false;
    reader->full_census = false;
    reader->quality.samples++;
    sum_up(reader);
    *snapshot = &reader->snapshot;
    return GS_OK;
}
