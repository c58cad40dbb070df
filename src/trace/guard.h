/* The process that watches: a child of ours, of one thread, which is the tracer of every thread (target/seize.h), owns
 * the watches and their rings, and does nothing else. When we end, however that comes, it disables and closes them, and
 * lets the threads go. When it is killed, the kernel closes its files before it lets go of those that it traces
 * (do_exit in kernel/exit.c, 6.18); nobody else has a copy of them. */
#ifndef GS_TRACE_GUARD_H
#define GS_TRACE_GUARD_H

#include "trace/perf_watchpoints.h"

struct gs_guard;

struct gs_guard_numbers {
    uint64_t hits;   /* of all watches, as the kernel counted them; 0 while they are enabled */
    uint64_t stops;  /* that threads made for the guard: signals, births and the like */
    uint64_t traps;  /* that it took away */
    uint64_t cpu_us; /* that it used */
};

/* What stands between the records of the kernel, as types of their own (struct perf_event_header). */
enum {
    GS_MARK_RING = 0x10000, /* another ring begins; misc: it is known of it that something is missing */
    GS_MARK_FULL,           /* the ring was full when it was looked at */
    GS_MARK_TRAP,           /* a trap was taken away; a gs_guard_moment */
    GS_MARK_LAPSE           /* the watches were disabled without an order, see gs_guard_enable; a gs_guard_moment */
};

struct gs_guard_moment {
    struct perf_event_header header;
    uint64_t time_ns;
};

/* Seizes the threads and opens the watches, of which facts has the plan, and gets the rest. Until it is closed it is
 * the target's stopper, too. Errors as gs_tracer_open. */
enum gs_status gs_guard_open(struct gs_guard **guard, struct gs_watchpoints_facts *facts, struct gs_target *target,
                             struct gs_err *err) GS_MUST_CHECK;
/* Returns when nothing is watched and nobody is traced any more. */
void gs_guard_close(struct gs_guard *guard);
/* The same up to there, and what it counted in all: traps may come after the last drain. GS_UNGUARDED: it was killed.
 */
enum gs_status gs_guard_end(struct gs_guard *guard, struct gs_guard_numbers *numbers) GS_MUST_CHECK;
/* Readable when a ring is half full, a watch wakes, or the guard has ended. */
int gs_guard_wake_fd(const struct gs_guard *guard);

/* All of these: GS_UNGUARDED when it has ended. Who enables must drain within a second, again and again: whoever stands
 * still himself keeps to no budget, so that the guard disables the watches then. */
enum gs_status gs_guard_enable(struct gs_guard *guard, bool on) GS_MUST_CHECK;
enum gs_status gs_guard_count(struct gs_guard *guard, struct gs_guard_numbers *numbers) GS_MUST_CHECK;
/* Empties the rings: calls take for each record and mark, which hold until it returns. What take returned. */
enum gs_status gs_guard_drain(struct gs_guard *guard,
                              enum gs_status (*take)(void *context, const struct perf_event_header *record),
                              void *context) GS_MUST_CHECK;

#endif
