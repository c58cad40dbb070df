/* The processes and threads that there are now, found by number. */
#include <stdlib.h>
#include <string.h>

#include "base/cut.h"
#include "base/joined.h"
#include "base/room.h"
#include "base/sorted.h"
#include "gil/lock_account.h"
#include "profile/live_people.h"

struct gs_live_process *gs_live_process_of(const struct gs_live_people *people, uint32_t number)
{
    for (size_t i = people->process_count; i-- > 0;) {
        if (people->processes[i].number == number)
            return &people->processes[i];
    }
    return NULL;
}

struct gs_live_process *gs_live_process_at(const struct gs_live_people *people, pid_t pid)
{
    for (size_t i = people->process_count; i-- > 0;) {
        if (people->processes[i].pid == pid)
            return &people->processes[i];
    }
    return NULL;
}

enum gs_status gs_live_add_process(struct gs_live_people *people, uint32_t number,
                                   const struct gs_sampled_process *sampled)
{
    for (size_t i = people->process_count; i-- > 0;) {
        if (people->processes[i].ended) /* it was kept as the last one */
            gs_live_process_free(people, &people->processes[i]);
    }
    if (people->process_count == GS_LIVE_PROCESSES)
        return GS_OK; /* what is of it is not found, and so left out */
    if (!gs_room((void **)&people->processes, &people->process_room, people->process_count + 1,
                 sizeof *people->processes))
        return GS_NO_MEMORY;
    struct gs_live_process *process = &people->processes[people->process_count];
    *process = (struct gs_live_process){.number = number, .pid = sampled->pid, .cpu = -1};
    process->command = gs_words_joined(sampled->command);
    process->python = strdup(sampled->python ? sampled->python : "");
    if (process->command && process->python) {
        people->process_count++;
        return GS_OK;
    }
    free(process->command);
    free(process->python);
    return GS_NO_MEMORY;
}

/* Where the thread is in the list, or would be. */
static size_t index_of(const struct gs_live_people *people, uint32_t number)
{
    return GS_FIRST_NOT(i, people->thread_count, people->threads[i]->number < number);
}

struct gs_live_thread *gs_live_thread_of(const struct gs_live_people *people, uint32_t number)
{
    size_t i = index_of(people, number);
    return i < people->thread_count && people->threads[i]->number == number ? people->threads[i] : NULL;
}

/* Most often it is where it was. */
struct gs_live_thread *gs_live_thread_in(const struct gs_live_people *people, struct gs_live_process *process,
                                         size_t place, uint32_t number)
{
    if (!gs_room((void **)&process->hints, &process->hint_room, place + 1, sizeof *process->hints))
        return gs_live_thread_of(people, number);
    uint32_t hint = place < process->seen ? process->hints[place] : UINT32_MAX;
    if (hint >= people->thread_count || people->threads[hint]->number != number)
        hint = (uint32_t)index_of(people, number);
    process->hints[place] = hint;
    return hint < people->thread_count && people->threads[hint]->number == number ? people->threads[hint] : NULL;
}

struct gs_live_thread *gs_live_thread_with(const struct gs_live_people *people, const struct gs_live_process *process,
                                           pid_t tid)
{
    for (size_t i = 0; i < people->thread_count; i++) {
        if (people->threads[i]->tid == tid && people->threads[i]->process == process->number)
            return people->threads[i];
    }
    return NULL;
}

bool gs_live_chosen(const struct gs_live_people *people, const struct gs_sampled_thread *sampled)
{
    const struct gs_selection *selection = &people->selection;
    return gs_patterns_fit(selection->patterns, selection->pattern_count, sampled->tid, sampled->name);
}

enum gs_status gs_live_add_thread(struct gs_live_people *people, uint32_t number,
                                  const struct gs_sampled_thread *sampled)
{
    struct gs_live_thread *thread = gs_live_thread_of(people, number);
    struct gs_live_process *process = gs_live_process_of(people, sampled->process);
    if (!thread) {
        if (!process || people->thread_count == GS_LIVE_THREADS)
            return GS_OK;
        if (!gs_room((void **)&people->threads, &people->thread_room, people->thread_count + 1,
                     sizeof *people->threads))
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
                                          .first_cell = people->cell,
                                          .settled_ns = process->weighed_ns,
                                          .cpu = -1};
        size_t at = index_of(people, number);
        memmove(&people->threads[at + 1], &people->threads[at], (people->thread_count - at) * sizeof *people->threads);
        people->threads[at] = thread;
        people->thread_count++;
        process->threads++;
        process->fresh = true; /* it may have been in samples already, when there was no room for it */
    }
    thread->chosen = gs_live_chosen(people, sampled);
    gs_cut(thread->name, sizeof thread->name, sampled->name);
    return GS_OK;
}

static bool is_alive(const struct gs_live_people *people, const struct gs_live_process *process,
                     const struct gs_live_thread *thread)
{
    const struct gs_live_alive *alive = &people->alive;
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

void gs_live_drop_threads(struct gs_live_people *people, struct gs_live_process *process, uint64_t time_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < people->thread_count; i++) {
        struct gs_live_thread *thread = people->threads[i];
        bool missing = thread->process == process->number && thread->round != process->samples && !thread->absent;
        if (missing && !is_alive(people, process, thread)) {
            forget(process, thread);
            continue;
        }
        if (missing)
            leave(process, thread, time_ns);
        people->threads[kept++] = thread;
    }
    people->thread_count = kept;
}

void gs_live_drop_ended(struct gs_live_people *people)
{
    size_t kept = 0;
    for (size_t i = 0; i < people->thread_count; i++) {
        struct gs_live_thread *thread = people->threads[i];
        struct gs_live_process *process = thread->absent ? gs_live_process_of(people, thread->process) : NULL;
        if (process && !is_alive(people, process, thread))
            forget(process, thread);
        else
            people->threads[kept++] = thread;
    }
    people->thread_count = kept;
}

static void drop_all(struct gs_live_people *people, struct gs_live_process *process)
{
    size_t kept = 0;
    for (size_t i = 0; i < people->thread_count; i++) {
        if (people->threads[i]->process == process->number)
            forget(process, people->threads[i]);
        else
            people->threads[kept++] = people->threads[i];
    }
    people->thread_count = kept;
}

void gs_live_process_free(struct gs_live_people *people, struct gs_live_process *process)
{
    drop_all(people, process);
    free(process->command);
    free(process->python);
    free(process->hints);
    free(process->locks);
    gs_lock_account_free(process->waits);
    free(process->last);
    size_t at = (size_t)(process - people->processes);
    people->process_count--;
    memmove(process, process + 1, (people->process_count - at) * sizeof *process);
}

void gs_live_people_fini(struct gs_live_people *people)
{
    while (people->process_count > 0)
        gs_live_process_free(people, &people->processes[people->process_count - 1]);
    free(people->processes);
    free(people->threads);
}
