/* The processes that a command line means: those that it names, and with -s their children. */
#ifndef GS_CMD_FAMILY_H
#define GS_CMD_FAMILY_H

#include "cmd/args.h"

struct gs_family {
    pid_t *pids; /* a process before its children, none twice */
    size_t count;
    size_t named; /* the first ones were named by the user */
};

enum gs_status gs_family_init(struct gs_family *family, const struct gs_args *args, struct gs_err *err) GS_MUST_CHECK;
void gs_family_fini(struct gs_family *family);

/* The children of a process that look like Python: they run the same program, or one that is called so. */
enum gs_status gs_family_pythons(const struct gs_target *target, pid_t **children, size_t *count) GS_MUST_CHECK;

#endif
