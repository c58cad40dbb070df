/* Polls of one process, taken in one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/least.h"
#include "base/room.h"
#include "profile/gilpolls_parts.h"
#include "target/procfs.h"

enum {
    RAN_NS = 1000000000, /* how often times on processors are read, for those that end */
    LOST_NS = 50000000   /* what two polls say of the time between them is too little if it is longer */
};

struct gs_gilpolls *gs_gilpolls_new(const struct gs_sampled_process *process, double rate_hz, uint64_t long_us,
                                    bool recorded)
{
    struct gs_gilpolls *polls = calloc(1, sizeof *polls);
    if (!polls)
        return NULL;
    polls->pid = process->pid;
    snprintf(polls->python, sizeof polls->python, "%s", process->python);
    polls->recorded = recorded;
    polls->rate_hz = rate_hz;
    polls->long_ns = long_us * 1000;
    polls->sum = gs_gilsum_new();
    if (!polls->sum) {
        free(polls);
        return NULL;
    }
    return polls;
}

void gs_gilpolls_free(struct gs_gilpolls *polls)
{
    if (!polls)
        return;
    for (size_t i = 0; i < polls->count; i++)
        free(polls->list[i].name);
    free(polls->list);
    free(polls->at);
    gs_gilsum_free(polls->sum);
    free(polls);
}

uint32_t gs_gilpolls_find(const struct gs_gilpolls *polls, uint32_t number)
{
    size_t low = 0, high = polls->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (polls->list[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < polls->count && polls->list[low].number == number ? (uint32_t)low : GS_NOBODY;
}

enum gs_status gs_gilpolls_thread(struct gs_gilpolls *polls, uint32_t number, const struct gs_sampled_thread *thread)
{
    uint32_t at = gs_gilpolls_find(polls, number);
    char *name = strdup(thread->name);
    if (!name)
        return GS_NO_MEMORY;
    if (at != GS_NOBODY) {
        struct gs_polled *polled = &polls->list[at];
        free(polled->name);
        polled->name = name;
        if (polled->sum != GS_NOBODY)
            gs_gilsum_rename(polls->sum, polled->sum, name);
        return GS_OK;
    }
    if ((polls->count > 0 && polls->list[polls->count - 1].number > number) ||
        !gs_room((void **)&polls->list, &polls->room, polls->count + 1, sizeof *polls->list)) {
        free(name);
        return GS_NO_MEMORY;
    }
    polls->list[polls->count++] = (struct gs_polled){
        .number = number, .sum = GS_NOBODY, .tid = thread->tid, .name = name, .main = thread->main, .word = GS_UNKNOWN};
    return GS_OK;
}

void gs_gilpolls_forget(struct gs_gilpolls *polls)
{
    for (size_t i = 0; i < polls->gil_count; i++)
        polls->gils[i].place = polls->gils[i].native = (struct gs_place){0};
}

uint64_t gs_gilpolls_count(const struct gs_gilpolls *polls)
{
    return polls->span_polls;
}

void gs_gilpolls_note_ran(struct gs_gilpolls *polls, struct gs_polled *polled, uint64_t now_ns)
{
    uint64_t ran_ns;
    if (polls->recorded || polls->over || !gs_proc_ran_ns(polls->pid, polled->tid, &ran_ns))
        return;
    if (!polled->ran_known) {
        /* One that was born since the poll before had none until then; what another had, as a program that execs or a
         * thread that only now calls Python, is not of this span. */
        polled->ran_begin_ns = ran_ns <= now_ns - polls->last_ns && polls->polls > 1 ? 0 : ran_ns;
        polled->ran_from_ns = now_ns;
    }
    polled->ran_known = true;
    polled->ran_ns = ran_ns;
    polled->ran_at_ns = now_ns;
}

void gs_gilpolls_over(struct gs_gilpolls *polls, pid_t pid)
{
    polls->over = polls->over || polls->pid == pid;
}

/* ---- one poll ---- */

/* Finds the threads of the sample in the list, and who holds and how many wait. */
static enum gs_status arrange(struct gs_gilpolls *polls, const struct gs_sample *sample,
                              uint32_t holders[GS_GILSUM_GILS])
{
    if (!gs_room((void **)&polls->at, &polls->at_room, sample->thread_count + 1, sizeof *polls->at))
        return GS_NO_MEMORY;
    for (size_t i = 0; i < polls->gil_count; i++) {
        polls->gils[i].were_waiting = polls->gils[i].waiters;
        polls->gils[i].waiters = sample->gils[i].waiters;
    }
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *thread = &sample->threads[i];
        uint32_t at = i < polls->count && polls->list[i].number == thread->thread
                          ? (uint32_t)i
                          : gs_gilpolls_find(polls, thread->thread);
        if (thread->lock >= polls->gil_count)
            at = GS_NOBODY; /* of one of very many interpreters */
        polls->at[i] = at;
        if (at == GS_NOBODY)
            continue;
        struct gs_polled *polled = &polls->list[at];
        polled->before = polled->word;
        polled->word = thread->gil;
        polled->gil = thread->lock;
        if (polled->sum == GS_NOBODY) {
            gs_gilpolls_note_ran(polls, polled, sample->time_ns);
            polled->sum = gs_gilsum_add(polls->sum, polled->tid, polled->name, polled->main);
        }
        polled->poll = polls->polls;
        if (polled->sum != GS_NOBODY)
            gs_gilsum_at(polls->sum, polled->sum)->gil = polled->gil;
    }
    for (size_t i = 0; i < polls->gil_count; i++) {
        uint32_t holder = sample->gils[i].holder_at;
        holders[i] = holder < sample->thread_count ? polls->at[holder] : GS_NOBODY;
    }
    return GS_OK;
}

/* The wait that the thread is in, or was until now. got: it had the GIL meanwhile. */
static void step_wait(struct gs_gilpolls *polls, struct gs_polled *polled, bool got, uint64_t middle_ns)
{
    bool ends = polled->word == GS_HOLDS || polled->word == GS_WITHOUT || polled->word == GS_NONE;
    if (polled->waits_ns > 0 && (ends || (got && polled->word == GS_WAITS))) {
        gs_gilsum_wait(polls->sum, polled->sum, middle_ns > polled->waits_ns ? middle_ns - polled->waits_ns : 0);
        polled->waits_ns = 0;
    }
    if (polled->word == GS_WAITS && polled->waits_ns == 0)
        polled->waits_ns = middle_ns;
}

static void blame(struct gs_gilpolls *polls, const struct gs_polled *waiter, uint32_t holder, uint64_t ns)
{
    uint32_t at = holder == GS_NOBODY ? GS_NOBODY : gs_gilpolls_find(polls, holder);
    if (at != GS_NOBODY && polls->list[at].sum != GS_NOBODY && &polls->list[at] != waiter)
        gs_gilsum_blame(polls->sum, waiter->sum, polls->list[at].sum, ns);
}

/* Half of the gap is for what the thread did at its beginning, half for what it does now. */
static void step_thread(struct gs_gilpolls *polls, struct gs_polled *polled, uint64_t time_ns, uint64_t gap_ns)
{
    const struct gs_polled_gil *gil = &polls->gils[polled->gil];
    struct gs_gilsum_thread *sum = gs_gilsum_at(polls->sum, polled->sum);
    if (polls->from)
        sum->has_from_ns[polls->from % GS_GILSUM_PROCESSORS] += polled->word == GS_HOLDS ? gap_ns : 0;
    uint64_t half_ns = gap_ns / 2, rest_ns = gap_ns - half_ns;
    bool had = polled->any && polled->before == GS_HOLDS, has = polled->word == GS_HOLDS;
    if (polled->any && polled->before == GS_WITHOUT && polled->word == GS_WITHOUT) { /* as most do */
        gs_gilsum_spend(sum, GS_WITHOUT, gap_ns);
        return;
    }
    if (polled->any)
        gs_gilsum_spend(sum, polled->before, half_ns);
    gs_gilsum_spend(sum, polled->word, rest_ns);
    if (had != has)
        sum->error_ns2 += (double)gap_ns * (double)gap_ns / 2; /* see gilpolls.h */
    if (polled->any && polled->before == GS_WAITS && gil->was_held)
        blame(polls, polled, gil->was, half_ns);
    if (polled->word == GS_WAITS && gil->held)
        blame(polls, polled, gil->holder, rest_ns);
    step_wait(polls, polled, gil->moved > 0 && gil->last == polled->number, time_ns - half_ns);
    polled->any = true;
}

/* Threads that the sample has no more. */
static void drop_ended(struct gs_gilpolls *polls, uint64_t gap_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < polls->count; i++) {
        struct gs_polled *polled = &polls->list[i];
        if (polled->poll == polls->polls || !polled->any) {
            if (kept < i)
                polls->list[kept] = *polled;
            kept++;
            continue;
        }
        if (polled->sum != GS_NOBODY)
            gs_gilsum_spend(gs_gilsum_at(polls->sum, polled->sum), polled->word, gap_ns / 2);
        gs_gilpolls_close(polls, polled);
        if (polled->sum != GS_NOBODY)
            gs_gilsum_ended(polls->sum, polled->sum);
        free(polled->name);
    }
    polls->count = kept;
}

/* After a gap of which nothing is known everything begins anew, but for the hand-overs, which are counted. */
static void break_off(struct gs_gilpolls *polls, const struct gs_sample *sample)
{
    for (size_t i = 0; i < polls->gil_count; i++) {
        struct gs_polled_gil *gil = &polls->gils[i];
        gs_gilpolls_end_hold(polls, gil, polls->last_ns);
        uint64_t moved = gs_gilpolls_moved(gil, &sample->gils[i]);
        gil->total += moved;
        gil->unplaced += moved;
        gil->any = false;
    }
    for (size_t i = 0; i < polls->count; i++) {
        struct gs_polled *polled = &polls->list[i];
        if (polled->waits_ns > 0 && polled->sum != GS_NOBODY)
            gs_gilsum_wait(polls->sum, polled->sum, polls->last_ns - polled->waits_ns);
        polled->waits_ns = 0;
        polled->any = polled->any && polled->poll == polls->polls;
    }
}

/* The poll came so late that what was before it is not known, unless the GIL was in the same hands all the time. */
static bool lost_track(const struct gs_gilpolls *polls, const struct gs_sample *sample, uint64_t gap_ns)
{
    if (gap_ns <= LOST_NS || polls->polls == 1)
        return false;
    for (size_t i = 0; i < polls->gil_count; i++) {
        const struct gs_polled_gil *gil = &polls->gils[i];
        const struct gs_sampled_gil *now = &sample->gils[i];
        if (!gil->any || !gil->has_switches || gil->switches != now->switches ||
            gil->held != (now->state == GS_GIL_HELD))
            return true;
    }
    return false;
}

/* A gap that is longer than usual says less of what was in it, unless nothing changed hands. */
static void note_late(struct gs_gilpolls *polls, uint64_t gap_ns, const struct gs_sample *now)
{
    const double usual = 2;
    bool moved = false;
    for (size_t i = 0; i < polls->gil_count; i++) {
        const struct gs_polled_gil *gil = &polls->gils[i];
        moved |= gil->any && !(gil->has_switches && gil->switches == now->gils[i].switches &&
                               gil->held == (now->gils[i].state == GS_GIL_HELD));
    }
    if (!moved || (double)gap_ns * polls->rate_hz <= usual * 1e9)
        return;
    polls->late_ns2 += (double)gap_ns * (double)gap_ns;
}

static void step_gils(struct gs_gilpolls *polls, const struct gs_sample *sample, const uint32_t *holders,
                      uint64_t gap_ns)
{
    for (size_t i = 0; i < polls->gil_count; i++) {
        struct gs_polled_gil *gil = &polls->gils[i];
        struct gs_gilsum_gil *sum = gs_gilsum_gil_at(polls->sum, (uint32_t)i);
        sum->state = sample->gils[i].state;
        gs_gilpolls_step(polls, gil, &sample->gils[i], holders[i], sample->time_ns, gap_ns);
        if (gap_ns > 0) {
            gs_gilsum_gil(polls->sum, (uint32_t)i, gil->was_held, gil->were_waiting, gap_ns / 2);
            gs_gilsum_gil(polls->sum, (uint32_t)i, gil->held, gil->waiters, gap_ns - gap_ns / 2);
        }
    }
}

/* What a stack was read for: its innermost Python frame, and the C function that this one called. NULL: there is
 * none. */
static const struct gs_place *find_place(const struct gs_stacks *stacks, uint32_t stack, const struct gs_place **native)
{
    struct gs_native_telling telling = {.count = 0};
    const struct gs_place *told = NULL;
    for (bool cut = false; stack > 0; stack = gs_stacks_at(stacks, stack).caller) {
        const struct gs_place *place = gs_stacks_place_at(stacks, gs_stacks_at(stacks, stack).place);
        if (place->kind == GS_FRAME_PYTHON) {
            /* Where Python itself called what serves, that is what it does. */
            *native = telling.tells || !cut ? told : NULL;
            return place;
        }
        cut |= place->kind == GS_FRAME_GAP;
        if (place->kind != GS_FRAME_NATIVE)
            continue;
        size_t number = telling.count;
        gs_native_tell(&telling, place->function, place->module);
        told = telling.told == number ? place : told;
    }
    return NULL;
}

/* The stacks that were read are those of whoever has had a GIL for long. */
static void charge_long(struct gs_gilpolls *polls, const struct gs_sample *sample, const uint32_t *holders)
{
    const struct gs_place *places[GS_GILSUM_GILS] = {NULL}, *natives[GS_GILSUM_GILS] = {NULL};
    for (size_t i = 0; i < sample->thread_count; i++) {
        uint32_t stack = sample->threads[i].stack, at = polls->at[i];
        if (stack > 0 && at != GS_NOBODY && holders[polls->list[at].gil] == at)
            places[polls->list[at].gil] = find_place(sample->stacks, stack, &natives[polls->list[at].gil]);
    }
    for (size_t i = 0; i < polls->gil_count; i++)
        gs_gilpolls_charge(polls, &polls->gils[i], places[i], natives[i], sample->time_ns);
}

static void set_gils(struct gs_gilpolls *polls, const struct gs_sample *sample)
{
    size_t count = gs_least(sample->gil_count, GS_GILSUM_GILS);
    for (size_t i = count; i < polls->gil_count; i++) {
        gs_gilpolls_end_hold(polls, &polls->gils[i], polls->last_ns);
        polls->gils[i] = (struct gs_polled_gil){0};
    }
    polls->gil_count = count;
    for (size_t i = 0; i < count; i++)
        gs_gilsum_gil_at(polls->sum, (uint32_t)i)->interpreter = sample->gils[i].interpreter;
}

enum gs_status gs_gilpolls_add(struct gs_gilpolls *polls, const struct gs_sample *sample)
{
    uint32_t holders[GS_GILSUM_GILS];
    uint64_t gap_ns = polls->polls > 0 && sample->time_ns > polls->last_ns ? sample->time_ns - polls->last_ns : 0;
    set_gils(polls, sample);
    polls->polls++;
    if (lost_track(polls, sample, gap_ns)) {
        break_off(polls, sample);
        polls->missed_ns += gap_ns;
        polls->lost_ns += (double)gap_ns;
        polls->lost_ns2 += (double)gap_ns * (double)gap_ns;
        gap_ns = 0;
    }
    note_late(polls, gap_ns, sample);
    polls->stays += sample->processor && sample->processor != polls->from;
    polls->from = sample->processor;
    if (polls->from)
        polls->from_ns[polls->from % GS_GILSUM_PROCESSORS] += gap_ns;
    enum gs_status status = arrange(polls, sample, holders);
    if (status)
        return status;
    step_gils(polls, sample, holders, gap_ns);
    for (size_t i = 0; i < sample->thread_count; i++) {
        if (polls->at[i] != GS_NOBODY && polls->list[polls->at[i]].sum != GS_NOBODY)
            step_thread(polls, &polls->list[polls->at[i]], sample->time_ns, gap_ns);
    }
    charge_long(polls, sample, holders);
    drop_ended(polls, gap_ns);
    if (sample->time_ns - polls->ran_ns >= RAN_NS) {
        polls->ran_ns = sample->time_ns;
        for (size_t i = 0; i < polls->count; i++)
            gs_gilpolls_note_ran(polls, &polls->list[i], sample->time_ns);
    }
    polls->span_polls++;
    polls->span_ns += gap_ns;
    polls->last_ns = sample->time_ns;
    return GS_OK;
}
