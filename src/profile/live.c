/* The sink of the live model: each sample is charged to its threads, its stacks, its GILs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/least.h"
#include "profile/live_charge.h"
#include "profile/live_locks.h"
#include "profile/live_model.h"

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
    uint64_t from = live->table.cell;
    if (cell - from > GS_PICTURE_CELLS)
        from = cell - GS_PICTURE_CELLS;
    for (size_t i = 0; i < live->table.thread_count; i++) {
        for (uint64_t number = from; number < cell; number++)
            close_cell(live->table.threads[i], number);
    }
    live->table.cell = cell;
}

static void decay(struct gs_live *live, double factor)
{
    gs_live_code_decay(&live->code, factor);
    for (size_t i = 0; i < live->table.thread_count; i++) {
        for (int doing = 0; doing < GS_DOING_COUNT; doing++)
            live->table.threads[i]->recent_ns[doing] *= factor;
    }
}

static void pass(struct gs_live *live, uint64_t now_ns)
{
    uint64_t second = now_ns / GS_NS_PER_S, cell = now_ns / CELL_NS;
    if (live->second == 0) {
        live->second = second;
        live->table.cell = cell;
        for (size_t i = 0; i < live->table.thread_count; i++)
            live->table.threads[i]->first_cell = cell;
    }
    if (cell > live->table.cell || second > live->second)
        gs_live_settle(&live->code);
    if (cell > live->table.cell)
        next_cell(live, cell);
    if (second <= live->second)
        return;
    double factor = live->recent ? exp2(-(double)(second - live->second) / HALF_LIFE_S) : 1;
    for (size_t i = 0; i < live->table.process_count; i++)
        gs_live_gil_second(&live->table.processes[i], second - live->second, factor);
    if (live->recent)
        decay(live, factor);
    live->second = second;
    gs_live_drop_ended(&live->table);
}

/* ---- the sink ---- */

static enum gs_status take_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    return gs_live_add_process(&((struct gs_live *)sink)->table, number, process);
}

static enum gs_status take_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_live *live = (struct gs_live *)sink;
    const struct gs_live_thread *known = gs_live_thread_of(&live->table, number);
    if (known && known->chosen != gs_live_chosen(&live->table, thread))
        gs_live_settle(&live->code); /* what it did so far it did under its old name */
    return gs_live_add_thread(&live->table, number, thread);
}

/* Processes are sampled in turn: only the time since the one before weighs. */
static void watch(struct gs_live *live, const struct gs_sample *sample)
{
    uint64_t since = live->last_ns && sample->time_ns > live->last_ns ? sample->time_ns - live->last_ns : 0;
    if (!live->last_ns || since > sample->weight_ns)
        since = sample->weight_ns;
    live->last_ns = sample->time_ns;
    live->watched_ns += since;
    live->code.recent_ns += (double)since;
}

static enum gs_status take_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_live *live = (struct gs_live *)sink;
    struct gs_live_process *process = gs_live_process_of(&live->table, sample->process);
    live->code.stacks = sample->stacks;
    pass(live, sample->time_ns);
    if (!process)
        return GS_OK;
    watch(live, sample);
    process->samples++;
    if (!gs_live_charge(&live->code, process, sample) || !gs_live_gil_sample(&live->gils, process, sample) ||
        !gs_live_lock_sample(&live->table, process, sample))
        return GS_NO_MEMORY;
    gs_live_blame_sample(&live->blames, &live->code, process, sample);
    return GS_OK;
}

static enum gs_status take_forget(struct gs_sink *sink)
{
    struct gs_live *live = (struct gs_live *)sink;
    gs_live_settle(&live->code);
    gs_live_code_forget(&live->code);
    for (size_t i = 0; i < live->table.process_count; i++)
        live->table.processes[i].fresh = true;
    return GS_OK;
}

static enum gs_status take_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_live *live = (struct gs_live *)sink;
    live->quality = end->quality;
    gs_live_settle(&live->code);
    gs_live_code_forget(&live->code);
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
    live->table.selection = *selection;
    live->gils = (struct gs_live_gils){.code = &live->code, .rule = gs_hold_rule(0)};
    bool enough = gs_live_code_make(&live->code, &live->table);
    enough = gs_topk_init(&live->gils.holds, sizeof(struct gs_live_hold_sum), GS_LIVE_HOLDS) && enough;
    enough = gs_topk_init(&live->blames, sizeof(struct gs_live_blame), GS_LIVE_BLAMES) && enough;
    if (enough)
        return live;
    gs_live_free(live);
    return NULL;
}

void gs_live_free(struct gs_live *live)
{
    if (!live)
        return;
    gs_live_table_fini(&live->table);
    gs_live_code_fini(&live->code);
    gs_topk_fini(&live->gils.holds);
    gs_topk_fini(&live->blames);
    free(live);
}

void gs_live_ask(struct gs_live *live, const struct gs_live_alive *alive)
{
    live->table.alive = *alive;
}

struct gs_sink *gs_live_sink(struct gs_live *live)
{
    return &live->sink;
}

void gs_live_tasks(struct gs_live *live, const struct gs_live_tasks *tasks)
{
    live->tasks = tasks;
}

void gs_live_rate(struct gs_live *live, double rate_hz)
{
    live->rate_hz = rate_hz;
    live->gils.rule = gs_hold_rule(rate_hz);
}

void gs_live_quality(struct gs_live *live, const struct gs_quality *quality)
{
    live->quality = *quality;
}

void gs_live_ended(struct gs_live *live, pid_t pid)
{
    struct gs_live_process *process = gs_live_process_at(&live->table, pid);
    size_t alive = 0;
    if (!process)
        return;
    process->ended = true;
    for (size_t i = 0; i < live->table.process_count; i++)
        alive += !live->table.processes[i].ended;
    gs_live_settle(&live->code);
    gs_live_code_flush(&live->code);
    for (size_t i = live->table.process_count; alive > 0 && i-- > 0;) {
        if (live->table.processes[i].ended)
            gs_live_process_free(&live->table, &live->table.processes[i]);
    }
}

void gs_live_reset(struct gs_live *live)
{
    gs_live_settle(&live->code);
    gs_live_code_reset(&live->code);
    gs_topk_clear(&live->gils.holds);
    gs_topk_clear(&live->blames);
    live->watched_ns = 0;
    for (size_t i = 0; i < live->table.thread_count; i++)
        memset(live->table.threads[i]->recent_ns, 0, sizeof live->table.threads[i]->recent_ns);
    for (size_t i = 0; i < live->table.process_count; i++) {
        gs_live_gil_reset(&live->table.processes[i]);
        gs_live_lock_reset(&live->table.processes[i]);
    }
}

/* ---- looks between samples ---- */

void gs_live_look(struct gs_live *live, pid_t pid, const struct gs_gil *gils, size_t count, uint64_t time_ns)
{
    struct gs_live_process *process = gs_live_process_at(&live->table, pid);
    if (process)
        gs_live_gil_look(&live->gils, process, gils, count, time_ns);
}

uint64_t gs_live_looked_ns(const struct gs_live *live, uint64_t *seen)
{
    uint64_t last_ns = 0;
    *seen = 0;
    for (size_t i = 0; i < live->table.process_count; i++) {
        for (size_t k = 0; k < live->table.processes[i].lock_count; k++) {
            const struct gs_hold_look *last = &live->table.processes[i].locks[k].track.follow.last;
            last_ns = gs_most(last_ns, last->ns);
            *seen += last->switches + last->held;
        }
    }
    return last_ns;
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
    struct gs_live_process *process = gs_live_process_at(&live->table, pid);
    if (!process)
        return;
    process->cpu = share_of(process->cpu_ns, process->cpu_at_ns, cpu_ns, now_ns, process->cpu);
    process->cpu_ns = cpu_ns;
    process->cpu_at_ns = now_ns;
    process->uptime_us = uptime_us;
}

bool gs_live_cpu_wanted(const struct gs_live *live, size_t i, uint64_t now_ns, pid_t *pid, pid_t *tid, bool *more)
{
    *more = i < live->table.thread_count;
    if (!*more)
        return false;
    const struct gs_live_thread *thread = live->table.threads[i];
    const struct gs_live_process *process = gs_live_process_of(&live->table, thread->process);
    *pid = process ? process->pid : 0;
    *tid = thread->tid;
    bool runs = process && thread->doing != GS_DOING_IDLE && thread->settled_ns != process->weighed_ns;
    uint64_t stale_ns = (5 + i % 5) * GS_NS_PER_S; /* not all of them at once */
    return process && thread->chosen &&
           (thread->stirred || runs || thread->cpu < 0 || now_ns - thread->cpu_at_ns >= stale_ns);
}

void gs_live_thread_cpu(struct gs_live *live, size_t i, uint64_t now_ns, uint64_t cpu_ns)
{
    struct gs_live_thread *thread = live->table.threads[i];
    thread->cpu = share_of(thread->cpu_ns, thread->cpu_at_ns, cpu_ns, now_ns, thread->cpu);
    thread->cpu_ns = cpu_ns;
    thread->cpu_at_ns = now_ns;
    thread->stirred = false;
}
