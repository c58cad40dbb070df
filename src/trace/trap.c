/* Stores to a variable of ours, with and without a watch on it. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "trace/perf.h"
#include "trace/trap.h"

enum { BATCHES = 9, BATCH = 100, PAGES = 8 };

static uint64_t time_stores(volatile uint32_t *word)
{
    uint64_t begin_ns = gs_clock_ns();
    for (uint32_t i = 0; i < BATCH; i++)
        *word = i;
    return gs_clock_ns() - begin_ns;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

int gs_trap_measure(uint64_t *cost_ns)
{
    volatile uint32_t word = 0;
    struct gs_ring ring;
    struct gs_perf_watch watch = {.addr = (uintptr_t)&word, .len = HW_BREAKPOINT_LEN_4};
    uint64_t batches_ns[BATCHES], plain_ns = time_stores(&word);
    int fd = gs_perf_watch(&watch, 0, -1);
    if (fd < 0)
        return -fd;
    int failure = gs_ring_open(&ring, fd, PAGES);
    if (!failure && ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) != 0)
        failure = errno;
    for (int i = 0; i < BATCHES && !failure; i++) {
        batches_ns[i] = time_stores(&word);
        while (gs_ring_next(&ring))
            ;
    }
    gs_ring_close(&ring);
    close(fd);
    if (failure)
        return failure;
    qsort(batches_ns, BATCHES, sizeof *batches_ns, compare); /* somebody else may have had the processor in some */
    uint64_t middle_ns = batches_ns[BATCHES / 2];
    *cost_ns = middle_ns > plain_ns ? (middle_ns - plain_ns) / BATCH : 0;
    return 0;
}
