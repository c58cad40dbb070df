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
    uint64_t native_ns[GS_WHY_GILS]; /* when the hold began of which the C stack was last taken */
    uint64_t begin_cpu_ns, begin_ns;
    enum gs_native_scope native; /* of the last look, for the dump */
    enum gs_status ended;        /* why the process is gone, GS_OK: it is there */
};

/* Opens the process, or the core that args name, and takes the first look. To be closed in any case. */
enum gs_status gs_inquiry_open(struct gs_inquiry *inquiry, pid_t pid, const struct gs_args *args,
                               struct gs_err *err) GS_MUST_CHECK;
/* One more look; GS_OK also when it failed for once. */
enum gs_status gs_inquiry_look(struct gs_inquiry *inquiry) GS_MUST_CHECK;
/* The last look, and the verdicts of all of them. */
enum gs_status gs_inquiry_judge(struct gs_inquiry *inquiry) GS_MUST_CHECK;
void gs_inquiry_close(struct gs_inquiry *inquiry);

#endif
