/* The live view of one process. */
#ifndef GS_VIEW_TOP_H
#define GS_VIEW_TOP_H

#include <signal.h>

#include "export/dump.h"

struct gs_top {
    struct gs_target *target;
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_names *names;
    struct gs_lookup lookup;
    double rate_hz;       /* infinite: one sample after the other */
    uint64_t duration_ns; /* 0: until the user ends it */
    bool text;            /* no screen: lines to console when the duration is over */
    const struct gs_console *console;
    const sigset_t *waiting; /* the signals to be let in while it waits */
    bool (*ended)(void);     /* one of them has come */
};

/* Runs until q, a signal, the duration or the end of the process. GS_OK; GS_GONE or GS_EXECED when the process
 * ended after at least one sample was taken; what else made it fail, err filled. The terminal is as before. */
enum gs_status gs_top_run(const struct gs_top *top, struct gs_err *err) GS_MUST_CHECK;

#endif
