/* Pools of threads whose workers all wait for work that only they could do. */
#include <stdlib.h>

#include "diagnose/why_rules.h"

/* The workers of that pool; false: one of them does not wait for the pool, or has not for long. */
static bool collect(const struct gs_judging *j, gs_addr pool, bool *workers)
{
    const struct gs_case *c = j->c;
    bool all = true;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_wait *wait = &c->now->list[i];
        workers[i] = wait->pool == pool;
        all &= !workers[i] || (!j->told[i] && wait->own_pool && gs_case_hangs(c, i));
    }
    return all;
}

/* The first worker that waits for what nobody has begun with, or for what another one has. */
static void tell_worker(struct gs_judging *j, struct gs_verdict *v, const bool *workers, bool queued)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        if (!workers[i] || c->now->list[i].queued != queued)
            continue;
        gs_why_evidence(j, v, "%s waits%s for %s, in %s.", gs_said_thread(c, thread).words,
                        gs_said_asleep(c, thread->tid).words,
                        queued ? "a future that lies in the pool's queue, and which nobody has begun with"
                               : "what a worker of the pool has to do first",
                        gs_said_stack(c, thread).words);
        return;
    }
}

static void tell_pool(struct gs_judging *j, const bool *workers, size_t count)
{
    const struct gs_case *c = j->c;
    struct gs_said who = gs_said_threads(c, workers);
    struct gs_verdict *v =
        count == 1
            ? gs_why_say(j, GS_WHY_pool_exhausted, true,
                         "The only worker of a pool, %s, waits for work that only that pool does.", who.words)
            : gs_why_say(j, GS_WHY_pool_exhausted, true,
                         "All %zu workers of a pool wait for work that only that pool does: %s.", count, who.words);
    for (int queued = 1; queued >= 0; queued--)
        tell_worker(j, v, workers, queued);
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        if (workers[i])
            gs_why_concerns(j, v, i);
    }
    gs_why_advise(
        j, v,
        "What runs in a pool must not wait for that pool: give the inner work to another pool, do it at once, or "
        "wait for it where it was ordered. More workers only put this off.");
    gs_why_basis(j, v,
                 "only workers of that pool can do what they wait for, and all workers of that pool were looked at.");
}

void gs_why_find_pools(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    bool *workers = calloc(c->snapshot->thread_count + 1, sizeof *workers);
    for (size_t i = 0; i < c->snapshot->thread_count && workers && !c->snapshot->partial; i++) {
        size_t count = 0;
        if (j->told[i] || !c->now->list[i].own_pool || !collect(j, c->now->list[i].pool, workers))
            continue;
        for (size_t k = 0; k < c->snapshot->thread_count; k++)
            count += workers[k];
        tell_pool(j, workers, count);
    }
    free(workers);
}
