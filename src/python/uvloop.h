/* uvloop's loop, which is C code: whether it has gone on is told by the clock of its libuv. */
#ifndef GS_PYTHON_UVLOOP_H
#define GS_PYTHON_UVLOOP_H

#include "python/awaits.h"

/* What the clock of the loop that this thread runs shows, in ms: libuv sets it between one kind of callbacks and the
 * next, never while one runs. 0: the thread runs no loop of uvloop. */
uint64_t gs_uvloop_clock_ms(const struct gs_layout *layout, struct gs_mem *mem, gs_addr tstate);

/* The deque that has its callbacks; 0: it is no loop of uvloop, or the deque is not where it is looked for. */
gs_addr gs_uvloop_queue(struct gs_awaits *awaits, gs_addr loop);

#endif
