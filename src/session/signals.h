/* Ending in order: INT, TERM and HUP end a run as its duration would, and so does whoever controls it (control.h). */
#ifndef GS_SESSION_SIGNALS_H
#define GS_SESSION_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* From now on these signals are only remembered, and delivered in gs_signals_wait and gs_signals_sleep alone. May be
 * called again. */
void gs_signals_catch(void);
/* One of them has arrived, or the one in control is gone. */
bool gs_signals_ended(void);
/* When the first of them did; else now. */
uint64_t gs_signals_ended_ns(void);
/* From now on HUP ends nothing: it is asked for by this, which is true once for each. Before gs_signals_catch. */
bool gs_signals_reload(void);
/* Which of them a process sent since this was asked the last time, or, if `terminal`, the kernel for a terminal; 0:
 * none. */
int gs_signals_sent(bool terminal);
/* The end of a child ends gs_signals_sleep too. */
void gs_signals_wake_for_children(void);
/* Sleeps until a moment of CLOCK_MONOTONIC; false when a signal ended it. */
bool gs_signals_sleep(uint64_t until_ns);
/* The same, or until fd (-1: none) can be read; true when that or a signal ended it. */
bool gs_signals_wait(uint64_t until_ns, int fd);
/* Waits without sleep where that is better, and lets no signal in; false: it is not, and nothing was waited for. */
bool gs_signals_awake(uint64_t until_ns);

#endif
