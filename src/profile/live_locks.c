/* As stat sums them up, since the first sample that tells of them. */
#include "base/least.h"
#include "profile/live_drawing.h"
#include "profile/live_locks.h"

enum { LISTED = 256 };

bool gs_live_lock_sample(const struct gs_live_table *table, struct gs_live_process *process,
                         const struct gs_sample *sample)
{
    uint64_t gap_ns = process->waits_known ? sample->weight_ns : 0;
    process->waits_known = sample->locks_known;
    if (!sample->locks_known)
        return true;
    if (!process->waits && !(process->waits = gs_lock_account_new()))
        return false;
    process->waits_ns += gap_ns;
    gs_lock_account_begin(process->waits, sample->time_ns, gap_ns);
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < sample->lock_count && !status; i++) {
        uint32_t at = sample->locks[i].thread_at;
        const struct gs_live_thread *thread = gs_live_thread_in(table, process, at, sample->threads[at].thread);
        if (thread)
            status = gs_lock_account_wait(process->waits, thread->tid, &sample->locks[i]);
    }
    gs_lock_account_end(process->waits);
    for (size_t i = 0; i < sample->looks.count && !status; i++)
        status = gs_lock_account_look(process->waits, &sample->looks.list[i]);
    return !status;
}

void gs_live_lock_reset(struct gs_live_process *process)
{
    process->waits_ns = 0;
    if (process->waits)
        gs_lock_account_next(process->waits);
}

static void add_locks(const struct gs_live_drawing *drawing, struct gs_picture *picture, struct gs_picture_lock *list,
                      uint32_t number)
{
    const struct gs_live_process *process = gs_live_process_at(&drawing->live->table, picture->processes[number].pid);
    struct gs_gilstat stat = {0};
    if (!process || !process->waits)
        return;
    const struct gs_bounds_span span = {.ns = process->waits_ns};
    picture->locks_us = gs_most(picture->locks_us, process->waits_ns / 1000);
    if (gs_lock_account_finish(process->waits, &span, 1, &stat) == GS_OK) {
        for (size_t i = 0; i < stat.lock_count && picture->wanted_count < LISTED; i++)
            list[picture->wanted_count++] = (struct gs_picture_lock){number, stat.locks[i]};
    }
    gs_gilstat_fini(&stat);
}

void gs_live_draw_locks(const struct gs_live_drawing *drawing, struct gs_picture *picture)
{
    struct gs_picture_lock *list = gs_arena_get(drawing->arena, LISTED, sizeof *list);
    for (uint32_t i = 0; list && i < picture->process_count; i++)
        add_locks(drawing, picture, list, i);
    picture->wanted = list;
}
