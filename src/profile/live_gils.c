/* Who has the GIL, for how long, and how many wait: from samples, and from looks at the GIL between them. A hold is
 * seen where the GIL counts how often it changed hands; else nobody knows whether it was let go meanwhile. */
#include <string.h>

#include "base/least.h"
#include "base/room.h"
#include "base/cut.h"
#include "profile/live_gils.h"

enum { HOLD_LEAST_US = 1000 /* what is shorter is not listed */ };

static uint64_t worth_of_hold(const void *entry, const void *context)
{
    (void)context;
    return ((const struct gs_live_hold_sum *)entry)->longest_us;
}

static void list_hold(struct gs_live_gils *gils, const struct gs_live_process *process, const struct gs_live_lock *lock,
                      const struct gs_live_longest *one)
{
    struct gs_topk_key key = {(uint64_t)process->number << 32 | (uint32_t)one->tid,
                              (uint64_t)lock->hold.function << 32 | (uint32_t)one->place.line};
    struct gs_live_hold_sum *sum = gs_topk_get(&gils->holds, key);
    if (!sum) {
        gs_topk_halve(&gils->holds, worth_of_hold, NULL);
        sum = gs_topk_get(&gils->holds, key);
    }
    if (!sum)
        return;
    sum->process = process->number;
    sum->tid = one->tid;
    memcpy(sum->name, one->name, sizeof sum->name);
    sum->place = one->place;
    sum->times++;
    sum->total_us += one->us;
    sum->end_ns = one->end_ns;
    if (one->waiters > sum->waiters)
        sum->waiters = one->waiters;
    if (one->us > sum->longest_us) {
        sum->longest_us = one->us;
        sum->at_least = one->at_least;
    }
}

static void end_hold(struct gs_live_gils *gils, struct gs_live_process *process, struct gs_live_lock *lock,
                     const struct gs_hold_span *span)
{
    const struct gs_live_hold *hold = &lock->hold;
    struct gs_live_longest one = {
        .tid = hold->tid, .us = (span->to_ns - span->from_ns) / 1000, .end_ns = span->to_ns - span->doubt_ns};
    if (one.us < HOLD_LEAST_US || !hold->tid)
        return;
    const struct gs_live_thread *thread = gs_live_thread_with(gils->code->table, process, hold->tid);
    bool chosen = thread ? thread->chosen : gils->code->table->selection.pattern_count == 0;
    gs_cut(one.name, sizeof one.name, thread ? thread->name : "");
    one.at_least = span->at_least;
    one.waiters = hold->waiters;
    one.place = hold->place;
    if (chosen)
        list_hold(gils, process, lock, &one);
    if (one.us > lock->longest.us)
        lock->longest = one;
}

static bool reserve(struct gs_live_process *process, size_t count)
{
    count = gs_least(count, GS_GILS_MOST);
    if (count <= process->lock_count)
        return true;
    if (!gs_room((void **)&process->locks, &process->lock_room, count, sizeof *process->locks))
        return false;
    while (process->lock_count < count)
        process->locks[process->lock_count++] = (struct gs_live_lock){.holder = GS_LIVE_NOBODY};
    return true;
}

static void look_at(struct gs_live_gils *gils, struct gs_live_process *process, struct gs_live_lock *lock,
                    const struct gs_gil_look *look, bool lost)
{
    struct gs_gil_step step;
    gs_gil_track_step(&lock->track, look, &gils->rule, lost, &lock->sum, &step);
    if (step.ended)
        end_hold(gils, process, lock, &step.hold);
    if (!step.goes_on)
        lock->hold = (struct gs_live_hold){.tid = look->hold.held && look->hold.counted ? (pid_t)look->hold.holder : 0};
}

void gs_live_gil_look(struct gs_live_gils *gils, struct gs_live_process *process, const struct gs_gil *list,
                      size_t count, uint64_t time_ns)
{
    if (!reserve(process, count))
        return; /* the next sample tells that there is no memory */
    for (size_t i = 0; i < count && i < process->lock_count; i++) {
        struct gs_live_lock *lock = &process->locks[i];
        struct gs_gil_look look = {.hold = {.ns = time_ns,
                                            .holder = (uint64_t)list[i].holder,
                                            .switches = list[i].switches,
                                            .held = list[i].state == GS_GIL_HELD,
                                            .counted = list[i].has_switches}};
        bool moved, lost = gs_gil_track_lost(&lock->track, &look.hold, &gils->rule, &moved);
        look_at(gils, process, lock, &look, lost);
    }
}

/* The sample shows where the holder is; most of them stay there. */
static void locate_hold(struct gs_live_gils *gils, struct gs_live_lock *lock, const struct gs_sample *sample)
{
    const struct gs_live_thread *holder =
        lock->holder == GS_LIVE_NOBODY ? NULL : gs_live_thread_of(gils->code->table, lock->holder);
    struct gs_live_hold *hold = &lock->hold;
    if (!hold->tid || !holder || holder->tid != hold->tid || sample->time_ns < lock->track.follow.begin_ns)
        return;
    hold->function = gs_live_place_of(gils->code, holder->stack, &hold->place);
    if (lock->waiters > hold->waiters)
        hold->waiters = (uint32_t)lock->waiters;
}

static void take_gil(struct gs_live_gils *gils, struct gs_live_process *process, struct gs_live_lock *lock,
                     const struct gs_sample *sample, bool lost)
{
    size_t number = (size_t)(lock - process->locks);
    const struct gs_thread_sample *holder = gs_sample_holder(sample, number);
    const struct gs_live_thread *known = holder ? gs_live_thread_of(gils->code->table, holder->thread) : NULL;
    struct gs_gil_look look = gs_gil_look(&sample->gils[number], known ? (uint64_t)known->tid : 0, sample->time_ns);
    look_at(gils, process, lock, &look, lost);
    lock->seen = true;
    lock->waiters = look.waiters;
    lock->holder = holder ? holder->thread : GS_LIVE_NOBODY;
    locate_hold(gils, lock, sample);
    lock->met = (struct gs_live_met){.state = sample->gils[number].state,
                                     .hold = lock->hold,
                                     .begin_ns = lock->track.follow.begin_ns,
                                     .last_ns = lock->track.follow.last.ns,
                                     .at_least = lock->track.follow.at_least};
}

bool gs_live_gil_sample(struct gs_live_gils *gils, struct gs_live_process *process, const struct gs_sample *sample)
{
    bool lost = false, moved;
    if (!reserve(process, sample->gil_count))
        return false;
    for (size_t i = 0; i < process->lock_count; i++) {
        process->locks[i].holder = GS_LIVE_NOBODY;
        process->locks[i].waiters = 0;
    }
    size_t count = gs_least(sample->gil_count, process->lock_count);
    for (size_t i = 0; i < count; i++) {
        struct gs_gil_look look = gs_gil_look(&sample->gils[i], 0, sample->time_ns);
        lost |= gs_gil_track_lost(&process->locks[i].track, &look.hold, &gils->rule, &moved);
    }
    for (size_t i = 0; i < count; i++)
        take_gil(gils, process, &process->locks[i], sample, lost);
    return true;
}

static void push(float list[GS_PICTURE_SECONDS], float value)
{
    memmove(list, list + 1, (GS_PICTURE_SECONDS - 1) * sizeof *list);
    list[GS_PICTURE_SECONDS - 1] = value;
}

static float mean_since(uint64_t part_ns, uint64_t old_part_ns, uint64_t all_ns, uint64_t old_all_ns)
{
    return all_ns > old_all_ns ? (float)((double)(part_ns - old_part_ns) / (double)(all_ns - old_all_ns)) : 0;
}

static void end_second(struct gs_live_lock *lock, uint64_t seconds)
{
    const struct gs_gil_sum *now = &lock->sum, *old = &lock->second;
    float held = mean_since(now->held_ns, old->held_ns, now->watched_ns, old->watched_ns);
    float waiting = mean_since(now->waiters_ns, old->waiters_ns, now->asked_ns, old->asked_ns);
    for (uint64_t k = 0; k < seconds && k < GS_PICTURE_SECONDS; k++) {
        push(lock->held_s, k == 0 ? held : 0);
        push(lock->waiting_s, k == 0 ? waiting : 0);
        lock->seconds += lock->seconds < GS_PICTURE_SECONDS;
    }
}

void gs_live_gil_second(struct gs_live_process *process, uint64_t seconds, double factor)
{
    for (size_t i = 0; i < process->lock_count; i++) {
        struct gs_live_lock *lock = &process->locks[i];
        if (lock->seen)
            end_second(lock, seconds);
        if (factor < 1)
            gs_gil_sum_decay(&lock->sum, factor);
        lock->second = lock->sum;
    }
}

void gs_live_gil_reset(struct gs_live_process *process)
{
    for (size_t i = 0; i < process->lock_count; i++) {
        struct gs_live_lock *lock = &process->locks[i];
        lock->sum = lock->second = (struct gs_gil_sum){0};
        lock->longest = (struct gs_live_longest){0};
        lock->track.follow.at_least = true;
    }
}
