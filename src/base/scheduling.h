/* How soon we get a processor. */
#ifndef GS_BASE_SCHEDULING_H
#define GS_BASE_SCHEDULING_H

#include <stdbool.h>
#include <stdint.h>

/* Asks the scheduler for short slices, and so for an early turn: who takes 100 us at a time may go before whoever
 * computes (EEVDF; sched_setattr with SCHED_OTHER and sched_runtime, kernel/sched/fair.c, Linux 6.12). It takes no
 * rights and no more of a processor. What we start does not inherit it, and keeps the priority that we were given: with
 * another policy, or a negative nice value, all stays as it is. Of this thread only; older kernels leave all as it was.
 */
void gs_scheduling_shorten(void);

/* How this thread was scheduled before. */
struct gs_scheduling {
    bool urgent; /* it is not now */
    uint64_t slice_ns, flags;
    int32_t nice;
};

/* Puts this thread before all that have no priority of their own (SCHED_FIFO, the lowest priority), for microseconds in
 * which somebody stands still for us. It takes CAP_SYS_NICE or RLIMIT_RTPRIO; without, or with another policy than
 * SCHED_OTHER, all stays as it is. What we start meanwhile does not inherit it. */
void gs_scheduling_hurry(struct gs_scheduling *before);
/* The end of that. */
void gs_scheduling_calm(struct gs_scheduling *before);

#endif
