/* Which share of the time a process could run, if it wanted: on a busy machine others have the processors too, and what
 * tracing costs comes out of what is left. */
#ifndef GS_TRACE_CPU_AVAILABLE_H
#define GS_TRACE_CPU_AVAILABLE_H

#include "gilspy/target.h"

struct gs_cpu_available {
    const struct gs_target *target;
    uint64_t time_ns, cpu_ns, kept_ns; /* as of the last look */
    uint64_t next_ns;
    bool looked;
    double share;
};

void gs_cpu_available_init(struct gs_cpu_available *available, const struct gs_target *target);
/* Looks again if it is time to. The share since the look before, 1 before there were two. */
double gs_cpu_available_share(struct gs_cpu_available *available, uint64_t now_ns);
/* Of so much time, in which the process ran for cpu_ns and its threads together were kept from running for kept_ns. */
double gs_cpu_available_judge(uint64_t passed_ns, uint64_t cpu_ns, uint64_t kept_ns);

#endif
