/* The processes that are watched to find out why they hang or crawl: named, started, or a core. */
#ifndef GS_SESSION_WHY_RUN_H
#define GS_SESSION_WHY_RUN_H

#include "session/family.h"
#include "session/loop.h"
#include "base/pace.h"
#include "session/why_session.h"

struct gs_why_run_options {
    struct gs_family_options family; /* verb, depths, at_once and hopeless are set by the run */
    struct gs_why_session_options each;
    double rate_hz;
    uint64_t duration_us; /* 0: the usual two seconds */
};

struct gs_why_run {
    struct gs_why_run_options options;
    struct gs_family family;
    struct gs_loop loop;
    struct gs_why_session **list;
    size_t count, room;
    struct gs_pace pace;
    uint64_t begin_ns, middle_ns, end_ns; /* middle: when what is waited for is read anew; UINT64_MAX: it was */
    uint64_t next_ns, followed_ns;
    struct gs_err *err; /* of the loop */
};

/* Opens what the options name, or starts the program; tells which of several processes cannot be opened (*exit).
 * GS_OK: there is something to watch, or to be waited for. Not to be moved; to be closed in any case. */
enum gs_status gs_why_run_open(struct gs_why_run *run, const struct gs_why_run_options *options, int *exit,
                               struct gs_err *err) GS_MUST_CHECK;
/* Looks at all of them until the time is over, nobody is left, or a signal ends it; at a core it does not. GS_GONE: the
 * program was no Python until then. */
enum gs_status gs_why_run_watch(struct gs_why_run *run, struct gs_err *err) GS_MUST_CHECK;
/* Closes them, and waits for the end of the program that was started: its exit status; -1: none was. */
int gs_why_run_close(struct gs_why_run *run);

#endif
