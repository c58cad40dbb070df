/* The processes and threads that there are now, found by number. */
#include <stdlib.h>
#include <string.h>

#include "base/joined.h"
#include "base/room.h"
#include "profile/live_parts.h"

void gs_live_copy(char *dst, size_t size, const char *text)
{
    size_t len = strlen(text);
    if (len >= size) {
        len = size - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--; /* no half of a character */
    }
    memcpy(dst, text, len);
    dst[len] = '\0';
}

void gs_live_copy_end(char *dst, size_t size, const char *text)
{
    size_t len = strlen(text);
    if (len >= size) {
        text += len - (size - 1);
        while (((unsigned char)*text & 0xc0) == 0x80)
            text++;
    }
    gs_live_copy(dst, size, text);
}

struct gs_live_process *gs_live_process_of(const struct gs_live *live, uint32_t number)
{
    for (size_t i = live->process_count; i-- > 0;) {
        if (live->processes[i].number == number)
            return &live->processes[i];
    }
    return NULL;
}

struct gs_live_process *gs_live_process_at(const struct gs_live *live, pid_t pid)
{
    for (size_t i = live->process_count; i-- > 0;) {
        if (live->processes[i].pid == pid)
            return &live->processes[i];
    }
    return NULL;
}

enum gs_status gs_live_add_process(struct gs_live *live, uint32_t number, const struct gs_sampled_process *sampled)
{
    for (size_t i = live->process_count; i-- > 0;) {
        if (live->processes[i].ended) /* it was kept as the last one */
            gs_live_process_free(live, &live->processes[i]);
    }
    if (live->process_count == GS_LIVE_PROCESSES)
        return GS_OK; /* what is of it is not found, and so left out */
    if (!gs_room((void **)&live->processes, &live->process_room, live->process_count + 1, sizeof *live->processes))
        return GS_NO_MEMORY;
    struct gs_live_process *process = &live->processes[live->process_count];
    *process = (struct gs_live_process){.number = number, .pid = sampled->pid, .cpu = -1};
    process->command = gs_words_joined(sampled->command);
    process->python = strdup(sampled->python ? sampled->python : "");
    if (process->command && process->python) {
        live->process_count++;
        return GS_OK;
    }
    free(process->command);
    free(process->python);
    return GS_NO_MEMORY;
}

/* Where the thread is in the list, or would be. */
static size_t index_of(const struct gs_live *live, uint32_t number)
{
    size_t low = 0, high = live->thread_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (live->threads[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct gs_live_thread *gs_live_thread_of(const struct gs_live *live, uint32_t number)
{
    size_t i = index_of(live, number);
    return i < live->thread_count && live->threads[i]->number == number ? live->threads[i] : NULL;
}

/* Most often it is where it was. */
struct gs_live_thread *gs_live_thread_in(const struct gs_live *live, struct gs_live_process *process, size_t place,
                                         uint32_t number)
{
    if (!gs_room((void **)&process->hints, &process->hint_room, place + 1, sizeof *process->hints))
        return gs_live_thread_of(live, number);
    uint32_t hint = place < process->seen ? process->hints[place] : UINT32_MAX;
    if (hint >= live->thread_count || live->threads[hint]->number != number)
        hint = (uint32_t)index_of(live, number);
    process->hints[place] = hint;
    return hint < live->thread_count && live->threads[hint]->number == number ? live->threads[hint] : NULL;
}

enum gs_status gs_live_add_thread(struct gs_live *live, uint32_t number, const struct gs_sampled_thread *sampled)
{
    struct gs_live_thread *thread = gs_live_thread_of(live, number);
    struct gs_live_process *process = gs_live_process_of(live, sampled->process);
    if (!thread) {
        if (!process || live->thread_count == GS_LIVE_THREADS)
            return GS_OK;
        if (!gs_room((void **)&live->threads, &live->thread_room, live->thread_count + 1, sizeof *live->threads))
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
                                          .first_cell = live->cell,
                                          .settled_ns = process->weighed_ns,
                                          .cpu = -1};
        size_t at = index_of(live, number);
        memmove(&live->threads[at + 1], &live->threads[at], (live->thread_count - at) * sizeof *live->threads);
        live->threads[at] = thread;
        live->thread_count++;
        process->threads++;
        process->fresh = true; /* it may have been in samples already, when there was no room for it */
    }
    const struct gs_selection *selection = &live->selection;
    bool chosen = gs_patterns_fit(selection->patterns, selection->pattern_count, sampled->tid, sampled->name);
    if (chosen != thread->chosen && thread->doing != GS_DOING_COUNT)
        gs_live_settle(live); /* what it did so far it did under its old name */
    thread->chosen = chosen;
    gs_live_copy(thread->name, sizeof thread->name, sampled->name);
    return GS_OK;
}

/* all: also those that the last sample had. */
static void drop(struct gs_live *live, struct gs_live_process *process, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < live->thread_count; i++) {
        struct gs_live_thread *thread = live->threads[i];
        if (thread->process == process->number && (all || thread->round != process->samples)) {
            free(thread);
            process->threads--;
        } else {
            live->threads[kept++] = thread;
        }
    }
    live->thread_count = kept;
}

void gs_live_drop_threads(struct gs_live *live, struct gs_live_process *process)
{
    if (live->selection.threads)
        gs_live_time_flush(live); /* while it is known what they are called */
    drop(live, process, false);
}

void gs_live_process_free(struct gs_live *live, struct gs_live_process *process)
{
    drop(live, process, true);
    free(process->command);
    free(process->python);
    free(process->hints);
    free(process->locks);
    free(process->last);
    size_t at = (size_t)(process - live->processes);
    live->process_count--;
    memmove(process, process + 1, (live->process_count - at) * sizeof *process);
}
