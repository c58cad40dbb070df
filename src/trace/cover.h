/* The watches on all threads of a process, and the rings that they write to, for the sources of this folder. */
#ifndef GS_TRACE_COVER_H
#define GS_TRACE_COVER_H

#include "trace/tracer.h"

struct gs_cover_ring {
    struct gs_ring ring;
    int fd; /* whose ring it is */
    int cpu;
    bool told; /* it was full, and nothing came since */
};

struct gs_cover {
    struct gs_spots spots;
    int *watches; /* descriptors */
    size_t watch_count, watch_room;
    struct gs_cover_ring *rings;
    size_t ring_count, ring_room;
    pid_t *covered; /* threads that were opened, in ascending order */
    size_t covered_count, covered_room;
    pid_t *late; /* of these, those that were found in a second list: they may be watched twice */
    size_t late_count, late_room;
    bool per_cpu;  /* a ring for each processor; otherwise for each thread */
    bool switches; /* wanted, and possible */
    bool waits_refused;
};

/* Opens a disabled watch for each spot on each thread. Errors as gs_tracer_open. */
enum gs_status gs_cover_open(struct gs_cover *cover, const struct gs_python *python, bool switches,
                             struct gs_err *err) GS_MUST_CHECK;
void gs_cover_close(struct gs_cover *cover);

/* What the kernel says when it does not let an address be watched: reason is the errno; ours: not even our own. Returns
 * the status. */
enum gs_status gs_cover_refused(int reason, bool ours, pid_t pid, struct gs_err *err);

#endif
