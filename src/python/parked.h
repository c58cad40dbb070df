/* Who sleeps on CPython's parking lot (Python/parking_lot.c, 3.13 on): the waiters of each PyMutex, of a lock as of any
 * object of a free-threaded build. Each has a `struct wait_entry` on its own stack, linked into a ring, which is proof:
 * an entry that is unlinked has no neighbours (Include/internal/pycore_llist.h). Who still spins has no entry. */
#ifndef GS_PYTHON_PARKED_H
#define GS_PYTHON_PARKED_H

#include "gilspy/layout.h"

struct gs_parked {
    gs_addr entry;     /* 0: none */
    gs_addr argument;  /* of the entry: of who waits for a PyMutex its `struct mutex_entry`, on the same stack */
    gs_addr word;      /* what it waits at */
    bool mutex;        /* which is a PyMutex, and no event or the end of a stopped world */
    uint64_t since_ns; /* CLOCK_MONOTONIC, mutex: when it asked for that */
};

/* The entry of a thread that sleeps on the futex at this address. False: it has none, or is on its way out. */
bool gs_parked_read(const struct gs_layout *layout, struct gs_mem *mem, gs_addr futex, struct gs_parked *parked);

enum { GS_PARKED_MOST = 64 };
/* Which of these (at most GS_PARKED_MOST) wait on as they were read: one call of the kernel for all of them. */
void gs_parked_stay(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_parked *const *list,
                    size_t count, bool *stays);

#endif
