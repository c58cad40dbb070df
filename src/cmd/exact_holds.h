/* What the holder of a GIL does, looked up while it holds it. */
#ifndef GS_CMD_EXACT_HOLDS_H
#define GS_CMD_EXACT_HOLDS_H

#include "cmd/look.h"

/* Where the thread was seen to hold its GIL. */
struct gs_seen_hold {
    struct gs_place place;  /* its innermost Python frame; the strings hold until the next look */
    struct gs_place native; /* the C function that this one called; function NULL: none, or not known */
};

/* Takes a snapshot with the C stack of that thread. False: it does not hold a GIL, or its stack is not known. The
 * snapshot (NULL: none could be taken) is told in any case. */
bool gs_exact_look(struct gs_look *look, pid_t tid, struct gs_seen_hold *seen, const struct gs_snapshot **snapshot);

#endif
