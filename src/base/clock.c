/* Reading the clock. */
#include <time.h>

#include "base/clock.h"

uint64_t gs_clock_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * GS_NS_PER_S + (uint64_t)time.tv_nsec;
}

int64_t gs_clock_ahead_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * (int64_t)GS_NS_PER_S + time.tv_nsec - (int64_t)gs_clock_ns();
}

uint64_t gs_clock_cpu_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}
