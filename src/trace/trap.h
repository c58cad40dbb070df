/* What one watched store costs whoever does it, which differs by machine and by hour; and whether its trap is told as
 * one (target/seize.h). Tried in a child of ours, which has a handler for those that are not. */
#ifndef GS_TRACE_TRAP_H
#define GS_TRACE_TRAP_H

#include <stdint.h>

enum {
    GS_TRAP_BATCH = 100,        /* stores */
    GS_TRAP_BATCHES = 9,        /* enough for the cost */
    GS_TRAP_BATCHES_LONG = 2000 /* enough to meet a fault that comes once in 10,000 */
};

struct gs_trap {
    uint64_t
        cost_ns;     /* of a store that is recorded: that of half the batches, as somebody may have had the processor */
    uint64_t strays; /* traps that the kernel took for an instruction of the program */
};

/* 0, or the errno of why nothing can be watched here. batches: at most GS_TRAP_BATCHES_LONG. */
int gs_trap_measure(int batches, struct gs_trap *trap);

#endif
