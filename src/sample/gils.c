/* The GILs of a sample, as its threads tell of them. */
#include "gilspy/sample.h"

void gs_sampled_gils_count(struct gs_sampled_gil *gils, size_t count, const struct gs_thread_sample *threads,
                           size_t thread_count)
{
    for (size_t i = 0; i < count; i++) {
        gils[i].holder_at = GS_NO_THREAD;
        gils[i].waiters = 0;
    }
    for (size_t i = 0; i < thread_count; i++) {
        if (threads[i].lock >= count)
            continue;
        struct gs_sampled_gil *gil = &gils[threads[i].lock];
        gil->waiters += threads[i].gil == GS_WAITS;
        if (threads[i].gil == GS_HOLDS && gil->holder_at == GS_NO_THREAD)
            gil->holder_at = (uint32_t)i;
    }
}

size_t gs_sampled_gils_infer(struct gs_sampled_gil *gils, const struct gs_thread_sample *threads, size_t thread_count)
{
    size_t count = 0;
    for (size_t i = 0; i < thread_count; i++) {
        uint8_t lock = threads[i].lock;
        if (lock == GS_GIL_LEFT_OUT)
            continue;
        for (; count <= lock; count++)
            gils[count] = (struct gs_sampled_gil){.state = GS_GIL_DISABLED, .last = GS_NO_THREAD};
        if (threads[i].gil != GS_NONE && gils[lock].state == GS_GIL_DISABLED)
            gils[lock].state = GS_GIL_FREE;
        if (threads[i].gil == GS_UNKNOWN && gils[lock].state == GS_GIL_FREE)
            gils[lock].state = GS_GIL_UNKNOWN;
    }
    gs_sampled_gils_count(gils, count, threads, thread_count);
    for (size_t i = 0; i < count; i++) {
        if (gils[i].holder_at != GS_NO_THREAD)
            gils[i].state = GS_GIL_HELD;
    }
    return count;
}

const struct gs_thread_sample *gs_sample_blocker(const struct gs_sample *sample, const struct gs_thread_sample *waiter)
{
    if (!waiter->at_lock)
        return gs_sample_holder(sample, waiter->lock);
    return waiter->owner_at - 1 < sample->thread_count ? &sample->threads[waiter->owner_at - 1] : NULL;
}
