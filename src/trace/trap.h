/* What one watched store costs whoever does it: measured on ourselves, because it differs by machine and by hour. */
#ifndef GS_TRACE_TRAP_H
#define GS_TRACE_TRAP_H

#include <stdint.h>

/* In nanoseconds, for a store that is recorded. 0, or the errno of why nothing can be watched here. */
int gs_trap_measure(uint64_t *cost_ns);

#endif
