/* The watches on all threads of a process, and the rings that they write to, for the sources of this folder. */
#ifndef GS_TRACE_PERF_WATCHPOINTS_H
#define GS_TRACE_PERF_WATCHPOINTS_H

#include "target/seize.h"
#include "trace/gauges.h"
#include "trace/tracer.h"

struct gs_watchpoints_ring {
    struct gs_ring ring;
    int fd; /* whose ring it is */
    int cpu;
    bool told; /* it was full, and nothing came since */
};

/* A descriptor of a gauge. */
struct gs_watchpoints_gauge {
    uint64_t id;
    int fd;
    uint8_t gauge;
};

/* What there is to know of it elsewhere than where the descriptors are. */
struct gs_watchpoints_facts {
    struct gs_gil_addresses addresses;
    struct gs_gauges gauges;
    struct gs_watchpoints_gauge *gauge_list; /* by id, as the kernel gives them in ascending order */
    size_t gauge_count, gauge_room;
    pid_t *late; /* threads that were found in a second list: they may be watched twice */
    size_t late_count, late_room;
    size_t threads, watches; /* that were opened, descriptors of words */
    bool per_cpu;            /* a ring for each processor; otherwise for each thread */
    bool switches;           /* wanted, and possible */
    bool waits_refused;
};

struct gs_watchpoints {
    struct gs_watchpoints_facts facts;
    int *watches; /* descriptors */
    size_t watch_count, watch_room;
    struct gs_watchpoints_ring *rings;
    size_t ring_count, ring_room;
    pid_t *covered; /* threads that were opened, in ascending order */
    size_t covered_count, covered_room;
};

/* Records say of which descriptor they are: only so gauges are told from watches. */
static inline bool gs_watchpoints_has_ids(const struct gs_watchpoints_facts *facts)
{
    return gs_gauges_count(&facts->gauges) > 0;
}

/* What is to be opened: the words, and the gauges that can be had. Errors as gs_tracer_open. */
enum gs_status gs_watchpoints_plan(struct gs_watchpoints_facts *facts, const struct gs_python *python,
                                   const struct gs_tracer_options *options, struct gs_err *err) GS_MUST_CHECK;
/* Frees the lists. */
void gs_watchpoints_facts_fini(struct gs_watchpoints_facts *facts);

/* Opens a disabled watch for each address on each thread, and the gauges: as planned in watchpoints->facts, the rest of
 * which is filled. Errors as gs_tracer_open. */
enum gs_status gs_watchpoints_open(struct gs_watchpoints *watchpoints, const struct gs_target *target,
                                   struct gs_err *err) GS_MUST_CHECK;
void gs_watchpoints_close(struct gs_watchpoints *watchpoints);

/* So many descriptors may be had, of which some are left alone. */
size_t gs_watchpoints_files(void);
/* What the kernel says when it does not let an address be watched: reason is the errno; ours: not even our own. Returns
 * the status. */
enum gs_status gs_watchpoints_refused(int reason, bool ours, pid_t pid, struct gs_err *err);
/* The kernel is one before 5.13. */
enum gs_status gs_watchpoints_too_old(pid_t pid, struct gs_err *err);
/* A thread cannot be guarded. */
enum gs_status gs_watchpoints_unguarded(const struct gs_seize_refusal *refusal, pid_t pid, struct gs_err *err);
/* There are more threads than descriptors (EMFILE), or memory that may be locked. */
enum gs_status gs_watchpoints_too_many(int reason, pid_t pid, size_t files, size_t threads, struct gs_err *err);

#endif
