/* What threads that run no Python had of the processors, for the figures of the GIL. */
#ifndef GS_SESSION_STAT_NATIVES_H
#define GS_SESSION_STAT_NATIVES_H

#include "diagnose/why_natives.h"
#include "gil/gilstat.h"

/* One process, from one time that its figures are shown to the next. */
struct gs_stat_natives {
    const struct gs_target *target; /* not owned; NULL: it is no more */
    pid_t pid;
    struct gs_why_natives natives;
    uint64_t cpu_ns; /* of the whole process so far, 0: not known */
};

void gs_stat_natives_begin(struct gs_stat_natives *span, const struct gs_target *target);
/* Fills in stat->natives, for the threads of which it has no row; another span begins. */
void gs_stat_natives_fill(struct gs_stat_natives *span, struct gs_gilstat *stat);
void gs_stat_natives_fini(struct gs_stat_natives *span);

#endif
