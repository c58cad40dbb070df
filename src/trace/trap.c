/* Stores to a variable of the child, with and without a watch on it. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/sorted.h"
#include "trace/perf.h"
#include "trace/trap.h"

enum { PAGES = 8 };

static volatile sig_atomic_t strays;

static void count_stray(int number)
{
    (void)number;
    strays = strays + 1;
}

static uint64_t time_stores(volatile uint32_t *word)
{
    uint64_t begin_ns = gs_clock_ns();
    for (uint32_t i = 0; i < GS_TRAP_BATCH; i++)
        *word = i;
    return gs_clock_ns() - begin_ns;
}

GS_BY_VALUE(compare, uint64_t);

static int measure(int batches, struct gs_trap *trap)
{
    volatile uint32_t word = 0;
    struct gs_ring ring;
    struct gs_perf_watch watch = {.addr = (uintptr_t)&word, .len = HW_BREAKPOINT_LEN_4};
    uint64_t batches_ns[GS_TRAP_BATCHES_LONG], plain_ns = time_stores(&word);
    int fd = gs_perf_watch(&watch, 0, -1);
    if (fd < 0)
        return -fd;
    int failure = gs_ring_open(&ring, fd, PAGES);
    if (!failure && ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) != 0)
        failure = errno;
    for (int i = 0; i < batches && !failure; i++) {
        batches_ns[i] = time_stores(&word);
        while (gs_ring_next(&ring))
            ;
    }
    gs_ring_close(&ring);
    close(fd);
    if (failure)
        return failure;
    qsort(batches_ns, (size_t)batches, sizeof *batches_ns, compare);
    uint64_t middle_ns = batches_ns[batches / 2];
    trap->cost_ns = middle_ns > plain_ns ? (middle_ns - plain_ns) / GS_TRAP_BATCH : 0;
    trap->strays = (uint64_t)strays;
    return 0;
}

int gs_trap_measure(int batches, struct gs_trap *trap)
{
    struct gs_trap *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    if (shared == MAP_FAILED)
        return ENOMEM;
    pid_t pid = gs_child_fork();
    if (pid == 0) {
        signal(SIGTRAP, count_stray);
        _exit(measure(batches, shared) & 0xff); /* errno has no larger ones that matter here */
    }
    if (pid < 0 || !gs_child_wait(pid, &status)) /* a filter may kill whoever watches */
        status = pid < 0 ? EAGAIN : EPERM;
    *trap = *shared;
    munmap(shared, sizeof *shared);
    return status;
}
