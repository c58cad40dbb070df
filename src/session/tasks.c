/* What the reading of tasks needs to know of a snapshot. */
#include <stdlib.h>

#include "base/clock.h"
#include "session/tasks.h"

enum gs_status gs_attach_read_tasks(struct gs_attach *attach)
{
    const struct gs_snapshot *snapshot = attach->snapshot;
    struct gs_tasks_thread *threads = calloc(snapshot->thread_count + 1, sizeof *threads);
    struct gs_tasks_question question = {.python = attach->python,
                                         .mem = attach->python->mem,
                                         .codes = gs_reader_codes(attach->reader),
                                         .threads = threads,
                                         .now_s = attach->target->still ? 0 : (double)gs_clock_ns() / 1e9};
    if (!threads)
        return GS_NO_MEMORY;
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        if (thread->tstate)
            threads[question.thread_count++] =
                (struct gs_tasks_thread){.tstate = thread->tstate,
                                         .interpreter = snapshot->interpreters[thread->interpreter].addr,
                                         .ident = thread->ident,
                                         .frames = thread->frames,
                                         .frame_count = thread->frame_count};
    }
    gs_tasks_free(&attach->tasks);
    enum gs_status status = gs_tasks_read(&question, &attach->tasks);
    free(threads);
    return status;
}
