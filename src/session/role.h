/* What a process is for, in a few words: what it runs, whether it minds others or is one of those who work. */
#ifndef GS_SESSION_ROLE_H
#define GS_SESSION_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* One of the processes that are looked at together. */
struct gs_role_member {
    pid_t pid, parent;    /* parent 0: not known */
    char *const *command; /* NULL-terminated, what looks secret hidden */
    char *program;        /* out: as of gs_role_program */
    char *role;           /* out: malloc'ed; NULL: out of memory */
    bool helper;          /* out: as of gs_role_program */
    bool master;          /* out: it minds others of them, and nobody minds it */
};

/* Finds the roles of all of them. False: out of memory. To be freed in any case. */
bool gs_roles_find(struct gs_role_member *members, size_t count);
void gs_roles_free(struct gs_role_member *members, size_t count);

/* What a command line runs: "app.py", "http.server", "gunicorn: worker [app]" (a title that the process gave itself);
 * of the workers of multiprocessing, execnet and such, whose command lines say nothing, what they are: *helper.
 * malloc'ed; NULL: out of memory. */
char *gs_role_program(char *const *command, bool *helper);
/* 0: not known. */
pid_t gs_role_parent(pid_t pid);

#endif
