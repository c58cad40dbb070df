/* Pools of threads whose workers all wait for work that only they could do; pools of connections that have none left.
 */
#include <stdlib.h>
#include <string.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_rules.h"

enum { USER_FRAMES = 32 };

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

/* ---- pools of connections ---- */

struct function {
    const char *file, *name;
};

/* Where a thread waits until one of the pool's connections is given back. */
static const struct {
    struct function get;
    const char *library, *users; /* users: in the path of the code that uses a connection */
} pools[] = {
    {{"sqlalchemy/pool/impl.py", "_do_get"}, "SQLAlchemy", "/sqlalchemy/"}, /* 1.3 to 2.1 */
    {{"sqlalchemy/pool.py", "_do_get"}, "SQLAlchemy", "/sqlalchemy/"},      /* up to 1.2 */
    {{"psycopg_pool/pool.py", "getconn"}, "psycopg_pool", "/psycopg/"},     /* up to 3.1 */
    {{"psycopg_pool/pool.py", "_getconn_unchecked"}, "psycopg_pool", "/psycopg/"},
    {{"urllib3/connectionpool.py", "_get_conn"}, "urllib3", "/urllib3/"},
    {{"redis/connection.py", "get_connection"}, "redis", "/redis/"},
    {{"dbutils/pooled_db.py", "_wait_lock"}, "DBUtils", "/dbutils/"}, /* 2.0 to 3.1 */
};

/* What it calls for that. */
static const struct function waits[] = {
    {"threading.py", "wait"}, {"queue.py", "get"}, {"Queue.py", "get"}, {"psycopg_pool/pool.py", "wait"}};

static bool is_in(const struct gs_case *c, const struct gs_frame *frame, const struct function *function)
{
    return gs_frame_is(&c->lookup, frame, function->file, function->name);
}

static bool only_waits(const struct gs_case *c, const struct gs_frame *frame)
{
    bool is = false;
    for (size_t i = 0; i < sizeof waits / sizeof *waits && !is; i++)
        is = is_in(c, frame, &waits[i]);
    return is;
}

/* The library in whose pool it waits; NULL: in none. */
static const char *pool_of(const struct gs_case *c, const struct gs_thread *thread)
{
    uint32_t f = 0;
    while (f < thread->frame_count && only_waits(c, &thread->frames[f]))
        f++;
    for (size_t p = 0; p < sizeof pools / sizeof *pools && f > 0 && f < thread->frame_count; p++) {
        if (is_in(c, &thread->frames[f], &pools[p].get))
            return pools[p].library;
    }
    return NULL;
}

/* Likewise, all the while that was watched. */
static const char *dry_pool(const struct gs_judging *j, size_t i)
{
    const struct gs_case *c = j->c;
    uint64_t still_ns = gs_why_watch_still_ns(c->watch, &c->snapshot->threads[i]);
    if (j->told[i] || still_ns < GS_WHY_HANGS_NS || still_ns < gs_case_watched_ns(c) / 10 * 9 ||
        gs_wait_is_lock(&c->now->list[i]))
        return NULL;
    return pool_of(c, &c->snapshot->threads[i]);
}

static bool is_user(const struct gs_case *c, const struct gs_frame *frame, const char *library)
{
    struct gs_place place;
    if (frame->kind != GS_FRAME_PYTHON || !c->lookup.place(c->lookup.context, frame, &place))
        return false;
    for (size_t p = 0; p < sizeof pools / sizeof *pools; p++) {
        if (strcmp(pools[p].library, library) == 0 && strstr(place.file, pools[p].users))
            return true;
    }
    return false;
}

static gs_addr queue_of(const struct gs_wait *wait)
{
    return wait->kind == GS_WAIT_QUEUE ? wait->word : 0;
}

/* Who runs code of the library, and does not wait for its pool, may have a connection. */
static void tell_users(struct gs_judging *j, struct gs_verdict *v, const char *library)
{
    const struct gs_case *c = j->c;
    size_t count = 0;
    bool *users = calloc(c->snapshot->thread_count + 1, sizeof *users);
    for (size_t i = 0; i < c->snapshot->thread_count && users; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        for (uint32_t f = 0; f < thread->frame_count && f < USER_FRAMES && !users[i]; f++)
            users[i] = is_user(c, &thread->frames[f], library) && !pool_of(c, thread);
        count += users[i];
    }
    if (count > 0)
        gs_why_evidence(j, v, "In code of %s, and so perhaps with a connection: %s.", library,
                        gs_said_threads(c, users).words);
    free(users);
}

static void tell_dry_pool(struct gs_judging *j, size_t first, const char *library)
{
    const struct gs_case *c = j->c;
    size_t count = c->snapshot->thread_count;
    bool *waiters = calloc(count + 1, sizeof *waiters);
    if (!waiters)
        return;
    for (size_t i = first; i < count; i++) {
        const char *other = queue_of(&c->now->list[i]) == queue_of(&c->now->list[first]) ? dry_pool(j, i) : NULL;
        waiters[i] = other && strcmp(other, library) == 0;
    }
    struct gs_said who = gs_said_threads(c, waiters), watched = gs_said_us(gs_case_watched_ns(c) / 1000);
    struct gs_verdict *v = gs_why_say(j, GS_WHY_pool_exhausted, false,
                                      "A pool of connections of %s has none left for %s: none was got in %s.", library,
                                      who.words, watched.words);
    tell_users(j, v, library);
    gs_why_tell_sleepers(j, v);
    for (size_t i = first; i < count; i++) {
        if (waiters[i])
            gs_why_concerns(j, v, i);
    }
    gs_why_advise(j, v,
                  "The connections are with the other threads, or were never given back: use them in `with` blocks, "
                  "not while something slow is done, never two at once in one thread; or let the pool be larger.");
    gs_why_basis(j, v, "all that time each of them was in the pool's function that waits for a connection.");
    free(waiters);
}

void gs_why_find_dry_pools(struct gs_judging *j)
{
    for (size_t i = 0; i < j->c->snapshot->thread_count && !j->c->target->postmortem; i++) {
        const char *library = dry_pool(j, i);
        if (library)
            tell_dry_pool(j, i, library);
    }
}
