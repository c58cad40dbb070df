/* File names made short enough to read: without what they have in common, and without the way to a library. */
#ifndef GS_EXPORT_FILES_H
#define GS_EXPORT_FILES_H

#include <stddef.h>

/* The directory that all files shown so far lie in; libraries are left out of it. */
struct gs_files {
    const char *first; /* any of the files, NULL: none yet */
    size_t common;     /* how many bytes of it are the common directory with its slash */
};

/* file must live as long as files. */
void gs_files_learn(struct gs_files *files, const char *file);
/* The end of file that is worth showing. */
const char *gs_files_shorten(const struct gs_files *files, const char *file);

#endif
