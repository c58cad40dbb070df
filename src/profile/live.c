/* The sink of the live model: each sample is charged to its threads, its stacks, its GILs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "profile/live_parts.h"

enum { HALF_LIFE_S = 10, CELL_NS = GS_PICTURE_CELL_MS * 1000000 };

/* ---- time goes on ---- */

static void close_cell(struct gs_live_thread *thread, uint64_t number)
{
    struct gs_picture_cell *cell = &thread->cells[number % GS_PICTURE_CELLS];
    for (int i = 0; i < GS_DOING_COUNT; i++) {
        uint64_t part = ((uint64_t)thread->cell_ns[i] * GS_PICTURE_FULL + CELL_NS / 2) / CELL_NS;
        cell->part[i] = (uint8_t)(part < GS_PICTURE_FULL ? part : GS_PICTURE_FULL);
        thread->cell_ns[i] = 0;
    }
}

static void next_cell(struct gs_live *live, uint64_t cell)
{
    uint64_t from = live->cell;
    if (cell - from > GS_PICTURE_CELLS)
        from = cell - GS_PICTURE_CELLS;
    for (size_t i = 0; i < live->thread_count; i++) {
        for (uint64_t number = from; number < cell; number++)
            close_cell(live->threads[i], number);
    }
    live->cell = cell;
}

static void decay(struct gs_live *live, double factor)
{
    gs_live_time_decay(live, factor);
    for (size_t i = 0; i < live->thread_count; i++) {
        for (int doing = 0; doing < GS_DOING_COUNT; doing++)
            live->threads[i]->recent_ns[doing] *= factor;
    }
}

static void pass(struct gs_live *live, uint64_t now_ns)
{
    uint64_t second = now_ns / GS_NS_PER_S, cell = now_ns / CELL_NS;
    if (live->second == 0) {
        live->second = second;
        live->cell = cell;
        live->begin_ns = now_ns;
        for (size_t i = 0; i < live->thread_count; i++)
            live->threads[i]->first_cell = cell;
    }
    if (cell > live->cell || second > live->second)
        gs_live_settle(live);
    if (cell > live->cell)
        next_cell(live, cell);
    if (second <= live->second)
        return;
    double factor = live->recent ? exp2(-(double)(second - live->second) / HALF_LIFE_S) : 1;
    for (size_t i = 0; i < live->process_count; i++)
        gs_live_gil_second(&live->processes[i], second - live->second, factor);
    if (live->recent)
        decay(live, factor);
    live->second = second;
}

/* ---- the sink ---- */

static enum gs_status take_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    return gs_live_add_process((struct gs_live *)sink, number, process);
}

static enum gs_status take_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    return gs_live_add_thread((struct gs_live *)sink, number, thread);
}

/* Processes are sampled in turn: only the time since the one before weighs. */
static void watch(struct gs_live *live, const struct gs_sample *sample)
{
    uint64_t since = live->last_ns && sample->time_ns > live->last_ns ? sample->time_ns - live->last_ns : 0;
    if (!live->last_ns || since > sample->weight_ns)
        since = sample->weight_ns;
    live->last_ns = sample->time_ns;
    live->watched_ns += since;
    live->recent_ns += (double)since;
}

static enum gs_status take_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_live *live = (struct gs_live *)sink;
    struct gs_live_process *process = gs_live_process_of(live, sample->process);
    live->stacks = sample->stacks;
    pass(live, sample->time_ns);
    if (!process)
        return GS_OK;
    watch(live, sample);
    process->samples++;
    if (!gs_live_charge(live, process, sample) || !gs_live_gil_sample(live, process, sample))
        return GS_NO_MEMORY;
    gs_live_blame_sample(live, process, sample);
    return GS_OK;
}

static enum gs_status take_forget(struct gs_sink *sink)
{
    struct gs_live *live = (struct gs_live *)sink;
    gs_live_settle(live);
    gs_live_time_forget(live);
    for (size_t i = 0; i < live->process_count; i++)
        live->processes[i].fresh = true;
    return GS_OK;
}

static enum gs_status take_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_live *live = (struct gs_live *)sink;
    live->quality = end->quality;
    gs_live_settle(live);
    gs_live_time_forget(live);
    return GS_OK;
}

/* ---- making and resetting ---- */

struct gs_live *gs_live_new(bool recent, const struct gs_selection *selection)
{
    struct gs_live *live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    live->sink = (struct gs_sink){NULL, take_process, take_thread, take_sample, take_forget, take_end};
    live->recent = recent;
    live->rule = gs_hold_rule(0);
    live->selection = *selection;
    live->strings = gs_strings_new();
    bool enough = gs_ledger_init(&live->pending, sizeof(struct gs_live_pending), GS_LIVE_PENDING);
    enough = gs_ledger_init(&live->functions, sizeof(struct gs_live_function), GS_LIVE_FUNCTIONS) && enough;
    enough = gs_ledger_init(&live->lines, sizeof(struct gs_live_line), GS_LIVE_LINES) && enough;
    enough = gs_ledger_init(&live->holds, sizeof(struct gs_live_hold_sum), GS_LIVE_HOLDS) && enough;
    enough = gs_ledger_init(&live->blames, sizeof(struct gs_live_blame), GS_LIVE_BLAMES) && enough;
    if (enough && live->strings)
        return live;
    gs_live_free(live);
    return NULL;
}

void gs_live_free(struct gs_live *live)
{
    if (!live)
        return;
    while (live->process_count > 0)
        gs_live_process_free(live, &live->processes[live->process_count - 1]);
    free(live->processes);
    free(live->threads);
    struct gs_ledger *ledgers[] = {&live->pending, &live->functions, &live->lines, &live->holds, &live->blames};
    for (size_t i = 0; i < sizeof ledgers / sizeof *ledgers; i++)
        gs_ledger_fini(ledgers[i]);
    gs_strings_free(live->strings);
    free(live->function_of);
    free(live);
}

struct gs_sink *gs_live_sink(struct gs_live *live)
{
    return &live->sink;
}

void gs_live_rate(struct gs_live *live, double rate_hz)
{
    live->rate_hz = rate_hz;
    live->rule = gs_hold_rule(rate_hz);
}

void gs_live_quality(struct gs_live *live, const struct gs_quality *quality)
{
    live->quality = *quality;
}

void gs_live_ended(struct gs_live *live, pid_t pid)
{
    struct gs_live_process *process = gs_live_process_at(live, pid);
    size_t alive = 0;
    if (!process)
        return;
    process->ended = true;
    for (size_t i = 0; i < live->process_count; i++)
        alive += !live->processes[i].ended;
    gs_live_settle(live);
    gs_live_time_flush(live);
    for (size_t i = live->process_count; alive > 0 && i-- > 0;) {
        if (live->processes[i].ended)
            gs_live_process_free(live, &live->processes[i]);
    }
}

void gs_live_reset(struct gs_live *live)
{
    gs_live_settle(live);
    gs_ledger_clear(&live->pending);
    gs_ledger_clear(&live->functions);
    gs_ledger_clear(&live->lines);
    gs_ledger_clear(&live->holds);
    gs_ledger_clear(&live->blames);
    gs_strings_clear(live->strings);
    if (live->function_room > 0)
        memset(live->function_of, 0, live->function_room * sizeof *live->function_of);
    live->watched_ns = 0;
    live->recent_ns = 0;
    live->begin_ns = live->last_ns;
    for (size_t i = 0; i < live->thread_count; i++)
        memset(live->threads[i]->recent_ns, 0, sizeof live->threads[i]->recent_ns);
    for (size_t i = 0; i < live->process_count; i++) {
        for (size_t k = 0; k < live->processes[i].lock_count; k++)
            gs_live_gil_reset(&live->processes[i].locks[k]);
    }
}

/* ---- processor time ---- */

static double share_of(uint64_t before_ns, uint64_t at_ns, uint64_t cpu_ns, uint64_t now_ns, double known)
{
    if (at_ns == 0 || now_ns <= at_ns || cpu_ns < before_ns)
        return known;
    return (double)(cpu_ns - before_ns) / (double)(now_ns - at_ns);
}

void gs_live_process_cpu(struct gs_live *live, pid_t pid, uint64_t now_ns, uint64_t cpu_ns, uint64_t uptime_us)
{
    struct gs_live_process *process = gs_live_process_at(live, pid);
    if (!process)
        return;
    process->cpu = share_of(process->cpu_ns, process->cpu_at_ns, cpu_ns, now_ns, process->cpu);
    process->cpu_ns = cpu_ns;
    process->cpu_at_ns = now_ns;
    process->uptime_us = uptime_us;
}

bool gs_live_cpu_wanted(const struct gs_live *live, size_t i, uint64_t now_ns, pid_t *pid, pid_t *tid, bool *more)
{
    *more = i < live->thread_count;
    if (!*more)
        return false;
    const struct gs_live_thread *thread = live->threads[i];
    const struct gs_live_process *process = gs_live_process_of(live, thread->process);
    *pid = process ? process->pid : 0;
    *tid = thread->tid;
    bool runs = process && thread->doing != GS_DOING_IDLE && thread->settled_ns != process->weighed_ns;
    uint64_t stale_ns = (5 + i % 5) * GS_NS_PER_S; /* not all of them at once */
    return process && thread->chosen &&
           (thread->stirred || runs || thread->cpu < 0 || now_ns - thread->cpu_at_ns >= stale_ns);
}

void gs_live_thread_cpu(struct gs_live *live, size_t i, uint64_t now_ns, uint64_t cpu_ns)
{
    struct gs_live_thread *thread = live->threads[i];
    thread->cpu = share_of(thread->cpu_ns, thread->cpu_at_ns, cpu_ns, now_ns, thread->cpu);
    thread->cpu_ns = cpu_ns;
    thread->cpu_at_ns = now_ns;
    thread->stirred = false;
}
