/* What is known of kinds of terminals. */
#ifndef GS_VIEW_TERMINAL_H
#define GS_VIEW_TERMINAL_H

#include <stdbool.h>

/* terminfo describes this kind of terminal (NULL: none), as one on which a cursor can be moved. */
bool gs_terminal_known(const char *name);

#endif
