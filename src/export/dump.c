/* Threads as users see them: merged over interpreters, named, chosen by pattern. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "export/dump.h"

void gs_entries_fini(struct gs_entries *entries)
{
    free(entries->list);
    free(entries->states);
    for (size_t i = 0; i < entries->merged_count; i++)
        free((void *)entries->merged[i].frames);
    free(entries->merged);
    free(entries->spare);
}

/* By tid, and as in the snapshot where that is the same. */
static int by_tid(const void *left, const void *right, void *context)
{
    const struct gs_thread *threads = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    if (threads[a].tid != threads[b].tid)
        return threads[a].tid < threads[b].tid ? -1 : 1;
    return a < b ? -1 : a > b;
}

static int by_first_state(const void *left, const void *right)
{
    uint32_t a = ((const struct gs_entry *)left)->states[0], b = ((const struct gs_entry *)right)->states[0];
    return a < b ? -1 : a > b;
}

/* Which of a thread's states is the one to show: it can run in one interpreter only at a time. */
static int telling(const struct gs_thread *thread)
{
    return (thread->gil == GS_HOLDS ? 4 : thread->gil == GS_WAITS ? 2 : 0) + (thread->frame_count > 0);
}

static void add_state(struct gs_entries *entries, const struct gs_thread *threads, size_t at)
{
    const struct gs_thread *thread = &threads[entries->states[at]];
    struct gs_entry *last = entries->count > 0 ? &entries->list[entries->count - 1] : NULL;
    if (last && thread->tid > 0 && last->thread->tid == thread->tid) {
        last->state_count++;
        if (telling(thread) > telling(last->thread))
            last->thread = thread;
        return;
    }
    entries->list[entries->count++] =
        (struct gs_entry){.thread = thread, .states = &entries->states[at], .state_count = 1};
}

/* The state that was called by the others first. */
static int by_call(const void *left, const void *right, void *context)
{
    const struct gs_thread *threads = context;
    const struct gs_thread *a = &threads[*(const uint32_t *)left], *b = &threads[*(const uint32_t *)right];
    if (a->c_stack != b->c_stack)
        return a->c_stack < b->c_stack ? -1 : 1;
    return (a->interpreter < b->interpreter) - (a->interpreter > b->interpreter);
}

/* A thread that went from one interpreter to another: one stack out of those of all its states. */
static bool merge(struct gs_entries *entries, struct gs_entry *entry, const struct gs_thread *threads)
{
    uint32_t *order = calloc(entry->state_count, sizeof *order);
    size_t count = 0;
    if (!order)
        return false;
    for (size_t i = 0; i < entry->state_count; i++) {
        order[i] = entry->states[i];
        count += threads[order[i]].frame_count;
    }
    qsort_r(order, entry->state_count, sizeof *order, by_call, (void *)threads);
    struct gs_frame *frames = calloc(count + 1, sizeof *frames);
    struct gs_thread *thread = &entries->merged[entries->merged_count++];
    *thread = *entry->thread;
    thread->frames = frames;
    thread->frame_count = 0;
    for (size_t i = 0; i < entry->state_count && frames; i++) {
        const struct gs_thread *state = &threads[order[i]];
        for (uint32_t k = 0; k < state->frame_count; k++)
            frames[thread->frame_count++] = state->frames[k];
        thread->torn |= state->torn;
    }
    free(order);
    entry->thread = thread;
    return frames != NULL;
}

static bool chosen(const struct gs_dump *dump, const struct gs_entry *entry)
{
    char tid[16];
    snprintf(tid, sizeof tid, "%d", (int)entry->thread->tid);
    for (size_t i = 0; i < dump->pattern_count; i++) {
        if (strcmp(dump->patterns[i], tid) == 0 || fnmatch(dump->patterns[i], entry->name, 0) == 0)
            return true;
    }
    return dump->pattern_count == 0;
}

enum gs_status gs_entries_init(struct gs_entries *entries, const struct gs_dump *dump)
{
    const struct gs_snapshot *snapshot = dump->snapshot;
    size_t states = snapshot->thread_count, room = states > 0 ? states : 1, kept = 0;
    *entries = (struct gs_entries){.list = calloc(room, sizeof *entries->list),
                                   .states = calloc(room, sizeof *entries->states),
                                   .merged = calloc(room, sizeof *entries->merged),
                                   .spare = calloc(room, sizeof *entries->spare)};
    if (!entries->list || !entries->states || !entries->merged || !entries->spare)
        return GS_NO_MEMORY;
    for (size_t i = 0; i < states; i++)
        entries->states[i] = (uint32_t)i;
    qsort_r(entries->states, states, sizeof *entries->states, by_tid, snapshot->threads);
    for (size_t i = 0; i < states; i++)
        add_state(entries, snapshot->threads, i);
    qsort(entries->list, entries->count, sizeof *entries->list, by_first_state);
    entries->all = entries->count;
    for (size_t i = 0; i < entries->count; i++) {
        struct gs_entry *entry = &entries->list[i];
        entry->name = dump->lookup.name(dump->lookup.context, entry->thread, entries->spare[i]);
        if (entry->state_count > 1 && !merge(entries, entry, snapshot->threads))
            return GS_NO_MEMORY;
        if (chosen(dump, entry))
            entries->list[kept++] = *entry;
    }
    entries->count = kept;
    return GS_OK;
}

void gs_dump_frame(const struct gs_dump *dump, const struct gs_frame *frame, struct gs_frame_info *info)
{
    *info = (struct gs_frame_info){.function = "<unknown code>", .file = ""};
    if (frame->kind == GS_FRAME_GAP)
        info->function = gs_gap_text(frame->gap);
    else if (!dump->lookup.frame(dump->lookup.context, frame, info))
        *info = (struct gs_frame_info){.function = "<unknown code>", .file = ""};
    if (dump->no_lines)
        info->line = 0;
}
