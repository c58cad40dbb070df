/* Time, charged to what each thread did in it. Most threads do for many samples what they did in the one before: their
 * time is added up once, when they do something else or somebody looks. */
#include "base/room.h"
#include "profile/live_charge.h"

enum { CELL_NS = GS_PICTURE_CELL_MS * 1000000 };

static bool same(const struct gs_thread_sample *a, const struct gs_thread_sample *b)
{
    return a->thread == b->thread && a->stack == b->stack && a->gil == b->gil && a->evidence == b->evidence &&
           a->run == b->run && a->torn == b->torn && a->lock == b->lock && a->at_lock == b->at_lock;
}

static void settle(struct gs_live_code *code, const struct gs_live_process *process, struct gs_live_thread *thread)
{
    uint64_t since_ns = process->weighed_ns - thread->settled_ns, ns[GS_MODE_LIVE];
    thread->settled_ns = process->weighed_ns;
    if (since_ns == 0 || thread->doing == GS_DOING_COUNT)
        return;
    thread->recent_ns[thread->doing] += (double)since_ns;
    thread->cell_ns[thread->doing] += (uint32_t)(since_ns < CELL_NS ? since_ns : CELL_NS);
    if (!thread->now.stack || !thread->chosen)
        return;
    for (int mode = 0; mode < GS_MODE_LIVE; mode++)
        ns[mode] = mode != GS_MODE_BLAME && gs_mode_counts((enum gs_mode)mode, &thread->now) ? since_ns : 0;
    gs_live_code_add(code, thread, ns);
}

void gs_live_settle(struct gs_live_code *code)
{
    const struct gs_live_table *table = code->table;
    const struct gs_live_process *process = NULL;
    for (size_t i = 0; i < table->thread_count; i++) {
        struct gs_live_thread *thread = table->threads[i];
        if (!process || process->number != thread->process)
            process = gs_live_process_of(table, thread->process);
        if (process)
            settle(code, process, thread);
    }
}

static void note(struct gs_live_code *code, struct gs_live_process *process, struct gs_live_thread *thread,
                 const struct gs_thread_sample *now, uint64_t time_ns)
{
    uint8_t doing = gs_thread_idle(now) ? GS_DOING_IDLE : now->gil;
    settle(code, process, thread);
    process->absent -= thread->absent;
    thread->absent = false;
    if (thread->doing != doing) {
        thread->since_ns = time_ns;
        thread->at_least = thread->doing == GS_DOING_COUNT;
        thread->doing = doing;
    }
    process->locks_left_out |= now->lock >= GS_GILS_MOST;
    thread->stirred = thread->stirred || doing != GS_DOING_IDLE;
    thread->round = process->samples;
    thread->lock = now->lock;
    thread->stack = now->stack;
    thread->stacks_known = code->stacks_known;
    thread->now = *now;
}

/* The threads of the last sample, in its order. */
static bool same_list(const struct gs_live_process *process, const struct gs_sample *sample)
{
    bool list = !process->fresh && process->seen == sample->thread_count;
    for (size_t i = 0; i < sample->thread_count && list; i++)
        list = process->last[i].thread == sample->threads[i].thread;
    return list;
}

static void note_changed(struct gs_live_code *code, struct gs_live_process *process, const struct gs_sample *sample)
{
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *now = &sample->threads[i];
        if (same(&process->last[i], now))
            continue;
        struct gs_live_thread *thread = gs_live_thread_in(code->table, process, i, now->thread);
        if (thread)
            note(code, process, thread, now, sample->time_ns);
        process->last[i] = *now;
    }
}

static bool note_all(struct gs_live_code *code, struct gs_live_process *process, const struct gs_sample *sample)
{
    size_t known = 0;
    if (!gs_room((void **)&process->last, &process->last_room, sample->thread_count, sizeof *process->last))
        return false;
    gs_live_settle(code); /* also those that are no more */
    for (size_t i = 0; i < sample->thread_count; i++) {
        struct gs_live_thread *thread = gs_live_thread_in(code->table, process, i, sample->threads[i].thread);
        if (thread)
            note(code, process, thread, &sample->threads[i], sample->time_ns);
        known += thread != NULL;
        process->last[i] = sample->threads[i];
    }
    process->seen = sample->thread_count;
    process->fresh = false;
    if (known >= process->threads - process->absent)
        return true;
    if (code->table->selection.threads)
        gs_live_code_flush(code); /* while it is known what they are called */
    gs_live_drop_threads(code->table, process, sample->time_ns);
    return true;
}

bool gs_live_charge(struct gs_live_code *code, struct gs_live_process *process, const struct gs_sample *sample)
{
    if (same_list(process, sample))
        note_changed(code, process, sample);
    else if (!note_all(code, process, sample))
        return false;
    process->weighed_ns += sample->weight_ns;
    return true;
}
