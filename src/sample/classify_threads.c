/* Who holds the GIL, who waits for it: the kernel is asked as far as that is needed, again while it is not clear of
 * whom is awake, and each thread is judged (verdict.h). */
#include "sample/waiters.h"

enum {
    SHORT_LOOKS = 12, /* to see a thread that awoke for a moment asleep again, or all that are awake run, */
    SHORT_PAUSE_NS = 50000,
    LONG_LOOKS = 10, /* and one that computes go on: the kernel accounts for it at its ticks */
    LONG_PAUSE_NS = 1000000
};

static struct gs_gil_counts count(const struct gs_waiters *waiters, const struct gs_lock *lock)
{
    struct gs_thread_list *threads = waiters->threads;
    struct gs_gil_counts counts = {0};
    for (size_t i = 0; i < threads->member_count; i++) {
        const struct gs_member *member = threads->members[i];
        if (gs_lock_of(threads, member) != lock || !member->tid || gs_member_holds(threads, member))
            continue;
        counts.in_cond += member->wait.futex == GS_FUTEX_COND;
        counts.in_mutex += member->wait.futex == GS_FUTEX_MUTEX;
        counts.in_switch += member->wait.futex == GS_FUTEX_SWITCH;
        bool open = gs_member_awake(member);
        counts.open += open;
        counts.waited += open && member->wait.gil == GS_WAITS;
    }
    return counts;
}

static void judge(struct gs_waiters *waiters, struct gs_member *member, const struct gs_gil_counts *counts)
{
    struct gs_thread_list *threads = waiters->threads;
    const struct gs_lock *lock = gs_lock_of(threads, member);
    struct gs_wait_facts facts = {
        .holds = gs_member_holds(threads, member),
        .owns_mutex = lock->after.mutex_owner && (pid_t)lock->after.mutex_owner == member->ns_tid,
        .told =
            threads->python->layout.ts_gil_requested != GS_ABSENT && member->stack.requested_sample == threads->sample,
        .requested = member->stack.requested,
        .futex = member->wait.futex,
        .run = member->wait.activity.run,
        .before = member->wait.gil,
        .kept_out =
            (waiters->movers_known || lock->after.switches - lock->last.switches <= 1) && !gs_had_gil(waiters, member),
        .outside = threads->python->target->postmortem || gs_awake_outside(waiters, member),
        .one_of_many = !waiters->ask_all,
        .polling = threads->polling};
    struct gs_verdict verdict = gs_wait_verdict(&lock->last, &lock->after, counts, &facts);
    if (!lock->stands && verdict.gil == GS_WITHOUT && verdict.evidence == GS_INFERRED && facts.run != GS_RUN_SYSCALL)
        verdict.gil = GS_UNKNOWN;
    member->news |= verdict.gil != facts.before || verdict.evidence != member->wait.evidence;
    member->wait.gil = verdict.gil;
    member->wait.evidence = verdict.evidence;
}

/* A thread that is seen awake now may have been asleep in the wait a moment ago, when the fields of the GIL were read,
 * or the other way round: what the kernel said counts only together with fields that still stand. */
static void reread_gils(struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    for (size_t i = 0; i < threads->lock_count; i++) {
        struct gs_lock *lock = &threads->locks[i];
        struct gs_gil_fields now;
        size_t pieces = gs_gil_pieces(&lock->place, lock->bytes[1], lock->pieces[1]);
        lock->stands = gs_mem_read_many(threads->python->mem, lock->pieces[1], pieces) == GS_OK &&
                       gs_gil_decode(&lock->place, lock->bytes[1], lock->pieces[1], &now) &&
                       gs_gil_same(&lock->after, &now);
        if (!lock->stands)
            continue;
        gs_cond_lists_read(waiters, (uint32_t)i, &now);
        /* When who waits changed meanwhile, the counts vouch for nobody. */
        lock->after.has_users = now.has_users && now.cond_users == lock->after.cond_users;
        lock->after.mutex_owner = now.mutex_owner;
        lock->after.cond_users = now.cond_users;
        lock->after.switch_users = now.switch_users;
    }
}

static void note_awake(struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    for (size_t i = 0; i < threads->member_count; i++) {
        struct gs_member *member = threads->members[i];
        bool awake = member->tid && member->wait.activity.run == GS_RUN_RUNNING && !gs_member_holds(threads, member);
        gs_awake_note(waiters, member, &gs_lock_of(threads, member)->after, awake);
    }
}

/* Some of the awake wait, but which? */
static bool undecided(const struct gs_waiters *waiters, const struct gs_lock *lock)
{
    struct gs_gil_counts counts = count(waiters, lock);
    const struct gs_gil_fields *now = &lock->after;
    uint32_t asleep = counts.in_cond + counts.in_switch, users = now->cond_users + now->switch_users;
    if (!lock->stands || !now->enabled || counts.open == 0 || !(lock->place.mutex.addr || lock->place.semaphore.addr))
        return false;
    return !now->has_users || now->mutex_owner || (users > asleep && counts.open > users - asleep);
}

static bool any_undecided(const struct gs_waiters *waiters)
{
    for (size_t i = 0; i < waiters->threads->lock_count; i++) {
        if (undecided(waiters, &waiters->threads->locks[i]))
            return true;
    }
    return false;
}

/* Somebody is awake of whom it is not known that it computes without the GIL, though that can be found out. */
static bool any_unproven(const struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    for (size_t i = 0; i < threads->member_count; i++) {
        const struct gs_member *member = threads->members[i];
        const struct gs_lock *lock = gs_lock_of(threads, member);
        if (member->tid && member->wait.activity.run == GS_RUN_RUNNING && lock->stands && lock->after.enabled &&
            lock->after.has_users && !gs_member_holds(threads, member) && !gs_awake_outside(waiters, member))
            return true;
    }
    return false;
}

static void look(struct gs_waiters *waiters, long pause_ns)
{
    gs_awake_look(waiters, pause_ns);
    reread_gils(waiters);
}

/* A waiter wakes for a moment whenever its wait times out, and is asleep again at the next look; a thread that
 * computes without the GIL is not, and is on a CPU. */
static void look_again(struct gs_waiters *waiters)
{
    if (waiters->threads->python->target->postmortem)
        return;
    if (!waiters->ask_all) {
        if (waiters->threads->member_count <= GS_FEW_THREADS && any_undecided(waiters))
            look(waiters, SHORT_PAUSE_NS);
        return;
    }
    note_awake(waiters);
    for (int i = 0;
         i < SHORT_LOOKS + LONG_LOOKS && (any_unproven(waiters) || (i < SHORT_LOOKS && any_undecided(waiters))); i++) {
        look(waiters, i < SHORT_LOOKS ? SHORT_PAUSE_NS : LONG_PAUSE_NS);
        note_awake(waiters);
    }
}

/* What these fields say is not what they said last; or somebody is awake who must be watched. */
static bool gils_changed(const struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    bool changed = waiters->any_open;
    for (size_t i = 0; i < threads->lock_count && !changed; i++) {
        const struct gs_gil_fields *now = &threads->locks[i].after, *last = &threads->locks[i].last;
        changed = now->locked != last->locked || now->holder != last->holder || now->enabled != last->enabled ||
                  now->cond_users != last->cond_users || now->switch_users != last->switch_users ||
                  now->mutex_owner != last->mutex_owner || now->has_users != last->has_users;
    }
    return changed;
}

/* Who does not hold it, and might be on the way in or out. */
static bool any_awake(const struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    for (size_t i = 0; i < threads->member_count; i++) {
        const struct gs_member *member = threads->members[i];
        if (member->tid && gs_member_awake(member) && !gs_member_holds(threads, member))
            return true;
    }
    return false;
}

/* A state of 3.12 bears the id of the thread that made its interpreter, whichever thread runs it
 * (Modules/_xxsubinterpretersmodule.c, _run_in_interpreter: "Using the head thread isn't strictly correct"). */
static bool is_doubtful(const struct gs_waiters *waiters, const struct gs_member *member)
{
    return member->tid && waiters->threads->interps[member->interpreter].id != 0;
}

/* A thread has one GIL at most: where states of several interpreters that bear its id have one each, those of other
 * interpreters than the main one may be run by others. From then on nothing that is known of the thread is said of
 * them. */
static void settle_doubles(struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    for (size_t i = 0; i < threads->member_count; i++) {
        struct gs_member *member = threads->members[i];
        bool held = member->wait.gil == GS_HOLDS;
        for (size_t k = 0; k < threads->member_count && held && !member->apart; k++) {
            const struct gs_member *other = threads->members[k];
            if (other->tid == member->tid && gs_lock_of(threads, other) != gs_lock_of(threads, member) &&
                gs_member_holds(threads, other) && is_doubtful(waiters, member)) {
                member->apart = true;
                threads->arrangement++; /* it is to be shown by itself */
            }
        }
    }
    for (size_t i = 0; i < threads->member_count; i++) {
        struct gs_member *member = threads->members[i];
        if (!member->apart || member->wait.gil == GS_NONE)
            continue;
        member->news |= member->wait.gil != GS_UNKNOWN;
        member->wait.gil = GS_UNKNOWN;
        member->wait.evidence = GS_INFERRED;
    }
}

void gs_classify_threads(struct gs_waiters *waiters, uint64_t moved)
{
    struct gs_thread_list *threads = waiters->threads;
    gs_ids_clear(&waiters->conds);
    for (size_t i = 0; i < threads->lock_count; i++) {
        threads->locks[i].stands = true;
        gs_cond_lists_read(waiters, (uint32_t)i, &threads->locks[i].after);
    }
    gs_ask_movers(waiters, moved);
    if (!waiters->ask_all && threads->member_count)
        gs_recheck_sleepers(waiters);
    if (waiters->locks)
        gs_lock_waits_take(waiters, moved);
    threads->changed |= waiters->ask_all || moved || gils_changed(waiters);
    if (!threads->changed)
        return; /* everybody does what they did */
    for (size_t i = 0; i < threads->lock_count; i++) {
        struct gs_gil_counts counts = count(waiters, &threads->locks[i]);
        gs_ask_for_missing(waiters, &threads->locks[i], counts.in_cond + counts.in_switch);
    }
    if (waiters->ask_all || moved || (threads->polling && any_awake(waiters)))
        reread_gils(waiters);
    waiters->all_run = waiters->any_open = false;
    if (!threads->polling || waiters->ask_all)
        look_again(waiters);
    for (size_t i = 0; i < threads->lock_count; i++) {
        struct gs_lock *lock = &threads->locks[i];
        struct gs_gil_counts counts = count(waiters, lock);
        waiters->any_open |= counts.open > 0;
        for (size_t k = 0; k < threads->member_count; k++) {
            struct gs_member *member = threads->members[k];
            if (gs_lock_of(threads, member) != lock)
                continue;
            judge(waiters, member, &counts);
        }
    }
    if (threads->lock_count > 1)
        settle_doubles(waiters);
}
