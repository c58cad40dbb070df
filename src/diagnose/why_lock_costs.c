/* Locks that go round, for which threads wait so long, all together, that it costs them much of their time. */
#include <stdio.h>
#include <stdlib.h>

#include "diagnose/why_rules.h"
#include "gil/gilstat.h"

#define COST_MEAN 0.50 /* so many wait for it on average, */
enum { TURNS_LEAST = 20 /* and it was so often somebody's turn */ };

static struct gs_said words_of(const struct gs_case *c, const struct gs_gilstat_lock *lock)
{
    static const enum gs_wait_kind kinds[] = {
        [GS_LOCK_LOCK] = GS_WAIT_LOCK,      [GS_LOCK_RLOCK] = GS_WAIT_LOCK,    [GS_LOCK_OBJECT] = GS_WAIT_OBJECT,
        [GS_LOCK_PYMUTEX] = GS_WAIT_OBJECT, [GS_LOCK_PTHREAD] = GS_WAIT_MUTEX, [GS_LOCK_OTHER] = GS_WAIT_SHARED};
    struct gs_wait wait = {.kind = kinds[lock->kind],
                           .word = lock->address,
                           .object = lock->kind == GS_LOCK_PYMUTEX ? 0 : lock->address,
                           .recursive = lock->kind == GS_LOCK_RLOCK};
    snprintf(wait.type, sizeof wait.type, "%.47s", lock->type);
    snprintf(wait.name, sizeof wait.name, "%.99s", lock->name);
    return gs_said_wait(c, &wait);
}

/* Its waiters of whom nothing was said yet. */
static size_t collect(const struct gs_judging *j, const struct gs_gilstat_lock *lock, bool *waiters)
{
    const struct gs_case *c = j->c;
    size_t count = 0;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        waiters[i] = false;
        for (size_t k = 0; k < lock->waiter_count && !j->told[i]; k++)
            waiters[i] |= lock->waiters[k] == c->snapshot->threads[i].tid;
        count += waiters[i];
    }
    return count;
}

static void tell(struct gs_judging *j, const struct gs_gilstat_lock *lock, const bool *waiters, size_t count)
{
    const struct gs_case *c = j->c;
    double watched_us = (double)gs_case_watched_ns(c) / 1000;
    struct gs_verdict *v = gs_why_say(
        j, GS_WHY_lock_contended, false, "Waiting for %s costs %zu %s %.0f %% of the time%s: %s at worst.",
        words_of(c, lock).words, count, count == 1 ? "thread" : "threads", 100 * lock->mean_waiters / (double)count,
        count == 1 ? "" : " each", gs_said_us(lock->longest_wait_us).words);
    gs_why_evidence(j, v, "%.1f of them wait at a time on average, %u at most: %s. It went round at least %s times.",
                    lock->mean_waiters, lock->most_waiters, gs_said_threads(c, waiters).words,
                    gs_said_number(lock->waits).words);
    if (lock->holder > 0 && lock->held_in.function[0])
        gs_why_evidence(j, v, "Who was met with it most is %s, in %s.", gs_said_tid(c, lock->holder).words,
                        gs_said_spot(&(struct gs_place){.function = lock->held_in.function,
                                                        .file = lock->held_in.file,
                                                        .line = lock->held_in.line})
                            .words);
    gs_why_advise(j, v,
                  lock->kind == GS_LOCK_OBJECT
                      ? "Each operation on it takes its own lock: give each thread an object of its own, or do less "
                        "with it at a time. gilspy stat --locks -p %d has the figures."
                      : "Shorten what is done with the lock, or have fewer threads need it. gilspy stat --locks -p %d "
                        "has the figures.",
                  (int)c->target->pid);
    gs_why_basis(j, v, "%.0f ms of waiting in %s looks in %.1f s.", (double)lock->wait_us / 1000,
                 gs_said_number(c->watch->samples).words, watched_us / 1e6);
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        if (waiters[i])
            gs_why_concerns(j, v, i);
    }
}

void gs_why_find_lock_costs(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    bool *waiters = calloc(c->snapshot->thread_count + 1, sizeof *waiters);
    for (size_t i = 0; c->locks && waiters && !c->stopped && i < c->locks->lock_count; i++) {
        const struct gs_gilstat_lock *lock = &c->locks->locks[i];
        size_t count = lock->mean_waiters >= COST_MEAN && lock->waits >= TURNS_LEAST ? collect(j, lock, waiters) : 0;
        if (count > 0)
            tell(j, lock, waiters, count);
    }
    free(waiters);
}
