/* A program that is started to be looked at. */
#ifndef GS_SESSION_SPAWN_H
#define GS_SESSION_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "gilspy/status.h"

struct gs_spawn {
    pid_t pid;
    bool apart; /* it is not in our terminal's session: what signals that sends are ours alone */
    bool ended;
    int exit; /* once it has ended: its exit status, or 128 + the signal that ended it */
};

struct gs_spawn_manner {
    /* A name or a number; NULL: as ourselves. Another user's program is in no session with our terminal, where it could
     * type for us (TIOCSTI), and finds HOME, USER and LOGNAME as its own. */
    const char *user;
    bool foster; /* descendants of it whose parent ends become our children */
    int output;  /* what it writes goes to this file, and it has no terminal; 0: it has ours */
};

/* Starts argv[0] with the signals and the environment that we were given. Before gs_signals_catch. GS_FAILED,
 * GS_NOT_PERMITTED with err filled. */
enum gs_status gs_spawn_start(struct gs_spawn *spawn, char *const argv[], const struct gs_spawn_manner *manner,
                              struct gs_err *err) GS_MUST_CHECK;
/* Waits for its end, and passes on to it what signals come: its exit status. */
int gs_spawn_wait(struct gs_spawn *spawn);
/* Whether it has ended by now. Orphans that have ended are buried, too. */
bool gs_spawn_ended(struct gs_spawn *spawn);

#endif
