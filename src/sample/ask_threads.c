/* Whom the kernel is asked about: those that may do something else than when they were last asked. */
#include "sample/waiters.h"

void gs_ask_thread(struct gs_waiters *waiters, struct gs_member *member)
{
    struct gs_thread_list *threads = waiters->threads;
    struct gs_activity before = member->wait.activity;
    if (member->stack.ran_sample == threads->sample && !waiters->ask_all)
        member->wait.activity = (struct gs_activity){.run = GS_RUN_RUNNING, .number = -1};
    else if (member->syscall_fd >= 0)
        gs_activity_read(member->syscall_fd, &member->wait.activity);
    else
        gs_target_activity(threads->python->target, member->tid, &member->wait.activity);
    const struct gs_gil_place *place = &gs_lock_of(threads, member)->place;
    member->wait.futex = gs_gil_futex(place, &member->wait.activity);
    if (member->wait.futex == GS_FUTEX_PERHAPS && place->listed)
        member->wait.futex =
            gs_cond_lists_futex(waiters, threads->interps[member->interpreter].lock, member->wait.activity.args[0]);
    member->wait.asked_ns = threads->taken_ns;
    member->news = true;
    waiters->any_gone |= member->wait.activity.run == GS_RUN_GONE;
    threads->changed |= before.run != member->wait.activity.run || before.number != member->wait.activity.number ||
                        before.args[0] != member->wait.activity.args[0];
}

static bool waits_in_cond(const struct gs_waiters *waiters, const struct gs_member *member)
{
    const struct gs_lock *lock = gs_lock_of(waiters->threads, member);
    return member->wait.futex == GS_FUTEX_COND && member->tstate != lock->after.last_holder &&
           member->tstate != lock->last.last_holder;
}

/* Where most threads wait, the others are fewer to ask: when all that may have come to wait are known, and as many are
 * in the wait as did wait before, none of those has left it. */
static bool waiters_stay(struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    if (waiters->ask_all || !waiters->all_asked || threads->lock_count != 1 || threads->member_count <= GS_FEW_THREADS)
        return false;
    const struct gs_lock *lock = &threads->locks[0];
    uint32_t waiting = 0;
    for (size_t i = 0; i < threads->member_count; i++)
        waiting += waits_in_cond(waiters, threads->members[i]);
    if (!lock->after.has_users || waiting > lock->after.cond_users || threads->member_count >= 2 * (size_t)waiting)
        return false;
    for (size_t i = 0; i < threads->member_count; i++) {
        struct gs_member *member = threads->members[i];
        if (!member->tid || waits_in_cond(waiters, member))
            continue;
        gs_ask_thread(waiters, member);
        waiting += member->wait.futex == GS_FUTEX_COND;
    }
    return waiting == lock->after.cond_users;
}

bool gs_had_gil(const struct gs_waiters *waiters, const struct gs_member *member)
{
    const struct gs_lock *lock = gs_lock_of(waiters->threads, member);
    return member->tstate == lock->after.last_holder || member->tstate == lock->last.last_holder ||
           (waiters->movers_known && member->wait.moved_sample == waiters->threads->sample);
}

void gs_ask_movers(struct gs_waiters *waiters, uint64_t moved)
{
    struct gs_thread_list *threads = waiters->threads;
    bool known = moved <= 1 || waiters->movers_known;
    if (moved <= 1 && waiters->all_asked && !waiters->any_open && !waiters->ask_all) {
        const struct gs_lock *lock = &threads->locks[0];
        struct gs_member *now = gs_list_find(threads, lock->after.last_holder);
        struct gs_member *before = gs_list_find(threads, lock->last.last_holder);
        if (now && now->tid)
            gs_recheck_mover(waiters, now);
        if (before && before != now && before->tid)
            gs_recheck_mover(waiters, before);
        return;
    }
    if (!known && waiters_stay(waiters))
        return;
    for (size_t i = 0; i < threads->member_count; i++) {
        struct gs_member *member = threads->members[i];
        bool mover = gs_had_gil(waiters, member);
        /* Who was seen awake may have been so for that moment alone, as a waiter is at its timeout. */
        if (member->tid && (waiters->ask_all || mover || gs_member_awake(member) || !member->wait.asked_ns ||
                            (!known && member->wait.futex)))
            gs_ask_thread(waiters, member);
    }
    waiters->all_asked = true;
}

void gs_ask_concerned(struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    for (size_t i = 0; i < threads->member_count; i++) {
        struct gs_member *member = threads->members[i];
        if (member->tid &&
            (member->wait.activity.run != GS_RUN_SYSCALL || member->wait.futex || gs_member_holds(threads, member)))
            gs_ask_thread(waiters, member);
    }
}
