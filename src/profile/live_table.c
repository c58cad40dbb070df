/* The processes and threads that there are now, found by number. */
#include <stdlib.h>
#include <string.h>

#include "base/cut.h"
#include "base/joined.h"
#include "base/room.h"
#include "base/sorted.h"
#include "gil/lock_account.h"
#include "profile/live_table.h"

struct gs_live_process *gs_live_process_of(const struct gs_live_table *table, uint32_t number)
{
    for (size_t i = table->process_count; i-- > 0;) {
        if (table->processes[i].number == number)
            return &table->processes[i];
    }
    return NULL;
}

struct gs_live_process *gs_live_process_at(const struct gs_live_table *table, pid_t pid)
{
    for (size_t i = table->process_count; i-- > 0;) {
        if (table->processes[i].pid == pid)
            return &table->processes[i];
    }
    return NULL;
}

enum gs_status gs_live_add_process(struct gs_live_table *table, uint32_t number,
                                   const struct gs_sampled_process *sampled)
{
    for (size_t i = table->process_count; i-- > 0;) {
        if (table->processes[i].ended) /* it was kept as the last one */
            gs_live_process_free(table, &table->processes[i]);
    }
    if (table->process_count == GS_LIVE_PROCESSES)
        return GS_OK; /* what is of it is not found, and so left out */
    if (!gs_room((void **)&table->processes, &table->process_room, table->process_count + 1, sizeof *table->processes))
        return GS_NO_MEMORY;
    struct gs_live_process *process = &table->processes[table->process_count];
    *process = (struct gs_live_process){.number = number, .pid = sampled->pid, .cpu = -1};
    process->command = gs_words_joined(sampled->command);
    process->python = strdup(sampled->python ? sampled->python : "");
    if (process->command && process->python) {
        table->process_count++;
        return GS_OK;
    }
    free(process->command);
    free(process->python);
    return GS_NO_MEMORY;
}

/* Where the thread is in the list, or would be. */
static size_t index_of(const struct gs_live_table *table, uint32_t number)
{
    return GS_FIRST_NOT(i, table->thread_count, table->threads[i]->number < number);
}

struct gs_live_thread *gs_live_thread_of(const struct gs_live_table *table, uint32_t number)
{
    size_t i = index_of(table, number);
    return i < table->thread_count && table->threads[i]->number == number ? table->threads[i] : NULL;
}

/* Most often it is where it was. */
struct gs_live_thread *gs_live_thread_in(const struct gs_live_table *table, struct gs_live_process *process,
                                         size_t place, uint32_t number)
{
    if (!gs_room((void **)&process->hints, &process->hint_room, place + 1, sizeof *process->hints))
        return gs_live_thread_of(table, number);
    uint32_t hint = place < process->seen ? process->hints[place] : UINT32_MAX;
    if (hint >= table->thread_count || table->threads[hint]->number != number)
        hint = (uint32_t)index_of(table, number);
    process->hints[place] = hint;
    return hint < table->thread_count && table->threads[hint]->number == number ? table->threads[hint] : NULL;
}

struct gs_live_thread *gs_live_thread_with(const struct gs_live_table *table, const struct gs_live_process *process,
                                           pid_t tid)
{
    for (size_t i = 0; i < table->thread_count; i++) {
        if (table->threads[i]->tid == tid && table->threads[i]->process == process->number)
            return table->threads[i];
    }
    return NULL;
}

bool gs_live_chosen(const struct gs_live_table *table, const struct gs_sampled_thread *sampled)
{
    const struct gs_selection *selection = &table->selection;
    return gs_patterns_fit(selection->patterns, selection->pattern_count, sampled->tid, sampled->name);
}

enum gs_status gs_live_add_thread(struct gs_live_table *table, uint32_t number, const struct gs_sampled_thread *sampled)
{
    struct gs_live_thread *thread = gs_live_thread_of(table, number);
    struct gs_live_process *process = gs_live_process_of(table, sampled->process);
    if (!thread) {
        if (!process || table->thread_count == GS_LIVE_THREADS)
            return GS_OK;
        if (!gs_room((void **)&table->threads, &table->thread_room, table->thread_count + 1, sizeof *table->threads))
            return GS_NO_MEMORY;
        thread = calloc(1, sizeof *thread);
        if (!thread)
            return GS_NO_MEMORY;
        *thread = (struct gs_live_thread){.number = number,
                                          .process = sampled->process,
                                          .tid = sampled->tid,
                                          .main = sampled->main,
                                          .at_least = true,
                                          .doing = GS_DOING_COUNT,
                                          .first_cell = table->cell,
                                          .settled_ns = process->weighed_ns,
                                          .cpu = -1};
        size_t at = index_of(table, number);
        memmove(&table->threads[at + 1], &table->threads[at], (table->thread_count - at) * sizeof *table->threads);
        table->threads[at] = thread;
        table->thread_count++;
        process->threads++;
        process->fresh = true; /* it may have been in samples already, when there was no room for it */
    }
    thread->chosen = gs_live_chosen(table, sampled);
    gs_cut(thread->name, sizeof thread->name, sampled->name);
    return GS_OK;
}

static bool is_alive(const struct gs_live_table *table, const struct gs_live_process *process,
                     const struct gs_live_thread *thread)
{
    const struct gs_live_alive *alive = &table->alive;
    return alive->ask && !process->ended && thread->tid > 0 && alive->ask(alive->context, process->pid, thread->tid);
}

/* It does without the GIL, wherever it is; its time so far is charged. */
static void leave(struct gs_live_process *process, struct gs_live_thread *thread, uint64_t time_ns)
{
    process->absent++;
    thread->absent = true;
    thread->since_ns = time_ns;
    thread->at_least = false;
    thread->doing = GS_WITHOUT;
    thread->stack = 0;
    thread->now = (struct gs_thread_sample){.thread = thread->number, .gil = GS_WITHOUT, .run = GS_RUN_UNKNOWN};
}

static void forget(struct gs_live_process *process, struct gs_live_thread *thread)
{
    process->threads--;
    process->absent -= thread->absent;
    free(thread);
}

void gs_live_drop_threads(struct gs_live_table *table, struct gs_live_process *process, uint64_t time_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->thread_count; i++) {
        struct gs_live_thread *thread = table->threads[i];
        bool missing = thread->process == process->number && thread->round != process->samples && !thread->absent;
        if (missing && !is_alive(table, process, thread)) {
            forget(process, thread);
            continue;
        }
        if (missing)
            leave(process, thread, time_ns);
        table->threads[kept++] = thread;
    }
    table->thread_count = kept;
}

void gs_live_drop_ended(struct gs_live_table *table)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->thread_count; i++) {
        struct gs_live_thread *thread = table->threads[i];
        struct gs_live_process *process = thread->absent ? gs_live_process_of(table, thread->process) : NULL;
        if (process && !is_alive(table, process, thread))
            forget(process, thread);
        else
            table->threads[kept++] = thread;
    }
    table->thread_count = kept;
}

static void drop_all(struct gs_live_table *table, struct gs_live_process *process)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->thread_count; i++) {
        if (table->threads[i]->process == process->number)
            forget(process, table->threads[i]);
        else
            table->threads[kept++] = table->threads[i];
    }
    table->thread_count = kept;
}

void gs_live_process_free(struct gs_live_table *table, struct gs_live_process *process)
{
    drop_all(table, process);
    free(process->command);
    free(process->python);
    free(process->hints);
    free(process->locks);
    gs_lock_account_free(process->waits);
    free(process->last);
    size_t at = (size_t)(process - table->processes);
    table->process_count--;
    memmove(process, process + 1, (table->process_count - at) * sizeof *process);
}

void gs_live_table_fini(struct gs_live_table *table)
{
    while (table->process_count > 0)
        gs_live_process_free(table, &table->processes[table->process_count - 1]);
    free(table->processes);
    free(table->threads);
}
