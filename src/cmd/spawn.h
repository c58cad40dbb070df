/* A program that is started to be looked at. */
#ifndef GS_CMD_SPAWN_H
#define GS_CMD_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "gilspy/status.h"

struct gs_spawn {
    pid_t pid;
    bool ended;
    int exit; /* once it has ended: its exit status, or 128 + the signal that ended it */
};

/* Starts argv[0] with the terminal, the signals and the environment that we were given; as `user` (a name or a number)
 * unless that is NULL. With foster, descendants of it whose parent ends become our children. Before gs_signals_catch.
 * GS_FAILED, GS_NOT_PERMITTED with err filled. */
enum gs_status gs_spawn_start(struct gs_spawn *spawn, char *const argv[], const char *user, bool foster,
                              struct gs_err *err) GS_MUST_CHECK;
/* Whether it has ended by now. Orphans that have ended are buried, too. */
bool gs_spawn_ended(struct gs_spawn *spawn);

#endif
