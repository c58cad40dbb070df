#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scheduling.h"

enum { SLICE_NS = 100000 /* the least that the kernel takes */ };

static bool is_ordinary(struct sched_attr *attr)
{
    return syscall(SYS_sched_getattr, 0, attr, sizeof *attr, 0U) == 0 && attr->sched_policy == SCHED_NORMAL;
}

static bool set(struct sched_attr *attr)
{
    attr->size = sizeof *attr;
    return syscall(SYS_sched_setattr, 0, attr, 0U) == 0;
}

void gs_scheduling_shorten(void)
{
    struct sched_attr attr = {0};
    /* The flag below would take a negative nice value from what we start (sched_fork). */
    if (!is_ordinary(&attr) || attr.sched_nice < 0)
        return; /* whoever gave us a priority knows better */
    attr.sched_runtime = SLICE_NS;
    attr.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
    set(&attr);
}

void gs_scheduling_hurry(struct gs_scheduling *before)
{
    struct sched_attr attr = {0};
    *before = (struct gs_scheduling){.urgent = false};
    if (!is_ordinary(&attr))
        return;
    struct sched_attr urgent = {
        .sched_policy = SCHED_FIFO, .sched_priority = 1, .sched_flags = SCHED_FLAG_RESET_ON_FORK};
    *before = (struct gs_scheduling){
        .urgent = set(&urgent), .slice_ns = attr.sched_runtime, .flags = attr.sched_flags, .nice = attr.sched_nice};
}

void gs_scheduling_calm(struct gs_scheduling *before)
{
    struct sched_attr attr = {.sched_policy = SCHED_NORMAL,
                              .sched_nice = before->nice,
                              .sched_runtime = before->slice_ns,
                              .sched_flags = before->flags};
    if (before->urgent && !set(&attr)) {
        attr.sched_flags |= SCHED_FLAG_RESET_ON_FORK; /* which only CAP_SYS_NICE takes away (kernel/sched/syscalls.c) */
        set(&attr);
    }
    before->urgent = false;
}
