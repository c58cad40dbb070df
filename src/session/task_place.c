/* The libraries of event loops and greenlets, by their folders. */
#include <string.h>

#include "session/task_place.h"

static bool is_library(const char *file)
{
    static const char *const folders[] = {"/asyncio/", "/trio/", "/gevent/", "/eventlet/"};
    bool is = false;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        is |= strstr(file, folders[i]) != NULL;
    return is;
}

bool gs_task_place(const struct gs_lookup *lookup, const struct gs_tasks *tasks, const struct gs_async_task *task,
                   struct gs_frame_info *place)
{
    for (uint32_t i = 0; i < task->frame_count; i++) {
        const struct gs_frame *frame = &tasks->frames[task->frame_at + i];
        struct gs_frame_info info = {.function = "<unknown code>", .file = ""};
        if (frame->kind == GS_FRAME_GAP)
            info.function = gs_gap_text((enum gs_gap)frame->gap);
        else if (!lookup->frame(lookup->context, frame, &info))
            info = (struct gs_frame_info){.function = "<unknown code>", .file = ""};
        const bool told = info.file && !is_library(info.file);
        if (i == 0 || told)
            *place = info;
        if (told)
            break;
    }
    return task->frame_count > 0;
}
