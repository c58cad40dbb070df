/* Steps that may never end, because the kernel waits for somebody who does not answer (a dead mount, a page that never
 * comes, a lock of a process that hangs), and work that is given up when one of them takes too long.
 *
 * A thread that waits in the kernel cannot be called back. So the work runs in a thread of its own, which is left
 * behind, with everything that it may still touch: nothing of that is to be freed. */
#ifndef GS_BASE_WATCH_H
#define GS_BASE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gilspy/status.h"

struct gs_watch;

/* A step that got stuck. */
struct gs_stuck {
    const char *what; /* NULL: none did, the work is done */
    uint64_t addr, len;
    bool spare;   /* the work can be done without it */
    pid_t tid;    /* of our thread that waits */
    bool holding; /* a thread of the process stands still until we end */
};

/* For work that is done anew: `before` is the watch of the work that was left behind at `stuck`, which this one avoids
 * too; both NULL the first time. NULL: out of memory. */
struct gs_watch *gs_watch_new(const struct gs_watch *before, const struct gs_stuck *stuck);
/* Not when work was left behind. */
void gs_watch_free(struct gs_watch *watch);

/* Around each step that may wait, in the thread that works. what: as "reading its memory", a text that stays as long as
 * the program; [addr, addr + len): what is read, and can be left out; both 0: the work cannot be done without this
 * step. A step within another is part of that one. watch may be NULL. */
void gs_watch_enter(struct gs_watch *watch, const char *what, uint64_t addr, uint64_t len);
/* The same around a step that can be left out. False: one of that name got stuck before, it is to be left out now, and
 * there is nothing to leave. */
bool gs_watch_enter_spare(struct gs_watch *watch, const char *what);
void gs_watch_leave(struct gs_watch *watch);
/* While a thread of the process stands still for us, the work must not be left behind: whoever is stopped goes on only
 * when the thread that stopped it ends. */
void gs_watch_hold(struct gs_watch *watch, bool holding);

/* A step got stuck before: small steps are to be taken, so that it is known which of them it is. */
bool gs_watch_careful(const struct gs_watch *watch);
/* A step that read something of [addr, addr + len) got stuck: it is not to be read. */
bool gs_watch_avoids(const struct gs_watch *watch, uint64_t addr, uint64_t len);
/* Runs work(context) in a thread of its own until it is done, and returns what it returned; or until a step of it takes
 * longer than 2 s: then stuck is filled and GS_FAILED returned, and the watch is not to be used again. */
enum gs_status gs_watch_run(struct gs_watch *watch, enum gs_status (*work)(void *context), void *context,
                            struct gs_stuck *stuck) GS_MUST_CHECK;

/* From now on calls give_up once, from another thread, which all that are guarded share, when a step of the calling
 * thread takes longer than 2 s: for work that cannot be left behind. Both are called by one thread alone. */
enum gs_status gs_watch_guard(struct gs_watch *watch, void (*give_up)(const struct gs_stuck *stuck, void *context),
                              void *context) GS_MUST_CHECK;
/* From give_up alone: the thread that is stuck goes no further when its step ends, and nothing that it may still write
 * to is to be freed. False: it has just ended. */
bool gs_watch_abandon(struct gs_watch *watch) GS_MUST_CHECK;
/* Ends that, if it was begun; before the watch is freed. */
void gs_watch_unguard(struct gs_watch *watch);

#endif
