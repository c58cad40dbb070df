/* Watching one process to find out why it hangs or crawls. */
#ifndef GS_CMD_INQUIRY_H
#define GS_CMD_INQUIRY_H

#include "cmd/look.h"
#include "diagnose/why_waits.h"

struct gs_inquiry {
    struct gs_look *look; /* owned */
    struct gs_why_watch watch;
    struct gs_waits before;
    struct gs_case facts;
    struct gs_waits now;
    struct gs_why why;
    struct gs_args args; /* as given, but for C stacks: these are taken of a few threads at a few moments */
    struct gs_why_closer closers[GS_WHY_CLOSERS];
    uint64_t native_ns[GS_WHY_GILS];            /* when the hold began of which the C stack was last taken */
    uint64_t begin_cpu_ns, begin_ns, before_ns; /* before: when the waits before were read */
    enum gs_native_scope native;                /* of the last look, for the dump */
    enum gs_status ended;                       /* why the process is gone, GS_OK: it is there */
};

/* Opens the process, or the core that args name, and takes the first look; with GS_LOOK_GLANCE GS_LOST when that did
 * not succeed at once. To be closed in any case, and not to be moved. */
enum gs_status gs_inquiry_open(struct gs_inquiry *inquiry, pid_t pid, const struct gs_args *args,
                               enum gs_look_depth depth, struct gs_err *err) GS_MUST_CHECK;
/* One more look; GS_OK also when it failed for once. */
enum gs_status gs_inquiry_look(struct gs_inquiry *inquiry) GS_MUST_CHECK;
/* Reads anew what the threads wait for: with that the waits at the end are compared. */
enum gs_status gs_inquiry_remember(struct gs_inquiry *inquiry) GS_MUST_CHECK;
/* The last look, and the verdicts of all of them. */
enum gs_status gs_inquiry_judge(struct gs_inquiry *inquiry) GS_MUST_CHECK;
void gs_inquiry_close(struct gs_inquiry *inquiry);

#endif
