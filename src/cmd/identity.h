/* What everybody may know of a process, read from procfs without touching its memory. */
#ifndef GS_CMD_IDENTITY_H
#define GS_CMD_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

struct gs_identity {
    char comm[64];
    char state; /* R, S, D, ... */
    uid_t uid;
    pid_t ns_pid;
};

/* False: it has ended. */
bool gs_identity_read(struct gs_identity *identity, pid_t pid);
/* It is called like a Python, by its program where that may be read, else by its name. */
bool gs_identity_is_python(const struct gs_identity *identity, pid_t pid);
/* The user's name, or number; malloc'ed, NULL when out of memory. */
char *gs_identity_user(const struct gs_identity *identity);

#endif
