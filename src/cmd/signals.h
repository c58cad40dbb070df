/* Ending in order: INT, TERM and HUP end a run as its duration would. */
#ifndef GS_CMD_SIGNALS_H
#define GS_CMD_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* From now on these signals are only remembered, and delivered in ppoll and gs_signals_sleep alone; `waiting` is the
 * mask for that. */
void gs_signals_catch(sigset_t *waiting);
/* One of them has arrived. */
bool gs_signals_ended(void);
/* Which of them a process sent since this was asked the last time, or, if `terminal`, the kernel for a terminal; 0:
 * none. */
int gs_signals_sent(bool terminal);
/* The end of a child ends gs_signals_sleep too. */
void gs_signals_wake_for_children(void);
/* Sleeps until a moment of CLOCK_MONOTONIC; false when a signal ended it. */
bool gs_signals_sleep(uint64_t until_ns, const sigset_t *waiting);
/* The same, or until fd (-1: none) can be read; true when that or a signal ended it. */
bool gs_signals_wait(uint64_t until_ns, int fd, const sigset_t *waiting);
/* Waits without sleep where that is better, and lets no signal in; false: it is not, and nothing was waited for. */
bool gs_signals_awake(uint64_t until_ns);

#endif
