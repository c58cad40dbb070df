/* What a thread waits for by the futex that it sleeps on: a mutex of C, the end of a thread, a semaphore that is shared
 * with other processes. */
#include <stdio.h>
#include <stdlib.h>

#include "diagnose/why_wait_search.h"

enum {
    MUTEX_CONTENDED = 2, /* glibc: nptl/lowlevellock.h */
    MUTEX_BYTES = 24
};

/* glibc's pthread_mutex_t: a word that is 2 while somebody waits, a count, the owner's tid (nptl/pthreadP.h). */
static bool by_mutex(struct gs_wait_search *s, const struct gs_activity *activity, struct gs_wait *wait)
{
    uint32_t words[MUTEX_BYTES / 4];
    const struct gs_snapshot *snapshot = s->snapshot;
    if (s->python->foreign_libc || (activity->args[1] & GS_FUTEX_OP) != GS_FUTEX_WAIT ||
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
    if (activity->args[1] & GS_FUTEX_PRIVATE)
        return false;
    wait->kind = GS_WAIT_SHARED;
    wait->word = activity->args[0];
    snprintf(wait->name, sizeof wait->name, "%.99s", map ? map->path : "");
    return true;
}

bool gs_wait_by_futex(struct gs_wait_search *s, const struct gs_activity *activity, struct gs_wait *wait)
{
    return by_mutex(s, activity, wait) || by_end(s, activity, wait) || by_import_lock(s, wait) ||
           by_shared(s, activity, wait);
}
