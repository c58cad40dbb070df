/* Whether the whole process slept since the last snapshot, which is then still the truth. The kernel adds a thread's
 * time to its process's whenever it leaves its CPU (cpu_audit.h): as long as that stands, whoever woke up meanwhile is
 * on a CPU still, for less than a tick. If it runs Python, it has the GIL; if it ran Python since, it was the last to
 * have it, and does not sleep where it slept. */
#include <string.h>

#include "base/clock.h"
#include "sample/reader.h"

#define LASTS_NS      GS_NS_PER_S        /* each snapshot at most, */
#define OFTEN_NS      GS_NS_PER_S        /* who woke up so lately does so often */
#define LONG_NS       (10 * GS_NS_PER_S) /* but after so long a sleep */
#define LASTS_LONG_NS (5 * GS_NS_PER_S)  /* this; and from then on */
enum { CLOCK_ALONE = 3, OF_LOOKS = 4 };  /* ask for the CPU time alone, which misses the first tick after it woke up */

static bool sleeps_long(const struct gs_reader *reader, uint64_t now_ns)
{
    return now_ns > reader->asleep.since_ns + LONG_NS;
}

static bool same_activity(const struct gs_activity *a, const struct gs_activity *b)
{
    return a->run == GS_RUN_SYSCALL && b->run == GS_RUN_SYSCALL && a->number == b->number && a->sp == b->sp &&
           a->pc == b->pc && memcmp(a->args, b->args, sizeof a->args) == 0;
}

/* What the last snapshot said is whole, and nothing is to be looked at again for another reason. */
static bool may_be(const struct gs_reader *reader, uint64_t now_ns)
{
    const struct gs_thread_list *threads = &reader->threads;
    const struct gs_waiters *waiters = &reader->waiters;
    uint64_t lasts_ns = sleeps_long(reader, now_ns) ? LASTS_LONG_NS : LASTS_NS;
    return reader->asleep.cpu_ns != 0 && now_ns - threads->taken_ns < lasts_ns && reader->out.snapshot.threads &&
           (reader->polled || (!reader->any_torn && !reader->unread)) && !reader->lost_before && !reader->stale &&
           !reader->stacks.codes_stale && (reader->polled || reader->stacks.natives.scope == GS_NATIVE_NONE) &&
           !reader->stacks.natives.published && gs_list_proves(threads) && waiters->all_asked && !waiters->ask_all &&
           !waiters->any_open && !waiters->any_gone;
}

/* Nobody has it, and nobody but whoever had it last did since. */
static bool is_as_before(const struct gs_lock *lock, const struct gs_gil_fields *now)
{
    const struct gs_gil_fields *last = &lock->last;
    return !now->locked && gs_gil_same(now, last) && now->enabled == last->enabled &&
           now->cond_users == last->cond_users && now->switch_users == last->switch_users &&
           now->mutex_owner == last->mutex_owner && now->has_users == last->has_users;
}

/* The lists of threads need not be looked at: whoever changes them runs. */
static bool gil_stands(const struct gs_reader *reader)
{
    const struct gs_lock *lock = &reader->threads.locks[0];
    struct gs_gil_fields now;
    return gs_gil_read(&lock->place, reader->threads.python->mem, &now) && is_as_before(lock, &now);
}

static bool sleeps_on(const struct gs_member *member)
{
    struct gs_activity now;
    if (member->syscall_fd < 0)
        return false;
    gs_activity_read(member->syscall_fd, &now);
    return same_activity(&now, &member->wait.activity);
}

/* Whoever had the GIL last, and who may have been woken and wait for a CPU. */
static bool all_sleep(const struct gs_reader *reader)
{
    const struct gs_thread_list *threads = &reader->threads;
    const struct gs_member *last = gs_list_find(threads, threads->locks[0].last.last_holder);
    if (last && last->tid && !sleeps_on(last))
        return false;
    for (size_t i = 0; i < threads->member_count && gs_is_crowded(&reader->waiters); i++) {
        const struct gs_member *member = threads->members[i];
        if (member != last && member->tid && gs_may_queue(&reader->waiters, member) && !sleeps_on(member))
            return false;
    }
    return true;
}

/* Of the last one that had the GIL; NULL: it cannot be told. */
static struct gs_member *last_one(struct gs_reader *reader, struct gs_runs *runs)
{
    struct gs_member *last = gs_list_find(&reader->threads, reader->threads.locks[0].last.last_holder);
    bool told = last && last->tid && gs_recheck_open(&reader->waiters, last) && gs_runs_read(last->runs_fd, runs);
    return told ? last : NULL;
}

/* All sleep, and the process had so much CPU time: of that its last thread had so much. */
static void note_last(struct gs_reader *reader)
{
    struct gs_runs runs;
    gs_addr holder = reader->threads.locks[0].last.last_holder;
    if (reader->asleep.last == holder)
        return;
    bool told = last_one(reader, &runs);
    reader->asleep.last = told ? holder : 0;
    reader->asleep.ran_ns = told ? runs.ran_ns : 0;
}

/* The process ran since: cpu_ns is what it had a moment ago. The last one that had the GIL did, nobody else, and sleeps
 * again where it slept, with the same stack. To wait for a lock once more is another wait. */
static bool same_again(struct gs_reader *reader, uint64_t cpu_ns)
{
    uint64_t again_ns, more_ns = cpu_ns - reader->asleep.cpu_ns;
    const struct gs_lock *lock = &reader->threads.locks[0];
    struct gs_runs runs;
    if (!reader->asleep.last || reader->asleep.last != lock->last.last_holder)
        return false;
    struct gs_member *last = last_one(reader, &runs);
    if (!last || last->wait.lock.word || runs.ran_ns - reader->asleep.ran_ns != more_ns)
        return false;
    if (!gs_unmoved_again(&reader->stacks, last, reader->polled) || !is_as_before(lock, &lock->before) ||
        !is_as_before(lock, &lock->after) || !all_sleep(reader) ||
        !gs_target_clock_ns(reader->threads.python->target, &again_ns) || again_ns != cpu_ns)
        return false;
    reader->asleep.ran_ns = runs.ran_ns;
    return true;
}

/* *cpu_ns: the CPU time of the process, 0 where it was not asked for last. */
static bool slept(struct gs_reader *reader, uint64_t now_ns, bool again, uint64_t *cpu_ns)
{
    const struct gs_target *target = reader->threads.python->target;
    uint64_t before_ns = reader->asleep.cpu_ns;
    *cpu_ns = 0;
    if (!may_be(reader, now_ns))
        return false;
    bool alone = sleeps_long(reader, now_ns) && ++reader->asleep.looks % OF_LOOKS < CLOCK_ALONE;
    /* Asked for first where it will hardly be the same, and last in any case: who moved before is told by it. */
    bool first = alone || now_ns - reader->asleep.since_ns < OFTEN_NS;
    if (first && !gs_target_clock_ns(target, cpu_ns))
        return false;
    if (first && *cpu_ns != before_ns)
        return again && same_again(reader, *cpu_ns);
    if (alone)
        return true;
    *cpu_ns = 0;
    if (!gil_stands(reader) || !all_sleep(reader) || !gs_target_clock_ns(target, cpu_ns) || *cpu_ns != before_ns)
        return false;
    note_last(reader);
    return true;
}

bool gs_reader_asleep(struct gs_reader *reader, uint64_t now_ns, bool again)
{
    uint64_t before_ns = reader->asleep.cpu_ns, cpu_ns;
    bool same = slept(reader, now_ns, again, &cpu_ns);
    if (!cpu_ns && !gs_target_clock_ns(reader->threads.python->target, &cpu_ns))
        cpu_ns = 0;
    reader->asleep.cpu_ns = cpu_ns;
    if (cpu_ns != before_ns)
        reader->asleep.since_ns = now_ns;
    reader->stacks.quality.samples += same;
    if (same)
        return true;
    reader->waiters.recheck.clock_ns = cpu_ns;
    reader->asleep.last = 0;
    return false;
}

bool gs_reader_ran(const struct gs_reader *reader, uint64_t since_ns)
{
    return reader->asleep.cpu_ns == 0 || reader->asleep.since_ns >= since_ns;
}
