/* Deadlocks across processes: each waits for a semaphore, a pipe or the end of another one, and nobody else could end
 * it. */
#include <stdio.h>

#include "diagnose/why_rules.h"
#include "target/closed.h"

static struct gs_said said_closed(const struct gs_closed_wait *wait)
{
    struct gs_said said;
    const char *format = wait->kind == GS_CLOSED_SEMAPHORE ? "waits for a semaphore (%.79s) that process %d has, too"
                         : wait->kind == GS_CLOSED_READS   ? "waits for input on %.79s, whose other end process %d has"
                         : wait->kind == GS_CLOSED_WRITES  ? "waits for room in %.79s, which process %d does not read"
                                                           : "waits%.79s for the end of process %d";
    snprintf(said.words, sizeof said.words, format, wait->name, (int)wait->other);
    return said;
}

/* Worth the search: all sleep, and somebody on what another process may end. */
static bool may_be_closed(const struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    bool any = false;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        if (!gs_case_hangs(c, i) || c->snapshot->threads[i].activity.run != GS_RUN_SYSCALL)
            return false;
        any |= c->now->list[i].kind == GS_WAIT_SHARED || c->now->list[i].kind == GS_WAIT_CALL;
    }
    return any && !c->target->postmortem && !c->stopped && c->ended == GS_OK;
}

static bool has_kind(const struct gs_closed *closed, enum gs_closed_kind kind)
{
    bool any = false;
    for (size_t i = 0; i < closed->count; i++)
        any |= closed->list[i].kind == kind;
    return any;
}

void gs_why_find_across(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    struct gs_closed closed;
    if (!may_be_closed(j) || !gs_target_closed(c->target, &closed))
        return;
    size_t others = 0;
    struct gs_said who = {""}, one;
    for (size_t i = 0; i < closed.count; i++) {
        if (closed.list[i].pid == c->target->pid)
            continue;
        snprintf(one.words, sizeof one.words, "%s%d (%s)", others++ ? ", " : "", (int)closed.list[i].pid,
                 closed.list[i].comm);
        gs_said_append(&who, one.words);
    }
    struct gs_verdict *v =
        gs_why_say(j, GS_WHY_lock_deadlock, false,
                   "Deadlock across processes: this one and %s %.300s wait for one another, and nobody "
                   "else can end that.",
                   others == 1 ? "process" : "processes", who.words);
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        gs_why_evidence(j, v, "%s waits%s in %s.", gs_said_thread(c, thread).words,
                        gs_said_asleep(c, thread->tid).words, gs_said_stack(c, thread).words);
        gs_why_concerns(j, v, i);
    }
    for (size_t i = 0; i < closed.count; i++)
        gs_why_evidence(j, v, "Process %d (%s) %s.", (int)closed.list[i].pid, closed.list[i].comm,
                        said_closed(&closed.list[i]).words);
    if (has_kind(&closed, GS_CLOSED_CHILD) && has_kind(&closed, GS_CLOSED_WRITES))
        gs_why_advise(j, v,
                      "A process ends when what it has put into a queue or a pipe was read: read first, with get() or "
                      "communicate(), and then join() or wait().");
    else
        gs_why_advise(
            j, v,
            "Take locks in the same order in all processes; of two that talk by pipes one has to write first, and what "
            "is not used of a pipe is to be closed. gilspy why -p PID tells where each of the others stands.");
    gs_why_basis(
        j, v,
        "each thread of these processes sleeps without a time limit until another one of them does something, and "
        "none of them ran while that was looked at. Only a signal could still wake one.");
}
