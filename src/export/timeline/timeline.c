/* The table of the formats of timelines. */
#include <string.h>

#include "export/timeline/timeline.h"

const struct gs_timeline_format *const gs_timeline_formats[] = {&gs_timeline_chrome, &gs_timeline_html, NULL};

const struct gs_timeline_format *gs_timeline_find(const char *name)
{
    for (size_t i = 0; gs_timeline_formats[i]; i++) {
        const char *other = gs_timeline_formats[i]->other_name;
        if (strcmp(gs_timeline_formats[i]->name, name) == 0 || (other && strcmp(other, name) == 0))
            return gs_timeline_formats[i];
    }
    return NULL;
}

const struct gs_timeline_format *gs_timeline_of_file(const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; gs_timeline_formats[i]; i++) {
        const char *at = gs_timeline_formats[i]->extensions;
        while (*at) {
            size_t size = strcspn(at, " ");
            if (size < len && strncmp(path + len - size, at, size) == 0)
                return gs_timeline_formats[i];
            at += size + strspn(at + size, " ");
        }
    }
    return NULL;
}
