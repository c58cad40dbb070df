/* Time. */
#ifndef GS_BASE_CLOCK_H
#define GS_BASE_CLOCK_H

#include <stdint.h>

#define GS_NS_PER_S UINT64_C(1000000000)

/* CLOCK_MONOTONIC */
uint64_t gs_clock_ns(void);

int64_t gs_clock_ahead_ns(void); /* CLOCK_REALTIME, less that */

uint64_t gs_clock_cpu_us(void); /* CPU time that our process has used */

#endif
