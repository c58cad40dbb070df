/* The numbers that processes have in containers. */
#ifndef GS_TARGET_NESTED_H
#define GS_TARGET_NESTED_H

#include "gilspy/target.h"

/* Adds to the failure of opening `pid`, which nothing can be done about, under which number from here the Python is
 * found that has that number in a container. Reads all of /proc: for a number that the user has given. */
void gs_nested_hint(struct gs_err *err, enum gs_status status, pid_t pid);

#endif
