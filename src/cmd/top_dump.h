/* The file that w writes on the screen of top. */
#ifndef GS_CMD_TOP_DUMP_H
#define GS_CMD_TOP_DUMP_H

#include "cmd/args.h"

/* Writes what `gilspy dump` shows of these processes now into a new file here, and what came of it into note. */
void gs_top_dump(const struct gs_args *args, const pid_t *pids, size_t count, char *note, size_t size);

#endif
