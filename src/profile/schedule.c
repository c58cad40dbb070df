/* Each thread is in one state since its last event. */
#include <stdlib.h>

#include "base/ids.h"
#include "base/room.h"
#include "profile/schedule.h"

struct thread {
    struct gs_run_span now; /* begin_ns 0: not known */
    char letter;            /* of the state in which it is about to leave the processor */
};

struct gs_schedule {
    void (*span)(void *context, const struct gs_run_span *span);
    void *context;
    struct thread *threads;
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
    free(schedule->threads);
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

/* Only events that tell of a processor make a thread known: whoever is woken may be another process's. */
static enum gs_status find(struct gs_schedule *schedule, const struct gs_event *event, struct thread **thread)
{
    uint32_t index = gs_ids_find(&schedule->by_tid, (uint32_t)event->tid);
    bool known = event->act == GS_ACT_ON || event->act == GS_ACT_PREEMPT || event->act == GS_ACT_OFF;
    *thread = index == GS_IDS_NONE ? NULL : &schedule->threads[index];
    if (*thread || !known)
        return GS_OK;
    index = (uint32_t)schedule->count;
    if (!gs_room((void **)&schedule->threads, &schedule->room, schedule->count + 1, sizeof *schedule->threads) ||
        !gs_ids_set(&schedule->by_tid, (uint32_t)event->tid, index))
        return GS_NO_MEMORY;
    *thread = &schedule->threads[schedule->count++];
    **thread = (struct thread){.now.tid = event->tid};
    return GS_OK;
}

static void change(struct gs_schedule *schedule, struct thread *thread, const struct gs_event *event,
                   enum gs_run_state state)
{
    struct gs_run_span *now = &thread->now;
    if (now->begin_ns && now->state == state)
        return; /* told twice, by two watches */
    end(schedule, now, event->time_ns);
    *now = (struct gs_run_span){.tid = event->tid, .state = state, .cpu = event->cpu, .begin_ns = event->time_ns};
}

static bool is_off(const struct gs_run_span *now)
{
    return now->begin_ns && (now->state == GS_OFF_CPU || now->state == GS_BLOCKED);
}

static void leave(struct gs_schedule *schedule, struct thread *thread, const struct gs_event *event)
{
    if (is_off(&thread->now))
        return; /* told twice */
    change(schedule, thread, event, thread->letter == 'D' ? GS_BLOCKED : GS_OFF_CPU);
    thread->now.letter = thread->letter;
    thread->letter = 0;
}

/* One that is on its way to sleep may be woken before it is off the processor: then it stays. */
static void wake(struct gs_schedule *schedule, struct thread *thread, const struct gs_event *event)
{
    struct gs_run_span *now = &thread->now;
    if (!is_off(now))
        return;
    change(schedule, thread, event, GS_WOKEN);
    now->letter = 'R';
    now->waker = event->other;
    now->ours = event->other && gs_ids_find(&schedule->by_tid, (uint32_t)event->other) != GS_IDS_NONE;
}

enum gs_status gs_schedule_event(struct gs_schedule *schedule, const struct gs_event *event)
{
    struct thread *thread;
    enum gs_status status = find(schedule, event, &thread);
    if (!thread)
        return status;
    switch (event->act) {
    case GS_ACT_ON:
        change(schedule, thread, event, GS_ON_CPU);
        break;
    case GS_ACT_PREEMPT:
        change(schedule, thread, event, GS_PREEMPTED);
        break;
    case GS_ACT_STATE:
        thread->letter = (char)event->what;
        break;
    case GS_ACT_OFF:
        leave(schedule, thread, event);
        break;
    case GS_ACT_WAKE:
        wake(schedule, thread, event);
        break;
    case GS_ACT_ENDED:
        end(schedule, &thread->now, event->time_ns);
        break;
    default:
        break;
    }
    return GS_OK;
}

void gs_schedule_cut(struct gs_schedule *schedule, uint64_t ns)
{
    for (size_t i = 0; i < schedule->count; i++)
        end(schedule, &schedule->threads[i].now, ns);
    schedule->count = 0;
    gs_ids_clear(&schedule->by_tid);
}
