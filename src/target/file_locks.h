/* Locks of files that others have, as the kernel lists them (proc_locks(5)). */
#ifndef GS_TARGET_FILE_LOCKS_H
#define GS_TARGET_FILE_LOCKS_H

#include "gilspy/target.h"

enum { GS_FILE_LOCKS_MOST = 4, GS_FILE_LOCK_PATH = 200 };

struct gs_file_lock {
    pid_t pid;   /* who has it; may be the target itself */
    bool writes; /* else it reads, as others may meanwhile */
    char path[GS_FILE_LOCK_PATH];
};

/* Locks of the file that a descriptor of the target is, by other processes; of flock(2) also by itself. How many. */
size_t gs_file_locks_of(const struct gs_target *target, int fd, struct gs_file_lock list[GS_FILE_LOCKS_MOST]);
/* Locks that make sqlite wait, of the databases that the target has open: those of other processes; where there are
 * none, those that connections of its own write with. */
size_t gs_file_locks_sqlite(const struct gs_target *target, struct gs_file_lock list[GS_FILE_LOCKS_MOST]);

#endif
