/* Compares what a frame is called. */
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
