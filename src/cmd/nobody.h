/* What is said when nothing was watched because no Python was met. */
#ifndef GS_CMD_NOBODY_H
#define GS_CMD_NOBODY_H

#include "cmd/args.h"

struct gs_nobody {
    const char *done; /* "recorded": what was done to nobody */
    bool over;        /* the end came first */
    bool due;         /* a look was due before that */
    bool single;      /* one process is looked at, never those that it starts */
};

/* Fills err; GS_GONE. */
enum gs_status gs_nobody_tell(const struct gs_nobody *nobody, const struct gs_args *args, struct gs_err *err);

#endif
