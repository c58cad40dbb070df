/* A quick look at every Python process. */
#ifndef GS_SESSION_SURVEY_H
#define GS_SESSION_SURVEY_H

#include "session/attach.h"

struct gs_ps_row {
    pid_t pid, ns_pid;
    char *user;
    char *python;      /* version, NULL: not known */
    const char *build; /* NULL: not known */
    size_t threads;    /* 0: not known */
    enum gs_gil_state gil;
    pid_t holder; /* 0: nobody, or not known */
    char **command;
    size_t command_count;
    bool watchable;
    char *why_not; /* NULL: watchable */
    pid_t parent;  /* 0: not known */
    char *role;    /* as of gs_roles_find, among all rows */
    bool helper;   /* its command line says nothing, the role does */
    size_t depth;  /* in a tree: how many of the rows are above it */
};

struct gs_ps {
    struct gs_ps_row *rows;
    size_t count;
};

void gs_ps_row_fini(struct gs_ps_row *row);
void gs_ps_fini(struct gs_ps *ps);

/* Brings the rows into the order of a tree: each is followed by its children. False: out of memory. */
bool gs_ps_tree(struct gs_ps *ps);

/* The Python processes that there are: those that are listed (the last `found` of which were found, the others named),
 * or, with a count of 0, all. Of all and of those found, what is no Python and what cannot be told is left out. A named
 * process that cannot be shown is told, *exit becomes the status. Free with gs_ps_fini in any case. */
enum gs_status gs_survey(struct gs_ps *ps, const pid_t *pids, size_t count, size_t found,
                         const struct gs_attach_options *options, int *exit, struct gs_err *err) GS_MUST_CHECK;

#endif
