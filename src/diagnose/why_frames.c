/* Compares what a frame is called, and finds the one whose name says something. */
#include <stdio.h>
#include <string.h>

#include "diagnose/why_frames.h"

static bool in_file(const char *path, const char *file)
{
    size_t path_len = strlen(path), len = strlen(file);
    if (path[0] == '<')
        return strstr(path, file) != NULL;
    return path_len >= len && strcmp(path + path_len - len, file) == 0 &&
           (path_len == len || path[path_len - len - 1] == '/');
}

bool gs_frame_is(const struct gs_why_lookup *lookup, const struct gs_frame *frame, const char *file,
                 const char *function)
{
    struct gs_place place;
    return frame->kind == GS_FRAME_PYTHON && lookup->place(lookup->context, frame, &place) &&
           strcmp(place.function, function) == 0 && in_file(place.file, file);
}

bool gs_why_closer_name(const struct gs_frame *frames, size_t count, struct gs_native *natives,
                        struct gs_why_closer *found)
{
    struct gs_native_telling telling = {.count = 0};
    size_t i = 0;
    for (; i < count && frames[i].kind == GS_FRAME_NATIVE && !telling.done; i++) {
        const struct gs_native_name *name = gs_native_name(natives, frames[i].code);
        gs_native_tell(&telling, name->function, name->module);
    }
    /* Python itself called what serves: then that is what it does. Where the stack breaks off, its caller is not known.
     */
    bool called = i < count && frames[i].kind == GS_FRAME_PYTHON;
    if (telling.count == 0 || !(telling.tells || called))
        return false;
    const struct gs_native_name *best = gs_native_name(natives, frames[telling.told].code);
    snprintf(found->function, sizeof found->function, "%s", best->function);
    snprintf(found->module, sizeof found->module, "%s", best->module);
    return true;
}

const struct gs_why_closer *gs_case_closer(const struct gs_case *c, pid_t tid)
{
    for (size_t i = c->closer_count; i > 0; i--) {
        if (c->closers[i - 1].tid == tid)
            return &c->closers[i - 1];
    }
    return NULL;
}
