/* The formats of recordings: each is a row of this table and a file of its own, and takes samples as a gs_sink. */
#ifndef GS_EXPORT_FORMAT_H
#define GS_EXPORT_FORMAT_H

#include <stdio.h>

#include "profile/modes.h"

struct gs_difference;

struct gs_format {
    const char *name, *other_name; /* other_name: as users of py-spy call it, or NULL */
    const char *extensions;        /* ".folded .txt": separated by blanks; "": it has none, and goes to stdout */
    const char *summary;           /* one line */
    const char *how;               /* to open it, NULL: who asks for it knows */
    bool folder;                   /* it is one of several files: out is that of its index.html */
    /* A sink that writes to out (not owned, not closed); selection must outlive it. It keeps what it needs in flat
     * memory, and writes what it could not write before when `end` is called. Errors of the stream stay in it. */
    enum gs_status (*open)(struct gs_sink **sink, FILE *out, const struct gs_selection *selection);
    void (*close)(struct gs_sink *sink);
    /* Writes the difference of two recordings; NULL: it cannot. */
    enum gs_status (*diff)(const struct gs_difference *difference, FILE *out);
};

extern const struct gs_format *const gs_formats[]; /* NULL at the end */

/* By either name; NULL: there is none. */
const struct gs_format *gs_format_find(const char *name);
/* By the file's extension, the longest that fits; NULL: none does. */
const struct gs_format *gs_format_of_file(const char *path);

#endif
