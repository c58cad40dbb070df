/* Each thread is in one state since its last event. */
#include <stdlib.h>

#include "base/ids.h"
#include "base/room.h"
#include "profile/schedule.h"

struct gs_schedule {
    void (*span)(void *context, const struct gs_run_span *span);
    void *context;
    struct gs_run_span *now; /* begin_ns 0: not known */
    size_t count, room;
    struct gs_ids by_tid;
};

struct gs_schedule *gs_schedule_new(void (*span)(void *context, const struct gs_run_span *span), void *context)
{
    struct gs_schedule *schedule = calloc(1, sizeof *schedule);
    if (schedule) {
        schedule->span = span;
        schedule->context = context;
    }
    return schedule;
}

void gs_schedule_free(struct gs_schedule *schedule)
{
    if (!schedule)
        return;
    gs_ids_fini(&schedule->by_tid);
    free(schedule->now);
    free(schedule);
}

static void end(struct gs_schedule *schedule, struct gs_run_span *now, uint64_t ns)
{
    if (now->begin_ns && ns > now->begin_ns) {
        now->end_ns = ns;
        schedule->span(schedule->context, now);
    }
    now->begin_ns = 0;
}

enum gs_status gs_schedule_event(struct gs_schedule *schedule, const struct gs_event *event)
{
    static const enum gs_run_state states[] = {
        [GS_ACT_ON] = GS_ON_CPU, [GS_ACT_PREEMPT] = GS_PREEMPTED, [GS_ACT_OFF] = GS_OFF_CPU};
    bool known = event->act == GS_ACT_ON || event->act == GS_ACT_PREEMPT || event->act == GS_ACT_OFF;
    uint32_t index = gs_ids_find(&schedule->by_tid, (uint32_t)event->tid);
    if (!known && (event->act != GS_ACT_ENDED || index == GS_IDS_NONE))
        return GS_OK;
    if (index == GS_IDS_NONE) {
        index = (uint32_t)schedule->count;
        if (!gs_room((void **)&schedule->now, &schedule->room, schedule->count + 1, sizeof *schedule->now) ||
            !gs_ids_set(&schedule->by_tid, (uint32_t)event->tid, index))
            return GS_NO_MEMORY;
        schedule->now[schedule->count++] = (struct gs_run_span){.tid = event->tid};
    }
    struct gs_run_span *now = &schedule->now[index];
    end(schedule, now, event->time_ns);
    if (known) {
        now->state = states[event->act];
        now->cpu = event->cpu;
        now->begin_ns = event->time_ns;
    }
    return GS_OK;
}

void gs_schedule_cut(struct gs_schedule *schedule, uint64_t ns)
{
    for (size_t i = 0; i < schedule->count; i++)
        end(schedule, &schedule->now[i], ns);
    schedule->count = 0;
    gs_ids_clear(&schedule->by_tid);
}
