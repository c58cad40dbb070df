/* dump --merge: the stacks of many processes, and of files. */
#ifndef GS_CMD_DUMP_MERGE_H
#define GS_CMD_DUMP_MERGE_H

#include "cmd/args.h"

/* Returns the exit status. */
int gs_dump_merge(const struct gs_args *args);

#endif
