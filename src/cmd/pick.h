/* No process was named: the Python processes that there are, to choose one. */
#ifndef GS_CMD_PICK_H
#define GS_CMD_PICK_H

#include "cmd/args.h"

/* On a terminal: *pid is the one chosen, 0 when the user quit. Elsewhere the list is printed as help to the message
 * that one must be named. Returns the exit status where there is no pid. */
int gs_pick(const struct gs_args *args, pid_t *pid);

#endif
