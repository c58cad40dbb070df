/* Where a file is to be written: its directory, opened once, and its name in there. Whoever may write to a directory on
 * the way cannot lead a writer with more rights astray: links are followed one by one, and what is done afterwards is
 * done relative to the directory, whatever its path leads to by then. */
#ifndef GS_BASE_DESTINATION_H
#define GS_BASE_DESTINATION_H

#include <stdbool.h>
#include <sys/stat.h>

#include "gilspy/status.h"

struct gs_destination {
    int folder;        /* O_PATH; -1: none */
    char *path;        /* as it was walked, links followed: for messages */
    const char *name;  /* in the folder: the end of path */
    bool exists;       /* something stands there: */
    struct stat there; /* this; no symbolic link, unless it is one of /proc */
    bool kernels;      /* it is one of /proc, which the kernel follows, and `there` is what it leads to */
};

/* Walks `path`, from the folder of `in` on (NULL: from the current one). The last component need not exist, and a link
 * that leads nowhere means the file that it names. In a directory that others may write to (by its mode, for group or
 * others) a link is followed only if it is the caller's or the owner's of that directory: what the kernel does in
 * sticky directories with fs.protected_symlinks, whatever that is set to (fs/namei.c, may_follow_link). GS_OUTPUT: err
 * tells why not; nothing is to be closed then. */
enum gs_status gs_destination_find(struct gs_destination *to, const struct gs_destination *in, const char *path,
                                   struct gs_err *err) GS_MUST_CHECK;
/* The same, but whatever the last component names is not looked at: it is about the folder alone. */
enum gs_status gs_destination_folder(struct gs_destination *to, const char *path, struct gs_err *err) GS_MUST_CHECK;
void gs_destination_close(struct gs_destination *to);

/* The directory is one that others may write to, and the file there is neither the caller's nor the directory's
 * owner's: anybody may have put it there. */
bool gs_destination_foreign(const struct gs_destination *to, const struct stat *file);

#endif
