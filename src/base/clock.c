/* Reading the clock. */
#include <time.h>

#include "base/clock.h"

uint64_t gs_clock_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * GS_NS_PER_S + (uint64_t)time.tv_nsec;
}
