/* What the reading of tasks needs to know of a snapshot. */
#include <stdlib.h>

#include "sample/snapshot_tasks.h"

enum gs_status gs_tasks_of(struct gs_tasks *tasks, const struct gs_python *python, struct gs_codes *codes,
                           const struct gs_snapshot *snapshot, double now_s)
{
    struct gs_tasks_thread *threads = calloc(snapshot->thread_count + 1, sizeof *threads);
    struct gs_tasks_question question = {
        .python = python, .mem = python->mem, .codes = codes, .threads = threads, .now_s = now_s};
    *tasks = (struct gs_tasks){0};
    if (!threads)
        return GS_NO_MEMORY;
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        if (thread->tstate)
            threads[question.thread_count++] =
                (struct gs_tasks_thread){.tstate = thread->tstate,
                                         .interpreter = snapshot->interpreters[thread->interpreter].addr,
                                         .ident = thread->ident,
                                         .main = thread->main,
                                         .frames = thread->frames,
                                         .frame_count = thread->frame_count};
    }
    enum gs_status status = gs_tasks_read(&question, tasks);
    free(threads);
    return status;
}
