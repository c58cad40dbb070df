/* What everybody may know of a process, read from procfs without touching its memory. */
#ifndef GS_SESSION_IDENTITY_H
#define GS_SESSION_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "gilspy/target.h"

struct gs_identity {
    char comm[64];
    uid_t uid;
    pid_t ns_pid;
};

/* False: it has ended. */
bool gs_identity_read(struct gs_identity *identity, pid_t pid);
/* It is called like a Python, or like a server that runs one: by its program where that may be read, its name or its
 * command line; or it maps Python's library. target: as far as it could be opened, or NULL. */
bool gs_identity_is_python(const struct gs_identity *identity, pid_t pid, const struct gs_target *target);
/* It runs the very program that this one is: another gilspy, which has much of a Python in its memory. */
bool gs_identity_is_ours(pid_t pid);
/* The user's name, or number; malloc'ed, NULL when out of memory. */
char *gs_identity_user(const struct gs_identity *identity);

#endif
