/* Who sleeps for a lock. The waiters of a PyMutex stand in CPython's own rings: whether they wait on is read from
 * there, of all at once. Of anybody else the kernel tells what it sleeps on, and, for half the price, that it has slept
 * since then. Where the GIL went to one other thread at most, nobody else of Python's has woken up. */
#include <sys/syscall.h>

#include "base/futex.h"
#include "sample/waiters.h"

static void set(struct gs_waiters *waiters, struct gs_member *member, struct gs_lock_wait now)
{
    struct gs_member_wait *wait = &member->wait;
    if (now.word)
        now.number = ++waiters->lock_waits;
    bool news = now.word != wait->lock.word || now.number != wait->lock.number;
    member->news |= news;
    waiters->threads->changed |= news;
    wait->lock = now;
}

static bool sleeps_on_futex(const struct gs_member *member)
{
    const struct gs_activity *activity = &member->wait.activity;
    return activity->run == GS_RUN_SYSCALL && activity->number == SYS_futex && gs_futex_waits(activity->args[1]) &&
           (member->wait.futex == GS_FUTEX_OTHER || member->wait.futex == GS_FUTEX_PERHAPS);
}

/* By where it lies: objects are aligned so, and those of Lock and RLock have their words elsewhere. */
static gs_addr object_of(const struct gs_layout *layout, gs_addr word)
{
    enum { ALIGNED = 16 }; /* mimalloc's smallest block */
    gs_addr object = word - (gs_addr)layout->ob_mutex;
    return word && layout->ob_mutex != GS_ABSENT && object % ALIGNED == 0 ? object : 0;
}

/* What it sleeps on, as the kernel has just told. */
static void look(struct gs_waiters *waiters, struct gs_member *member)
{
    const struct gs_python *python = waiters->threads->python;
    const struct gs_activity *activity = &member->wait.activity;
    struct gs_lock_wait now = {0};
    bool sleeps = sleeps_on_futex(member);
    member->wait.parked = (struct gs_parked){0};
    if (sleeps && gs_parked_read(&python->layout, python->mem, activity->args[0], &member->wait.parked)) {
        const struct gs_parked *parked = &member->wait.parked;
        now.word = parked->mutex ? parked->word : 0;
        now.object = object_of(&python->layout, now.word);
        /* Where its clock is another one (a time namespace) that tells nothing. */
        now.since_ns = parked->since_ns < waiters->threads->taken_ns ? parked->since_ns : 0;
    } else if (sleeps) {
        now.word = activity->args[0];
    }
    if (activity->run != GS_RUN_SYSCALL)
        member->wait.lock_runs.count = 0; /* it may fall asleep without having been put on a processor again */
    set(waiters, member, now);
}

/* It has slept, and where it did, since it was last looked at. */
static bool slept(struct gs_waiters *waiters, struct gs_member *member)
{
    struct gs_runs now = {0};
    bool known = member->wait.lock_runs.count > 0;
    if (!gs_recheck_open(waiters, member) || !gs_runs_read(member->runs_fd, &now))
        now.count = 0;
    known = known && now.count == member->wait.lock_runs.count;
    member->wait.lock_runs = now;
    return known;
}

/* It would have had to take the GIL to go on, and did not. moved: how often the GIL went to another thread since. */
static bool stays_without_gil(const struct gs_waiters *waiters, const struct gs_member *member, uint64_t moved)
{
    return moved <= 1 && gs_lock_of(waiters->threads, member)->after.enabled && !gs_had_gil(waiters, member);
}

/* Those whose entries stay are known to wait on. */
static void check_parked(struct gs_waiters *waiters, struct gs_member *const *members, size_t count)
{
    const struct gs_python *python = waiters->threads->python;
    const struct gs_parked *list[GS_PARKED_MOST] = {NULL};
    bool stays[GS_PARKED_MOST];
    for (size_t i = 0; i < count; i++)
        list[i] = &members[i]->wait.parked;
    gs_parked_stay(&python->layout, python->mem, list, count, stays);
    for (size_t i = 0; i < count; i++) {
        if (stays[i])
            continue;
        if (members[i]->wait.asked_ns != waiters->threads->taken_ns)
            gs_ask_thread(waiters, members[i]);
        look(waiters, members[i]);
    }
}

void gs_lock_waits_take(struct gs_waiters *waiters, uint64_t moved)
{
    struct gs_thread_list *threads = waiters->threads;
    struct gs_member *parked[GS_PARKED_MOST];
    size_t count = 0;
    for (size_t i = 0; i < threads->member_count; i++) {
        struct gs_member *member = threads->members[i];
        if (!member->tid)
            continue;
        if (member->wait.parked.entry) {
            parked[count++] = member;
            if (count == GS_PARKED_MOST)
                check_parked(waiters, parked, count);
            count %= GS_PARKED_MOST;
            continue;
        }
        bool asked = member->wait.asked_ns == threads->taken_ns, asleep = member->wait.activity.run == GS_RUN_SYSCALL;
        if (!asked && (threads->member_count > GS_FEW_THREADS || (asleep && stays_without_gil(waiters, member, moved))))
            continue; /* it has its turn; or it sleeps on */
        if (asked && asleep && !sleeps_on_futex(member)) {
            member->wait.lock_runs.count = 0;
            set(waiters, member, (struct gs_lock_wait){0});
            continue;
        }
        if (asleep && slept(waiters, member))
            continue;
        if (asleep || !asked) /* after its runs were read: it may have moved in between */
            gs_ask_thread(waiters, member);
        look(waiters, member);
    }
    if (count > 0)
        check_parked(waiters, parked, count);
}
