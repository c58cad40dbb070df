/* Opening a file whose path others chose: only if it is a regular one. */
#ifndef GS_BASE_REGULAR_H
#define GS_BASE_REGULAR_H

#include <sys/stat.h>

/* For reading; -1 and errno: it cannot be had, or it is something else, which st then describes (st_mode is 0 where
 * nothing is known), and has not been opened: to open a FIFO or a device may do something or hold us up. */
int gs_open_regular(const char *path, struct stat *st);

#endif
