/* Who makes whom wait: each waiter's time, charged to the holder and the line where it is. */
#include <string.h>

#include "profile/live_blame.h"

static uint64_t worth_of_blame(const void *entry, const void *context)
{
    (void)context;
    return ((const struct gs_live_blame *)entry)->ns + 1;
}

static struct gs_live_blame *blame_of(struct gs_topk *blames, struct gs_topk_key key)
{
    struct gs_live_blame *blame = gs_topk_get(blames, key);
    if (!blame) {
        gs_topk_halve(blames, worth_of_blame, NULL);
        blame = gs_topk_get(blames, key);
    }
    return blame;
}

/* The holder of a GIL in a sample, and where it is; looked up once for all that wait. */
struct holder {
    struct gs_live_thread *thread; /* NULL: not known */
    uint32_t function;
    struct gs_live_place place;
    uint64_t waiters;
};

static void charge(struct gs_topk *blames, const struct gs_live_process *process, struct gs_live_thread *waiter,
                   const struct holder *holder, const struct gs_sample *sample)
{
    uint32_t number = holder->thread ? holder->thread->number : GS_LIVE_NOBODY;
    struct gs_topk_key key = {(uint64_t)waiter->number << 32 | number,
                              (uint64_t)holder->function << 32 | (uint32_t)holder->place.line};
    struct gs_live_blame *blame = blame_of(blames, key);
    if (!blame)
        return;
    if (!blame->times || blame->round + 1 != process->samples)
        blame->times++;
    if (!blame->ns) {
        blame->process = process->number;
        blame->waiter_tid = waiter->tid;
        blame->holder_tid = holder->thread ? holder->thread->tid : 0;
        blame->place = holder->place;
    }
    memcpy(blame->waiter, waiter->name, sizeof blame->waiter);
    memcpy(blame->holder, holder->thread ? holder->thread->name : "", holder->thread ? sizeof blame->holder : 1);
    blame->ns += sample->weight_ns;
    blame->round = process->samples;
    blame->last_ns = sample->time_ns;
}

void gs_live_blame_sample(struct gs_topk *blames, struct gs_live_code *code, struct gs_live_process *process,
                          const struct gs_sample *sample)
{
    struct holder holders[GS_GILS_MOST];
    bool any = false;
    for (size_t i = 0; i < process->lock_count; i++)
        any = any || process->locks[i].waiters > 0;
    if (!any)
        return;
    memset(holders, 0, process->lock_count * sizeof *holders);
    for (size_t i = 0; i < process->lock_count; i++) {
        struct holder *holder = &holders[i];
        uint32_t number = process->locks[i].holder;
        holder->thread = number == GS_LIVE_NOBODY ? NULL : gs_live_thread_of(code->table, number);
        if (holder->thread)
            holder->function = gs_live_place_of(code, holder->thread->stack, &holder->place);
    }
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *waiting = &sample->threads[i];
        if (waiting->gil != GS_WAITS || waiting->lock >= process->lock_count)
            continue;
        struct gs_live_thread *waiter = gs_live_thread_in(code->table, process, i, waiting->thread);
        struct holder *holder = &holders[waiting->lock];
        if (waiter && (waiter->chosen || (holder->thread && holder->thread->chosen)))
            charge(blames, process, waiter, holder, sample);
        holder->waiters += waiter && waiter->chosen;
    }
    for (size_t i = 0; i < process->lock_count; i++) {
        const struct holder *holder = &holders[i];
        uint64_t ns[GS_MODE_LIVE] = {[GS_MODE_BLAME] = holder->waiters * sample->weight_ns};
        if (holder->thread && holder->thread->stack && holder->waiters > 0)
            gs_live_code_add(code, holder->thread, ns);
    }
}
