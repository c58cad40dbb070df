/* The processes that are watched to find out why they hang or crawl: named, started, or a core. */
#ifndef GS_CMD_INQUIRIES_H
#define GS_CMD_INQUIRIES_H

#include <signal.h>

#include "cmd/inquiry.h"
#include "cmd/spawn.h"

struct gs_kin;

struct gs_inquiries {
    const struct gs_args *args;
    struct gs_inquiry **list;
    size_t count, room;
    struct gs_spawn spawn;
    struct gs_kin *kin; /* of the program that was started */
    bool spawned;
    uint64_t begin_ns; /* when it was */
    sigset_t waiting;
};

/* Opens what args name, or starts the program; tells on stderr which of several processes cannot be opened (*exit).
 * GS_OK: there is something to watch, or to be waited for. To be closed in any case. */
enum gs_status gs_inquiries_open(struct gs_inquiries *all, const struct gs_args *args, int *exit,
                                 struct gs_err *err) GS_MUST_CHECK;
/* Looks at all of them until the time is over, nobody is left, or a signal ends it. GS_GONE: the program was no Python
 * until then. */
enum gs_status gs_inquiries_watch(struct gs_inquiries *all, struct gs_err *err) GS_MUST_CHECK;
/* Closes them, and waits for the end of the program that was started: its exit status; -1: none was. */
int gs_inquiries_close(struct gs_inquiries *all);

#endif
