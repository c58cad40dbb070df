/* What a thread that sleeps waits for: told by the futex that it sleeps on (a mutex of C, the end of a
 * thread, a semaphore that is shared with other processes), the Python functions that it is in, and the locks that its
 * frames refer to. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "base/futex.h"
#include "diagnose/why_wait_search.h"
#include "python/parked.h"

enum {
    MUTEX_CONTENDED = 2, /* glibc: nptl/lowlevellock.h */
    MUTEX_BYTES = 24
};

/* glibc's pthread_mutex_t: a word that is 2 while somebody waits, a count, the owner's tid (nptl/pthreadP.h). */
static bool by_mutex(struct gs_wait_search *s, const struct gs_activity *activity, struct gs_wait *wait)
{
    uint32_t words[MUTEX_BYTES / 4];
    const struct gs_snapshot *snapshot = s->snapshot;
    if (s->python->foreign_libc || gs_futex_command(activity->args[1]) != FUTEX_WAIT ||
        activity->args[2] != MUTEX_CONTENDED || gs_mem_read(s->mem, activity->args[0], words, sizeof words) ||
        words[0] != MUTEX_CONTENDED || words[2] == 0)
        return false;
    for (uint32_t i = 0; i < snapshot->thread_count && wait->owner == GS_NOBODY; i++) {
        if (snapshot->threads[i].ns_tid == (pid_t)words[2])
            wait->owner = i;
    }
    struct gs_task *tasks = NULL;
    size_t count = 0;
    if (wait->owner == GS_NOBODY && gs_target_tasks(s->target, &tasks, &count) == GS_OK) {
        for (size_t i = 0; i < count; i++)
            wait->outsider = tasks[i].ns_tid == (pid_t)words[2] ? tasks[i].tid : wait->outsider;
    }
    free(tasks);
    if (wait->owner == GS_NOBODY && wait->outsider == 0)
        return false;
    wait->kind = GS_WAIT_MUTEX;
    wait->word = activity->args[0];
    wait->owner_stated = true;
    return true;
}

/* pthread_join sleeps on the tid in the other's struct pthread until the kernel clears it (glibc: nptl). */
static bool by_end(struct gs_wait_search *s, const struct gs_activity *activity, struct gs_wait *wait)
{
    uint32_t tid;
    if (s->python->foreign_libc || activity->args[2] == 0 || gs_mem_read_u32(s->mem, activity->args[0], &tid) ||
        tid != activity->args[2])
        return false;
    for (uint32_t i = 0; i < s->snapshot->thread_count; i++) {
        if (s->snapshot->threads[i].ns_tid == (pid_t)tid && tid > MUTEX_CONTENDED) {
            wait->kind = GS_WAIT_THREAD;
            wait->word = activity->args[0];
            wait->owner = i;
            wait->owner_stated = true;
            return true;
        }
    }
    return false;
}

/* 2.7: one lock for all imports. */
static bool by_import_lock(struct gs_wait_search *s, struct gs_wait *wait)
{
    gs_addr lock;
    uint64_t owner;
    if (s->python->at.import_lock == 0 || s->python->at.import_lock_thread == 0 ||
        gs_mem_read_addr(s->mem, s->python->at.import_lock, &lock) || lock == 0 || lock != s->semaphore ||
        gs_mem_read_addr(s->mem, s->python->at.import_lock_thread, &owner))
        return false;
    wait->kind = GS_WAIT_IMPORT;
    wait->owner = gs_wait_by_ident(s, owner);
    wait->owner_stated = true;
    return true;
}

static bool by_shared(const struct gs_wait_search *s, const struct gs_activity *activity, struct gs_wait *wait)
{
    const struct gs_map *map = gs_target_map_at(s->target, activity->args[0]);
    if (activity->args[1] & FUTEX_PRIVATE_FLAG)
        return false;
    wait->kind = GS_WAIT_SHARED;
    wait->word = activity->args[0];
    snprintf(wait->name, sizeof wait->name, "%.99s", map ? map->path : "");
    return true;
}

/* why_wait_futex.c */
static bool find_by_futex(struct gs_wait_search *s, const struct gs_activity *activity, struct gs_wait *wait)
{
    return by_mutex(s, activity, wait) || by_end(s, activity, wait) || by_import_lock(s, wait) ||
           by_shared(s, activity, wait);
}

enum { READS = 400000 };

uint32_t gs_waits_next(const struct gs_waits *waits, uint32_t thread)
{
    return thread < waits->count ? waits->list[thread].owner : GS_NOBODY;
}

void gs_waits_fini(struct gs_waits *waits)
{
    free(waits->list);
    *waits = (struct gs_waits){0};
}

static const struct gs_wait *wait_of(const struct gs_waits *waits, pid_t tid)
{
    for (size_t i = 0; i < waits->count; i++) {
        if (waits->list[i].tid == tid)
            return &waits->list[i];
    }
    return NULL;
}

static void pass(struct gs_locks_passed *passed, gs_addr word)
{
    size_t i = 0;
    while (i < passed->count && passed->list[i].word != word)
        i++;
    if (i == GS_LOCKS_PASSED)
        return;
    if (i == passed->count)
        passed->list[passed->count++].word = word;
    passed->list[i].times++;
}

void gs_locks_passed_add(struct gs_locks_passed *passed, const struct gs_waits *before, const struct gs_waits *now)
{
    gs_addr last = 0; /* one lock that many waited for has passed once */
    for (size_t i = 0; i < before->count; i++) {
        const struct gs_wait *then = &before->list[i], *since = wait_of(now, then->tid);
        if (!gs_wait_is_lock(then) || then->word == last)
            continue;
        bool has_had = !since || since->kind != then->kind || since->word != then->word;
        bool others = !has_had && then->owner_tid > 0 && since->owner_tid > 0 && then->owner_tid != since->owner_tid;
        if (has_had || others)
            pass(passed, last = then->word);
    }
}

uint32_t gs_locks_passed_times(const struct gs_locks_passed *passed, gs_addr word)
{
    for (size_t i = 0; i < passed->count; i++) {
        if (passed->list[i].word == word)
            return passed->list[i].times;
    }
    return 0;
}

static void read_futex(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    const struct gs_activity *activity = &thread->activity;
    s->semaphore = gs_futex_waits(activity->args[1]) ? activity->args[0] : 0;
    struct gs_parked parked = {0};
    bool mutex = s->semaphore && gs_parked_read(s->layout, s->mem, s->semaphore, &parked) && parked.mutex;
    s->parked = parked.word;
    s->mutex = mutex ? parked.word : 0;
    wait->since_ns = parked.since_ns;
    if (gs_wait_by_frames(s, thread, wait) || find_by_futex(s, activity, wait) || gs_wait_by_lock(s, thread, wait) ||
        gs_wait_by_simple_queue(s, thread, wait) || gs_wait_by_object(s, thread, wait))
        return;
    wait->kind = GS_WAIT_FUTEX;
    wait->word = activity->args[0];
}

static void read_wait(struct gs_wait_search *s, uint32_t index)
{
    const struct gs_thread *thread = &s->snapshot->threads[index];
    struct gs_wait *wait = &s->waits->list[index];
    const struct gs_gil *gil = &s->snapshot->gils[s->snapshot->interpreters[thread->interpreter].gil];
    *wait = (struct gs_wait){.owner = GS_NOBODY, .referrer = GS_NOBODY};
    if (thread->gil == GS_WAITS) {
        wait->kind = GS_WAIT_GIL;
        wait->owner_stated = true;
        for (uint32_t i = 0; i < s->snapshot->thread_count && gil->holder > 0; i++) {
            if (s->snapshot->threads[i].tid == gil->holder)
                wait->owner = i;
        }
    } else if (thread->activity.run == GS_RUN_SYSCALL && thread->activity.number == SYS_futex) {
        read_futex(s, thread, wait);
    } else if (thread->activity.run == GS_RUN_SYSCALL) {
        wait->kind = GS_WAIT_CALL;
    }
}

static void begin(struct gs_wait_search *s, struct gs_waits *waits, const struct gs_target *target,
                  const struct gs_python *python, const struct gs_snapshot *snapshot,
                  const struct gs_why_lookup *lookup)
{
    *s = (struct gs_wait_search){.target = target,
                                 .python = python,
                                 .layout = &python->layout,
                                 .snapshot = snapshot,
                                 .lookup = lookup,
                                 .left = READS,
                                 .waits = waits};
    gs_metered_init(&s->metered, python->mem, &s->left);
    s->mem = &s->metered.mem;
}

uint32_t gs_waits_holder(const struct gs_target *target, const struct gs_python *python,
                         const struct gs_snapshot *snapshot, const struct gs_why_lookup *lookup,
                         const struct gs_wait *wait)
{
    /* Its own threads, none of which waits, and the one that does. */
    struct gs_waits waits = {calloc(snapshot->thread_count + 1, sizeof *waits.list), snapshot->thread_count + 1};
    struct gs_wait_search s;
    uint32_t holder = GS_NOBODY;
    if (!waits.list)
        return GS_NOBODY;
    begin(&s, &waits, target, python, snapshot, lookup);
    if (wait->owner_ident) {
        holder = gs_wait_by_ident(&s, wait->owner_ident);
    } else {
        waits.list[waits.count - 1] =
            (struct gs_wait){.kind = wait->kind, .word = wait->word, .owner = GS_NOBODY, .referrer = GS_NOBODY};
        gs_wait_find_holders(&s);
        holder = waits.list[waits.count - 1].owner;
    }
    gs_waits_fini(&waits);
    return holder;
}

static enum gs_status find(struct gs_wait_search *s, struct gs_waits *waits, const struct gs_target *target,
                           const struct gs_python *python, const struct gs_snapshot *snapshot,
                           const struct gs_why_lookup *lookup)
{
    *waits = (struct gs_waits){calloc(snapshot->thread_count + 1, sizeof *waits->list), snapshot->thread_count};
    if (!waits->list)
        return GS_NO_MEMORY;
    begin(s, waits, target, python, snapshot, lookup);
    for (uint32_t i = 0; i < snapshot->thread_count; i++)
        read_wait(s, i);
    gs_wait_find_holders(s);
    for (size_t i = 0; i < waits->count; i++) {
        struct gs_wait *wait = &waits->list[i];
        wait->tid = snapshot->threads[i].tid;
        wait->owner_tid = wait->owner != GS_NOBODY ? snapshot->threads[wait->owner].tid : 0;
    }
    return GS_OK;
}

enum gs_status gs_waits_find(struct gs_waits *waits, const struct gs_target *target, const struct gs_python *python,
                             const struct gs_snapshot *snapshot, const struct gs_why_lookup *lookup)
{
    struct gs_wait_search s;
    return find(&s, waits, target, python, snapshot, lookup);
}

enum gs_status gs_waits_read(struct gs_waits *waits, const struct gs_target *target, const struct gs_python *python,
                             const struct gs_snapshot *snapshot, const struct gs_why_lookup *lookup)
{
    struct gs_wait_search s;
    enum gs_status status = find(&s, waits, target, python, snapshot, lookup);
    if (!status)
        status = gs_wait_find_pools(&s);
    if (!status)
        gs_wait_find_referrers(&s);
    for (size_t i = 0; i < waits->count && !status; i++) {
        struct gs_wait *wait = &waits->list[i];
        if (target->postmortem || !gs_target_ran_ns(target, wait->tid, &wait->ran_ns))
            wait->ran_ns = 0;
        if (target->postmortem || !gs_target_kept_ns(target, wait->tid, &wait->kept_ns))
            wait->kept_ns = 0;
    }
    return status;
}
