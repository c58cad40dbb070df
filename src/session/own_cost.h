/* What gilspy itself costs, and the rate of samples that keeps it within what it may. */
#ifndef GS_SESSION_OWN_COST_H
#define GS_SESSION_OWN_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/remarks.h"

struct gs_own_cost {
    double cpu_most;     /* of one processor; below 0: any */
    uint64_t bytes_most; /* of memory */
    double wanted_hz;    /* finite */
    const struct gs_remarks *remarks;
    /* What came of it: */
    double rate_hz;
    double cpu;     /* used lately, of one processor */
    uint64_t bytes; /* resident now */
    bool full;      /* it has as much memory as it may */
    /* Its own. */
    uint64_t looked_ns, cpu_us;
    unsigned calm; /* looks in a row after which more would be allowed */
};

/* How often to look. */
#define GS_OWN_COST_NS (UINT64_C(5000000000))

/* The first four are set. */
void gs_own_cost_init(struct gs_own_cost *cost, uint64_t now_ns);
/* Looks, and sets the rate. True: it is another one. */
bool gs_own_cost_look(struct gs_own_cost *cost, uint64_t now_ns);
/* What a look does with what it saw. */
bool gs_own_cost_judge(struct gs_own_cost *cost, double cpu, uint64_t bytes);

#endif
