/* What the kernel says of a thread beside its system call: its state, where in the kernel it sleeps, since when. */
#ifndef GS_TARGET_KERNEL_STATE_H
#define GS_TARGET_KERNEL_STATE_H

#include "gilspy/target.h"

struct gs_kernel_state {
    char state;            /* the kernel's letter: R, S, D, T, t, Z, X; 0: unknown */
    uint64_t major_faults; /* pages that had to come from a disk */
    char place[48];        /* the kernel's function that it sleeps in, "" unknown */
    double asleep_s;       /* about how long it has been asleep, below 0: unknown */
};

/* Of a core all is unknown. */
void gs_kernel_state_read(const struct gs_target *target, pid_t tid, struct gs_kernel_state *rest);

#endif
