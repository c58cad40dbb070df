/* Files of a target's source. Their names come out of its memory, which may name any file: what neither the target's
 * user nor everybody may read is not opened, whoever we are. */
#ifndef GS_TARGET_SOURCE_FILE_H
#define GS_TARGET_SOURCE_FILE_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* For reading, a regular file, found from the root of the process on, out of which no link leads. Where the process of
 * that number is another one now, or none (start_ticks tells, as in a gs_sampled_process), from our own root on, as
 * somebody without rights if we are root. path: absolute. -1 and errno: it is not to be had. */
int gs_source_open(pid_t pid, uint64_t start_ticks, const char *path, struct stat *st);

#endif
