/* From one processor to another, at random, where whoever looks at a process takes the processor from one of its
 * threads: where the GIL is handed over thousands of times a second, that thread is then out of the game, and another
 * found ahead. If it is not always the same one, that cancels out between them.
 *
 * Where a processor is idle the kernel takes us there itself, and nobody is in our way: then we stay out of its way. */
#ifndef GS_SAMPLE_CPU_HOP_H
#define GS_SAMPLE_CPU_HOP_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct gs_cpu_hop {
    int loadavg; /* descriptor of /proc/loadavg, which tells how many threads can run; -1: not opened yet */
    long processors;
    uint64_t next_ns, random;
    unsigned idle;           /* so often one after the other a processor was idle */
    cpu_set_t given, chosen; /* what we may use; while narrow, that is chosen */
    bool narrow;
};

void gs_cpu_hop_init(struct gs_cpu_hop *hop, uint64_t now_ns);
/* What we may use is as it was. */
void gs_cpu_hop_fini(struct gs_cpu_hop *hop);
/* To be called after each look. */
void gs_cpu_hop(struct gs_cpu_hop *hop, uint64_t now_ns);
/* The processor on which it keeps us, from 1 on; 0: the kernel chooses. */
uint32_t gs_cpu_hop_pinned(const struct gs_cpu_hop *hop);
/* Of "0.08 0.56 1.13 3/84 12834": 3. 0: it says something else. */
unsigned gs_cpu_hop_runnable(const char *loadavg);

#endif
