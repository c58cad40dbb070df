/* Whether any thread ran of which that is not known. The kernel adds up the CPU time of each thread, and that of all
 * threads of the process: if the whole grew by no more than those did that were looked at, all others slept. Both are
 * brought up to date at ticks and whenever a thread leaves its CPU, and agree to the nanosecond
 * (kernel/sched/cputime.c, thread_group_cputime, of Linux 6.18). */
#ifndef GS_SAMPLE_CPU_AUDIT_H
#define GS_SAMPLE_CPU_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GS_CPU_TIME_UNKNOWN UINT64_MAX

struct gs_cpu_audit {
    uint64_t checked_ns; /* of the last audit, */
    bool complete;       /* which left no CPU time unaccounted for, maybe after a search */
    bool known;
    uint64_t rest_ns;    /* of the process's time, once known: that of threads that ended or that nobody looks at */
    size_t left;         /* threads that are still to be looked at, because somebody ran */
    uint64_t missing_ns; /* the time of whoever ran that was not found yet, GS_CPU_TIME_UNKNOWN: not known */
};

/* Now rest_ns of the process's time is not that of a thread that was looked at (GS_CPU_TIME_UNKNOWN: not told), of
 * `threads` in all. True: nobody else ran since the last audit that was complete. Otherwise all are to be looked at. */
bool gs_cpu_audit_check(struct gs_cpu_audit *audit, uint64_t rest_ns, size_t threads);
/* One thread was looked at, and had so much more time than when it was before; 0 if that was after the audit. */
void gs_cpu_audit_count(struct gs_cpu_audit *audit, uint64_t more_ns);
/* These are other threads than before: all are to be looked at. */
void gs_cpu_audit_restart(struct gs_cpu_audit *audit, size_t threads);

#endif
