/* What each mode counts. */
#include <string.h>

#include "profile/modes.h"

const struct gs_mode_row gs_modes[GS_MODE_COUNT] = {
    [GS_MODE_ACTIVE] = {"active", "threads that are runnable, hold the GIL or wait for it"},
    [GS_MODE_WALL] = {"wall", "every thread, always"},
    [GS_MODE_CPU] = {"cpu", "runnable threads"},
    [GS_MODE_GIL] = {"gil", "the thread that holds the GIL"},
    [GS_MODE_WAIT] = {"wait", "threads that wait for the GIL"},
    [GS_MODE_BLAME] = {"blame", "each waiter's time, charged to what the holder was doing"},
    [GS_MODE_AWAIT] = {"await", "tasks that are suspended, at what each awaits"},
    [GS_MODE_LOCKS] = {"locks", "threads that wait for a lock, the GIL or another one"},
    [GS_MODE_EXCEPTION] = {"exception", "threads that handle an exception"},
};

bool gs_mode_find(const char *name, enum gs_mode *mode)
{
    for (int i = 0; i < GS_MODE_COUNT; i++) {
        if (strcmp(gs_modes[i].name, name) == 0) {
            *mode = (enum gs_mode)i;
            return true;
        }
    }
    return false;
}

bool gs_mode_counts(enum gs_mode mode, const struct gs_thread_sample *thread)
{
    bool runs = thread->run == GS_RUN_RUNNING, holds = thread->gil == GS_HOLDS, waits = thread->gil == GS_WAITS;
    switch (mode) {
    case GS_MODE_ACTIVE:
        return runs || holds || waits;
    case GS_MODE_CPU:
        return runs;
    case GS_MODE_GIL:
        return holds;
    case GS_MODE_WAIT:
        return waits;
    case GS_MODE_BLAME:
    case GS_MODE_LOCKS:
        return waits || gs_thread_at_lock(thread);
    case GS_MODE_AWAIT:
        return false;
    case GS_MODE_EXCEPTION:
        return thread->handles;
    default:
        return true;
    }
}

bool gs_thread_idle(const struct gs_thread_sample *thread)
{
    return (thread->gil == GS_WITHOUT || thread->gil == GS_NONE) && thread->run != GS_RUN_RUNNING &&
           thread->run != GS_RUN_UNKNOWN;
}

bool gs_thread_at_lock(const struct gs_thread_sample *thread)
{
    return thread->at_lock && gs_thread_idle(thread);
}

uint32_t gs_thread_code(const struct gs_thread_sample *thread)
{
    uint32_t run = thread->run == GS_RUN_RUNNING   ? GS_CODE_RUNNING
                   : thread->run == GS_RUN_UNKNOWN ? GS_CODE_UNKNOWN
                   : gs_thread_at_lock(thread)     ? GS_CODE_AT_LOCK
                                                   : GS_CODE_ASLEEP;
    return thread->gil * GS_CODE_RUNS + run;
}

struct gs_thread_sample gs_task_as_thread(const struct gs_sample *sample, size_t task)
{
    return (struct gs_thread_sample){.thread = sample->threads[sample->tasks[task].thread_at].thread,
                                     .stack = sample->tasks[task].stack,
                                     .gil = GS_WITHOUT,
                                     .run = GS_RUN_BLOCKED,
                                     .lock = GS_GIL_LEFT_OUT};
}
