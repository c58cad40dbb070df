/* What a thread that sleeps waits for: told by the futex that it sleeps on, the Python functions that it is in, and the
 * locks that its frames refer to. */
#include <stdlib.h>
#include <sys/syscall.h>

#include "diagnose/why_wait_search.h"

enum { READS = 400000 };

bool gs_wait_slept_on(const struct gs_wait_search *s, const struct gs_lock_object *lock)
{
    return lock->word != 0 && (lock->word == s->semaphore || lock->word == s->mutex);
}

uint32_t gs_waits_next(const struct gs_waits *waits, uint32_t thread)
{
    return thread < waits->count ? waits->list[thread].owner : GS_NOBODY;
}

void gs_waits_fini(struct gs_waits *waits)
{
    free(waits->list);
    *waits = (struct gs_waits){0};
}

uint32_t gs_wait_by_ident(const struct gs_wait_search *s, uint64_t ident)
{
    for (uint32_t i = 0; i < s->snapshot->thread_count && ident != 0; i++) {
        if (s->snapshot->threads[i].ident == ident)
            return i;
    }
    return GS_NOBODY;
}

static void read_futex(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    const struct gs_activity *activity = &thread->activity;
    unsigned op = activity->args[1] & GS_FUTEX_OP;
    s->semaphore = op == GS_FUTEX_WAIT || op == GS_FUTEX_WAIT_BITSET ? activity->args[0] : 0;
    s->mutex = s->semaphore ? gs_lock_parked(s->layout, s->mem, s->semaphore) : 0;
    if (gs_wait_by_frames(s, thread, wait) || gs_wait_by_futex(s, activity, wait) || gs_wait_by_lock(s, thread, wait) ||
        gs_wait_by_simple_queue(s, thread, wait))
        return;
    wait->kind = GS_WAIT_FUTEX;
    wait->word = activity->args[0];
}

static void read_wait(struct gs_wait_search *s, uint32_t index)
{
    const struct gs_thread *thread = &s->snapshot->threads[index];
    struct gs_wait *wait = &s->waits->list[index];
    const struct gs_gil *gil = &s->snapshot->gils[s->snapshot->interpreters[thread->interpreter].gil];
    *wait = (struct gs_wait){.owner = GS_NOBODY};
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

enum gs_status gs_waits_read(struct gs_waits *waits, const struct gs_target *target, const struct gs_python *python,
                             const struct gs_snapshot *snapshot, const struct gs_why_lookup *lookup)
{
    struct gs_wait_search s = {.target = target,
                               .python = python,
                               .layout = &python->layout,
                               .snapshot = snapshot,
                               .lookup = lookup,
                               .left = READS,
                               .waits = waits};
    *waits = (struct gs_waits){calloc(snapshot->thread_count + 1, sizeof *waits->list), snapshot->thread_count};
    if (!waits->list)
        return GS_NO_MEMORY;
    gs_metered_init(&s.metered, python->mem, &s.left);
    s.mem = &s.metered.mem;
    for (uint32_t i = 0; i < snapshot->thread_count; i++)
        read_wait(&s, i);
    gs_wait_find_holders(&s);
    for (size_t i = 0; i < waits->count; i++) {
        struct gs_wait *wait = &waits->list[i];
        wait->tid = snapshot->threads[i].tid;
        if (target->still || !gs_target_ran_ns(target, wait->tid, &wait->ran_ns))
            wait->ran_ns = 0;
        if (target->still || !gs_target_kept_ns(target, wait->tid, &wait->kept_ns))
            wait->kept_ns = 0;
        wait->owner_tid = wait->owner != GS_NOBODY ? snapshot->threads[wait->owner].tid : 0;
    }
    return GS_OK;
}
