/* The table of formats. */
#include <string.h>

#include "export/formats.h"

const struct gs_format *const gs_formats[] = {&gs_format_svg,
                                              &gs_format_html,
                                              &gs_format_folded,
                                              &gs_format_speedscope,
                                              &gs_format_chrome,
                                              &gs_format_source,
                                              &gs_format_gecko,
                                              &gs_format_pprof,
                                              &gs_format_callgrind,
                                              &gs_format_pstats,
                                              &gs_format_jsonl,
                                              &gs_format_stat,
                                              NULL};

const struct gs_format *gs_format_find(const char *name)
{
    for (size_t i = 0; gs_formats[i]; i++) {
        const char *other = gs_formats[i]->other_name;
        if (strcmp(gs_formats[i]->name, name) == 0 || (other && strcmp(other, name) == 0))
            return gs_formats[i];
    }
    return NULL;
}

/* The length of the longest of the format's extensions that the path ends in; 0: none. */
static size_t ending(const struct gs_format *format, const char *path)
{
    size_t len = strlen(path), longest = 0;
    const char *at = format->extensions;
    while (*at) {
        size_t size = strcspn(at, " ");
        if (size > longest && size < len && strncmp(path + len - size, at, size) == 0)
            longest = size;
        at += size + strspn(at + size, " ");
    }
    return longest;
}

const struct gs_format *gs_format_of_file(const char *path)
{
    const struct gs_format *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; gs_formats[i]; i++) {
        size_t len = ending(gs_formats[i], path);
        if (len > longest) {
            longest = len;
            best = gs_formats[i];
        }
    }
    return best;
}
