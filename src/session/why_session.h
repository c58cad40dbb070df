/* Watching processes to find out why they hang or crawl. */
#ifndef GS_SESSION_WHY_SESSION_H
#define GS_SESSION_WHY_SESSION_H

#include "diagnose/why_loops.h"
#include "diagnose/why_natives.h"
#include "diagnose/why_waits.h"
#include "gil/lock_account.h"
#include "session/attach.h"
#include "session/lock_looks.h"
#include "session/why_files.h"
#include "session/why_origin.h"

struct gs_why_session {
    struct gs_attach *attach;
    struct gs_why_watch watch;
    struct gs_lock_account *locks;
    struct gs_lock_finder finder;
    struct gs_gilstat lock_costs;
    struct gs_bounds_span lock_span;
    uint64_t lock_look_ns;        /* the last look that locks has */
    struct gs_tasks tasks_before; /* when the watch began */
    struct gs_waits before, last; /* last: as read last, to see which locks go round */
    struct gs_locks_passed passed;
    struct gs_why_loops loops;
    struct gs_why_natives natives;
    struct gs_why_origin origin;
    struct gs_why_files files;
    struct gs_case facts;
    struct gs_waits now;
    struct gs_why why;
    struct gs_why_closer closers[GS_WHY_CLOSERS];
    uint64_t native_ns[GS_GILS_MOST];           /* when the hold began of which the C stack was last taken */
    uint64_t begin_cpu_ns, begin_ns, before_ns; /* before: when the waits before were read */
    uint64_t locks_ns;                          /* when they are to be read next */
    enum gs_native_scope native;                /* of the last look: before it C stacks are taken of a few threads */
    enum gs_status ended;                       /* why the process is gone, GS_OK: it is there */
};

struct gs_why_session_options {
    const char *const *patterns; /* verdicts on these threads are wanted */
    size_t pattern_count;
    enum gs_native_scope native;
};

/* Takes the first look at a process that was opened, with GS_ATTACH_GLANCE or deeper, without C stacks; a core's with
 * those that are wanted. GS_LOST: there is no snapshot of it. To be closed in any case, and not to be moved; attach
 * must outlive it. */
enum gs_status gs_why_session_open(struct gs_why_session *session, struct gs_attach *attach,
                                   const struct gs_why_session_options *options) GS_MUST_CHECK;
/* One more look; GS_OK also when it failed for once. */
enum gs_status gs_why_session_look(struct gs_why_session *session) GS_MUST_CHECK;
/* Reads anew what the threads wait for: with that the waits at the end are compared. */
enum gs_status gs_why_session_remember(struct gs_why_session *session) GS_MUST_CHECK;
/* The last look, and the verdicts of all of them. */
enum gs_status gs_why_session_judge(struct gs_why_session *session) GS_MUST_CHECK;
void gs_why_session_close(struct gs_why_session *session);

#endif
