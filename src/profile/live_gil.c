/* Who has the GIL, for how long, and how many wait: from samples, and from looks at the GIL between them. A hold is
 * seen where the GIL counts how often it changed hands; else nobody knows whether it was let go meanwhile. */
#include <string.h>

#include "profile/live_parts.h"

enum {
    HOLD_LEAST_US = 1000,   /* what is shorter is not listed */
    LOOK_GAP_NS = 100000000 /* what happened in so long a time without a look is not charged to anybody */
};

static void add_mean(struct gs_live_mean *mean, double share, uint64_t ns)
{
    mean->sum += share * (double)ns;
    mean->ns += (double)ns;
}

static uint64_t worth_of_hold(const void *entry, const void *context)
{
    (void)context;
    return ((const struct gs_live_hold_sum *)entry)->longest_us;
}

static void list_hold(struct gs_live *live, const struct gs_live_process *process, const struct gs_live_lock *lock,
                      const struct gs_live_longest *one)
{
    struct gs_ledger_key key = {(uint64_t)process->number << 32 | (uint32_t)one->tid,
                                (uint64_t)lock->hold.function << 32 | (uint32_t)one->place.line};
    struct gs_live_hold_sum *sum = gs_ledger_get(&live->holds, key);
    if (!sum) {
        gs_ledger_halve(&live->holds, worth_of_hold, NULL);
        sum = gs_ledger_get(&live->holds, key);
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

static const struct gs_live_thread *thread_with(const struct gs_live *live, const struct gs_live_process *process,
                                                pid_t tid)
{
    for (size_t i = 0; i < live->thread_count; i++) {
        if (live->threads[i]->tid == tid && live->threads[i]->process == process->number)
            return live->threads[i];
    }
    return NULL;
}

static void end_hold(struct gs_live *live, struct gs_live_process *process, struct gs_live_lock *lock,
                     const struct gs_hold_span *span)
{
    const struct gs_live_hold *hold = &lock->hold;
    struct gs_live_longest one = {
        .tid = hold->tid, .us = (span->to_ns - span->from_ns) / 1000, .end_ns = span->to_ns - span->doubt_ns};
    if (one.us < HOLD_LEAST_US || !hold->tid)
        return;
    const struct gs_live_thread *thread = thread_with(live, process, hold->tid);
    bool chosen = thread ? thread->chosen : live->selection.pattern_count == 0;
    gs_live_copy(one.name, sizeof one.name, thread ? thread->name : "");
    one.at_least = span->at_least;
    one.waiters = hold->waiters;
    one.place = hold->place;
    if (chosen)
        list_hold(live, process, lock, &one);
    if (one.us > lock->longest.us)
        lock->longest = one;
}

static void note_switches(struct gs_live_lock *lock, const struct gs_gil *gil, uint64_t time_ns)
{
    if (!gil->has_switches)
        return;
    if (lock->has_switches && gil->switches >= lock->last_switches) {
        lock->switches.sum += (double)(gil->switches - lock->last_switches) * 1e9;
        lock->switches.ns += (double)time_ns;
    }
    lock->has_switches = true;
    lock->last_switches = gil->switches;
}

/* first_ns: the time that the first look stands for; 0: none. */
static void look_at(struct gs_live *live, struct gs_live_process *process, struct gs_live_lock *lock,
                    const struct gs_gil *gil, uint64_t now_ns, uint64_t first_ns)
{
    bool held = gil->state == GS_GIL_HELD, first = !lock->looked;
    uint64_t before_ns = lock->look_ns, time_ns = now_ns < before_ns ? 0 : now_ns - before_ns;
    if (first || time_ns > LOOK_GAP_NS)
        time_ns = first ? first_ns : 0;
    lock->looked = true;
    lock->look_ns = now_ns;
    lock->state = gil->state;
    note_switches(lock, gil, time_ns);
    add_mean(&lock->held, held, time_ns);
    add_mean(&lock->held_now, held, time_ns);
    struct gs_hold_look look = {.ns = now_ns,
                                .holder = (uint64_t)gil->holder,
                                .switches = gil->switches,
                                .held = held,
                                .counted = gil->has_switches};
    struct gs_hold_span ended;
    bool same = gs_hold_same(&lock->follow, &look);
    if (gs_hold_step(&lock->follow, &look, &live->rule, &ended))
        end_hold(live, process, lock, &ended);
    if (!same)
        lock->hold = (struct gs_live_hold){.tid = held && gil->has_switches ? gil->holder : 0};
}

void gs_live_look(struct gs_live *live, pid_t pid, const struct gs_gil *gils, size_t count, uint64_t time_ns)
{
    struct gs_live_process *process = gs_live_process_at(live, pid);
    for (size_t i = 0; process && i < count && i < GS_LIVE_LOCKS; i++)
        look_at(live, process, &process->locks[i], &gils[i], time_ns, 0);
}

uint64_t gs_live_looked_ns(const struct gs_live *live, uint64_t *seen)
{
    uint64_t last_ns = 0;
    *seen = 0;
    for (size_t i = 0; i < live->process_count; i++) {
        for (size_t k = 0; k < GS_LIVE_LOCKS; k++) {
            const struct gs_live_lock *lock = &live->processes[i].locks[k];
            if (!lock->looked)
                break;
            last_ns = lock->look_ns > last_ns ? lock->look_ns : last_ns;
            *seen += lock->last_switches + (lock->state == GS_GIL_HELD);
        }
    }
    return last_ns;
}

/* The sample shows where the holder is; most of them stay there. */
static void locate_hold(struct gs_live *live, struct gs_live_lock *lock, const struct gs_sample *sample)
{
    const struct gs_live_thread *holder = lock->holder == GS_LIVE_NOBODY ? NULL : gs_live_thread_of(live, lock->holder);
    struct gs_live_hold *hold = &lock->hold;
    if (!hold->tid || !holder || holder->tid != hold->tid || sample->time_ns < lock->follow.begin_ns)
        return;
    hold->function = gs_live_place_of(live, holder->stack, &hold->place);
    if (lock->waiters > hold->waiters)
        hold->waiters = (uint32_t)lock->waiters;
}

static void take_gil(struct gs_live *live, struct gs_live_process *process, struct gs_live_lock *lock,
                     const struct gs_sampled_gil *gil, const struct gs_sample *sample)
{
    const struct gs_thread_sample *holder = gs_sample_holder(sample, (size_t)(gil - sample->gils));
    const struct gs_live_thread *known = holder ? gs_live_thread_of(live, holder->thread) : NULL;
    struct gs_gil now = {
        .state = gil->state, .holder = known ? known->tid : 0, .has_switches = gil->counted, .switches = gil->switches};
    look_at(live, process, lock, &now, sample->time_ns, sample->weight_ns);
    lock->seen = true;
    lock->waiters = gil->waiters;
    lock->holder = holder ? holder->thread : GS_LIVE_NOBODY;
    add_mean(&lock->waiting, (double)lock->waiters, sample->weight_ns);
    add_mean(&lock->waiting_now, (double)lock->waiters, sample->weight_ns);
    locate_hold(live, lock, sample);
}

void gs_live_gil_sample(struct gs_live *live, struct gs_live_process *process, const struct gs_sample *sample)
{
    for (size_t i = 0; i < GS_LIVE_LOCKS; i++) {
        process->locks[i].holder = GS_LIVE_NOBODY;
        process->locks[i].waiters = 0;
    }
    for (size_t i = 0; i < sample->gil_count && i < GS_LIVE_LOCKS; i++)
        take_gil(live, process, &process->locks[i], &sample->gils[i], sample);
}

static float mean_of(struct gs_live_mean *mean)
{
    float value = mean->ns > 0 ? (float)(mean->sum / mean->ns) : 0;
    *mean = (struct gs_live_mean){0};
    return value;
}

static void push(float list[GS_PICTURE_SECONDS], float value)
{
    memmove(list, list + 1, (GS_PICTURE_SECONDS - 1) * sizeof *list);
    list[GS_PICTURE_SECONDS - 1] = value;
}

void gs_live_gil_second(struct gs_live_process *process, uint64_t seconds)
{
    if (seconds > GS_PICTURE_SECONDS)
        seconds = GS_PICTURE_SECONDS;
    for (size_t i = 0; i < GS_LIVE_LOCKS; i++) {
        struct gs_live_lock *lock = &process->locks[i];
        if (!lock->seen)
            continue;
        for (uint64_t k = 0; k < seconds; k++) {
            push(lock->held_s, mean_of(&lock->held_now));
            push(lock->waiting_s, mean_of(&lock->waiting_now));
            if (lock->seconds < GS_PICTURE_SECONDS)
                lock->seconds++;
        }
    }
}

void gs_live_gil_decay(struct gs_live_process *process, double factor)
{
    for (size_t i = 0; i < GS_LIVE_LOCKS; i++) {
        struct gs_live_mean *means[] = {&process->locks[i].held, &process->locks[i].waiting,
                                        &process->locks[i].switches};
        for (size_t k = 0; k < sizeof means / sizeof *means; k++) {
            means[k]->sum *= factor;
            means[k]->ns *= factor;
        }
    }
}

void gs_live_gil_reset(struct gs_live_lock *lock)
{
    lock->held = lock->waiting = lock->switches = (struct gs_live_mean){0};
    lock->longest = (struct gs_live_longest){0};
    lock->follow.at_least = true;
}
