/* A callback that runs at two looks is the same when the loop took none from its queue in between. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "gil/hold_place.h"
#include "gil/loops.h"

enum {
    UNSEEN_NS =
        20000000 /* in so long a gap the loop may have waited for something to do: then only a callback's stack tells */
};

static const double COUNTED = 0.5; /* of the time, for figures of callbacks */

void gs_loops_fini(struct gs_loops *loops)
{
    free(loops->list);
}

static struct gs_loop_account *find(struct gs_loops *loops, uint64_t loop, uint32_t thread)
{
    for (size_t i = 0; i < loops->count; i++) {
        if (loops->list[i].loop == loop && loops->list[i].thread == thread)
            return &loops->list[i];
    }
    if (!gs_room((void **)&loops->list, &loops->room, loops->count + 1, sizeof *loops->list))
        return NULL;
    struct gs_loop_account *account = &loops->list[loops->count++];
    *account = (struct gs_loop_account){.loop = loop, .thread = thread};
    return account;
}

static bool is_in(const struct gs_place *place, const char *file)
{
    size_t len = strlen(place->file), end = strlen(file);
    return len >= end && strcmp(place->file + len - end, file) == 0;
}

/* It came back from the kernel, and waits for a processor or the GIL: that is no callback. Lib/selectors.py, all
 * versions, and trio's own; a stack without frames tells nothing. */
static bool is_selector(const struct gs_place *place)
{
    return is_in(place, "selectors.py") || is_in(place, "trio/_core/_io_epoll.py");
}

/* It is in a callback, not in the loop's own code (Lib/asyncio/base_events.py, all versions; trio 0.22 to 0.35). */
static bool is_callback(const struct gs_place *place)
{
    return place && !is_selector(place) && !is_in(place, "asyncio/base_events.py") &&
           !is_in(place, "trio/_core/_run.py");
}

static void step(struct gs_loop_account *account, const struct gs_sample *sample, const struct gs_loop_sample *now,
                 uint64_t gap_ns)
{
    struct gs_hold_call call;
    uint32_t stack = sample->threads[now->thread_at].stack;
    const struct gs_place *place = stack ? gs_hold_place(sample->stacks, stack, &call) : NULL;
    bool selects = place && is_selector(place);
    bool goes_on = account->any && account->counted && now->counted && account->callback == now->callback &&
                   account->clock_ms == now->clock_ms && account->ran && !now->polls && !selects && gap_ns > 0 &&
                   (gap_ns < UNSEEN_NS || is_callback(place));
    if (account->any) {
        account->ns += gap_ns;
        account->busy_ns += (account->ran ? gap_ns / 2 : 0) + (now->polls ? 0 : gap_ns - gap_ns / 2);
    }
    if (account->any && gap_ns > 0 && account->counted && now->counted) {
        account->counted_ns += gap_ns;
        account->ready_ns += (double)now->ready * (double)gap_ns;
        account->callbacks += now->callback - account->callback;
    }
    if (!goes_on) {
        account->began_ns = sample->time_ns;
        account->place = (struct gs_gilstat_place){.line = 0};
    }
    if (place && !selects)
        gs_gilstat_keep_place(&account->place, place);
    if (goes_on && sample->time_ns - account->began_ns > account->longest_ns) {
        account->longest_ns = sample->time_ns - account->began_ns;
        account->longest_place = account->place;
    }
    account->kind = now->kind;
    account->callback = now->callback;
    account->clock_ms = now->clock_ms;
    account->counted = now->counted;
    account->ran = !now->polls;
    account->tasks = now->tasks;
    account->any = true;
}

enum gs_status gs_loops_add(struct gs_loops *loops, const struct gs_sample *sample, size_t loop, pid_t tid,
                            uint64_t gap_ns)
{
    const struct gs_loop_sample *now = &sample->loops[loop];
    struct gs_loop_account *account = find(loops, now->loop, sample->threads[now->thread_at].thread);
    if (!account)
        return GS_NO_MEMORY;
    account->tid = tid;
    step(account, sample, now, gap_ns);
    return GS_OK;
}

enum gs_status gs_loops_finish(const struct gs_loops *loops, struct gs_gilstat *stat)
{
    stat->loops = calloc(loops->count + 1, sizeof *stat->loops);
    if (!stat->loops)
        return GS_NO_MEMORY;
    for (size_t i = 0; i < loops->count; i++) {
        const struct gs_loop_account *account = &loops->list[i];
        if (account->ns == 0)
            continue;
        struct gs_gilstat_loop *loop = &stat->loops[stat->loop_count++];
        *loop = (struct gs_gilstat_loop){.kind = account->kind,
                                         .tid = account->tid,
                                         .busy = (double)account->busy_ns / (double)account->ns,
                                         .tasks = account->tasks,
                                         .longest = account->longest_place};
        if ((double)account->counted_ns < COUNTED * (double)account->ns)
            continue;
        loop->callbacks_per_second = gs_figure((double)account->callbacks * 1e9 / (double)account->counted_ns);
        loop->ready = gs_figure(account->ready_ns / (double)account->counted_ns);
        loop->longest_us = gs_count(account->longest_ns / 1000);
    }
    return GS_OK;
}

void gs_loops_next(struct gs_loops *loops)
{
    size_t kept = 0;
    for (size_t i = 0; i < loops->count; i++) {
        struct gs_loop_account *account = &loops->list[i];
        if (account->ns == 0)
            continue; /* it was not seen any more */
        account->ns = account->counted_ns = account->busy_ns = account->longest_ns = account->callbacks = 0;
        account->ready_ns = 0;
        loops->list[kept++] = *account;
    }
    loops->count = kept;
}
