/* A run of top, from the first sample until the user has seen enough. */
#ifndef GS_CMD_TOP_H
#define GS_CMD_TOP_H

#include "cmd/args.h"

/* On the terminal, or with args->once as text; returns the exit status. */
int gs_top_watch(const struct gs_args *args);

#endif
