/* Threads of which nothing says that they did anything are asked in turn, so that none goes for long without. Most of
 * them sleep. Sleepers are not re-checked while the threads we measured account for all CPU time of the process
 * (cpu_audit.h). If they do not, how often the kernel put a thread on a CPU is told for half the price of what it does:
 * as long as that stays the same, it sleeps on. Neither tells that one was woken and waits in a run queue; so where
 * threads were lately seen to wait long for a CPU, all that ran lately are asked what they do. */
#include <unistd.h>

#include "base/clock.h"
#include "sample/waiters.h"

enum {
    CHECK_NS = 40000000, /* between two audits: what somebody does who does not sleep on */
    FOUND_NS = 20000000, /* is found out within so long after it, */
    TURN_NS =
        80000000, /* or, where CPU time is always missing, so long after the last time: within 100 ms also at 100 Hz, */
                  /* where two samples may be 20 ms apart. Each has its turn */
    TURNS = 2,    /* as often in that time, and is asked if it was not for another reason */
    LATELY_NS = 20000000, /* ago: between two turns may lie 80 ms */
    TURN_SHARE = 16,      /* of the threads are asked at once: that is cheaper than one at a time */
    TRUST = 16,           /* turns, after which one is asked although no CPU time is missing */
    AUDIT_LEAST = 16,     /* fewer threads are asked as fast as their CPU time is read */
    BUSY_SHARE = 8,       /* where more of the threads did something since, an audit is not worth while */
    BUSY_LEAST = 4,
    TRIES = 3,        /* to read all CPU time before the next tick */
    NO_FILE = -2,     /* of runs_fd: cannot be had */
    WAIT_NS = 1000000 /* for a CPU, each time: more is long, */
};
#define LATELY_RAN_NS UINT64_C(10000000000) /* who did not run for so long is hardly one who was just woken; */
#define CROWDED_NS    LATELY_RAN_NS         /* and so long that counts */

/* It slept over something else than the GIL when it was last asked. */
static bool sleeps(const struct gs_member *member)
{
    return member->wait.activity.run == GS_RUN_SYSCALL && member->wait.futex == GS_FUTEX_OTHER;
}

bool gs_is_crowded(const struct gs_waiters *waiters)
{
    return waiters->recheck.crowded_ns && waiters->threads->taken_ns - waiters->recheck.crowded_ns < CROWDED_NS;
}

bool gs_recheck_open(struct gs_waiters *waiters, struct gs_member *member)
{
    struct gs_thread_list *threads = waiters->threads;
    if (member->runs_fd == -1)
        member->runs_fd = gs_runs_open(threads->python->target, member->tid);
    if (member->runs_fd >= threads->kept_files)
        close(member->runs_fd);
    if (member->runs_fd < 0 || member->runs_fd >= threads->kept_files)
        member->runs_fd = NO_FILE;
    return member->runs_fd >= 0;
}

/* Reads how long it was on a CPU; *more_ns: than when this was last read. True: it sleeps, and did so all the
 * while. */
static bool read_runs(struct gs_waiters *waiters, struct gs_member *member, uint64_t *more_ns, bool *told)
{
    struct gs_runs now, before = member->wait.runs_ns ? member->wait.runs : (struct gs_runs){0};
    bool known = member->wait.runs_known;
    *more_ns = 0;
    *told = gs_recheck_open(waiters, member) && gs_runs_read(member->runs_fd, &now) && now.count > 0;
    member->wait.runs_known = false;
    if (!*told)
        return false;
    *more_ns = now.ran_ns - before.ran_ns;
    if (*more_ns)
        member->wait.ran_ns = waiters->threads->taken_ns;
    member->wait.runs = now;
    member->wait.runs_ns = waiters->threads->taken_ns;
    if (known && now.waited_ns - before.waited_ns > (now.count - before.count) * WAIT_NS)
        waiters->recheck.crowded_ns = waiters->threads->taken_ns;
    member->wait.runs_known = known && now.count == before.count;
    return member->wait.runs_known;
}

bool gs_may_queue(const struct gs_waiters *waiters, const struct gs_member *member)
{
    return gs_is_crowded(waiters) && waiters->threads->taken_ns - member->wait.ran_ns < LATELY_RAN_NS;
}

/* Asks what it does, unless that is known. */
static void ask(struct gs_waiters *waiters, struct gs_member *member)
{
    uint64_t more_ns = 0;
    bool told = false, tell = sleeps(member);
    /* Of who was looked at when none was missing, or later, or never before, nothing is missing. */
    bool counts = member->wait.runs_ns && member->wait.runs_ns < waiters->recheck.audit.checked_ns;
    bool slept = tell && read_runs(waiters, member, &more_ns, &told);
    gs_cpu_audit_count(&waiters->recheck.audit, counts ? more_ns : 0);
    if (slept && !gs_may_queue(waiters, member)) {
        member->wait.asked_ns = waiters->threads->taken_ns;
        return;
    }
    gs_ask_thread(waiters, member);
    /* They were read before: if it ran in between, they are others the next time. */
    member->wait.runs_known = told && sleeps(member);
}

void gs_recheck_mover(struct gs_waiters *waiters, struct gs_member *member)
{
    uint64_t more_ns;
    bool told = false;
    /* While CPU time is searched for, it is found at its turn. */
    bool audited = waiters->recheck.audit.complete && waiters->recheck.audit.left == 0;
    if (audited && sleeps(member) && read_runs(waiters, member, &more_ns, &told) && !gs_may_queue(waiters, member)) {
        member->wait.asked_ns = waiters->threads->taken_ns;
        return;
    }
    gs_ask_thread(waiters, member);
    member->wait.runs_known = told && sleeps(member);
}

/* It may have run since its time on a CPU was read. */
static bool is_open(const struct gs_member *member)
{
    return member->tid && (!sleeps(member) || member->wait.asked_ns > member->wait.runs_ns);
}

static size_t count_open(const struct gs_waiters *waiters)
{
    size_t open = 0;
    for (size_t i = 0; i < waiters->threads->member_count; i++)
        open += is_open(waiters->threads->members[i]);
    return open;
}

/* Brings what is known of those who may have run up to date. *changed: somebody had. */
static bool read_open(struct gs_waiters *waiters, bool *changed)
{
    uint64_t more_ns;
    bool told = true;
    *changed = false;
    for (size_t i = 0; i < waiters->threads->member_count && told; i++) {
        struct gs_member *member = waiters->threads->members[i];
        if (!is_open(member))
            continue;
        bool slept = read_runs(waiters, member, &more_ns, &told);
        *changed |= more_ns != 0;
        if (!told || slept || !sleeps(member))
            continue;
        gs_ask_thread(waiters, member); /* it may sleep over something else now */
        member->wait.runs_known = sleeps(member);
    }
    return told;
}

/* Of all threads that are looked at. */
static uint64_t known_ns(const struct gs_waiters *waiters)
{
    uint64_t sum_ns = 0;
    for (size_t i = 0; i < waiters->threads->member_count; i++) {
        const struct gs_member *member = waiters->threads->members[i];
        sum_ns += member->wait.runs_ns ? member->wait.runs.ran_ns : 0;
    }
    return sum_ns;
}

/* The time of the process but for that of its threads that are looked at; GS_CPU_TIME_UNKNOWN: not told. */
static uint64_t rest_ns(struct gs_waiters *waiters)
{
    const struct gs_cpu_audit *audit = &waiters->recheck.audit;
    uint64_t cpu_ns = waiters->recheck.clock_ns;
    bool changed;
    if (!read_open(waiters, &changed))
        return GS_CPU_TIME_UNKNOWN;
    /* Nobody ran since that was read, either. */
    if (cpu_ns && audit->known && cpu_ns - known_ns(waiters) == audit->rest_ns)
        return audit->rest_ns;
    /* What is read before and after is of one moment if it is the same. */
    for (int i = 0; i < TRIES; i++) {
        if (!gs_target_clock_ns(waiters->threads->python->target, &cpu_ns) || !read_open(waiters, &changed))
            return GS_CPU_TIME_UNKNOWN;
        if (!changed)
            break;
    }
    uint64_t sum_ns = known_ns(waiters);
    return changed || sum_ns > cpu_ns ? GS_CPU_TIME_UNKNOWN : cpu_ns - sum_ns;
}

/* Whether somebody is to be asked now. */
static bool begin_turn(struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    struct gs_cpu_audit *audit = &waiters->recheck.audit;
    if (threads->taken_ns - audit->checked_ns < CHECK_NS)
        return false;
    audit->checked_ns = threads->taken_ns;
    waiters->recheck.turn_ns = (audit->complete ? FOUND_NS : TURN_NS / TURNS) / threads->member_count + 1;
    waiters->recheck.turn_of = threads->discovery;
    /* With several interpreters the time of a thread may be met twice. */
    bool worth = threads->interp_count == 1 && threads->member_count >= AUDIT_LEAST &&
                 count_open(waiters) <= threads->member_count / BUSY_SHARE + BUSY_LEAST;
    if (!gs_cpu_audit_check(audit, worth ? rest_ns(waiters) : GS_CPU_TIME_UNKNOWN, threads->member_count))
        return true;
    audit->left = threads->member_count / TRUST + 1;
    return true;
}

/* Those who are counted as waiters are all that are known to wait, or fewer: then none of these has left the wait. */
static bool waiters_fit(const struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    uint32_t waiting = 0;
    if (threads->lock_count != 1 || !threads->locks[0].after.has_users)
        return false;
    for (size_t i = 0; i < threads->member_count; i++)
        waiting += threads->members[i]->wait.futex == GS_FUTEX_COND;
    return waiting <= threads->locks[0].after.cond_users;
}

/* Nothing is to be learnt of it: it waits on, or was asked lately. */
static bool is_known(const struct gs_waiters *waiters, const struct gs_member *member, bool fit)
{
    uint64_t age_ns = waiters->threads->taken_ns - member->wait.asked_ns;
    bool searched = waiters->recheck.audit.missing_ns != GS_CPU_TIME_UNKNOWN;
    return !member->tid || age_ns == 0 || (fit && member->wait.futex == GS_FUTEX_COND) ||
           (!searched && age_ns < LATELY_NS);
}

static void ask_queued(struct gs_waiters *waiters)
{
    for (size_t i = 0; i < waiters->threads->member_count && gs_is_crowded(waiters); i++) {
        struct gs_member *member = waiters->threads->members[i];
        if (member->tid && sleeps(member) && gs_may_queue(waiters, member) &&
            member->wait.asked_ns != waiters->threads->taken_ns)
            gs_ask_thread(waiters, member);
    }
}

/* A share of the others each time. */
void gs_recheck_sleepers(struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    struct gs_cpu_audit *audit = &waiters->recheck.audit;
    uint64_t since_ns = threads->taken_ns - waiters->recheck.last_ns;
    if (since_ns < TURN_NS / TURN_SHARE)
        return;
    ask_queued(waiters);
    if (audit->left == 0 && !begin_turn(waiters)) {
        waiters->recheck.last_ns = threads->taken_ns;
        return;
    }
    if (waiters->recheck.turn_of != threads->discovery) {
        gs_cpu_audit_restart(audit, threads->member_count);
        waiters->recheck.turn_ns = TURN_NS / TURNS / threads->member_count + 1;
        waiters->recheck.turn_of = threads->discovery;
    }
    uint64_t due = since_ns / waiters->recheck.turn_ns;
    waiters->recheck.last_ns += due * waiters->recheck.turn_ns;
    bool fit = waiters_fit(waiters);
    for (size_t i = 0; i < threads->member_count && i < due && audit->left > 0; i++) {
        waiters->recheck.turn_at = (waiters->recheck.turn_at + 1) % threads->member_count;
        struct gs_member *member = threads->members[waiters->recheck.turn_at];
        if (is_known(waiters, member, fit))
            gs_cpu_audit_count(audit, 0);
        else
            ask(waiters, member);
    }
}
