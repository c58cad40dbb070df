/* How soon we get a processor after a sleep. */
#ifndef GS_BASE_SLICE_H
#define GS_BASE_SLICE_H

/* Asks the scheduler for short slices, and so for an early turn: who takes 100 us at a time may go before whoever
 * computes (EEVDF; sched_setattr with SCHED_OTHER and sched_runtime, kernel/sched/fair.c, Linux 6.12). It takes no
 * rights and no more of a processor. What we start does not inherit it, and keeps the priority that we were given: with
 * another policy, or a negative nice value, all stays as it is. Of this thread only; older kernels leave all as it was.
 */
void gs_slice_shorten(void);

#endif
