/* Threads as users see them: merged over interpreters, named, chosen by pattern. */
#include <stdlib.h>
#include <string.h>

#include "export/dump.h"
#include "profile/modes.h"

void gs_entries_fini(struct gs_entries *entries)
{
    free(entries->list);
    free(entries->spare);
    gs_merge_free(entries->merge);
}

enum gs_status gs_entries_init(struct gs_entries *entries, const struct gs_dump *dump)
{
    size_t count, kept = 0;
    *entries = (struct gs_entries){.merge = gs_merge_new()};
    const struct gs_thread *threads = entries->merge ? gs_merge_threads(entries->merge, dump->snapshot, &count) : NULL;
    if (!threads && (!entries->merge || dump->snapshot->thread_count > 0))
        return GS_NO_MEMORY;
    count = threads ? count : 0;
    entries->list = calloc(count + 1, sizeof *entries->list);
    entries->spare = calloc(count + 1, sizeof *entries->spare);
    if (!entries->list || !entries->spare)
        return GS_NO_MEMORY;
    entries->all = count;
    for (size_t i = 0; i < count; i++) {
        struct gs_entry entry = {.thread = &threads[i]};
        entry.states = gs_merge_states(entries->merge, i, &entry.state_count);
        entry.name = dump->lookup.name(dump->lookup.context, entry.thread, entries->spare[i]);
        if (gs_patterns_fit(dump->patterns, dump->pattern_count, entry.thread->tid, entry.name))
            entries->list[kept++] = entry;
    }
    entries->count = kept;
    return GS_OK;
}

void gs_dump_frame(const struct gs_dump *dump, const struct gs_frame *frame, struct gs_frame_info *info)
{
    *info = (struct gs_frame_info){.function = "<unknown code>", .file = ""};
    if (frame->kind == GS_FRAME_GAP)
        info->function = gs_gap_text(frame->gap);
    else if (frame->kind == GS_FRAME_GC)
        info->function = GS_GC_FRAME;
    else if (!dump->lookup.frame(dump->lookup.context, frame, info))
        *info = (struct gs_frame_info){.function = "<unknown code>", .file = ""};
    if (dump->no_lines)
        info->line = 0;
}
