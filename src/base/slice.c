#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/slice.h"

enum { SLICE_NS = 100000 /* the least that the kernel takes */ };

void gs_slice_shorten(void)
{
    struct sched_attr attr = {.size = sizeof attr};
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0U) != 0 || attr.sched_policy != 0 /* SCHED_OTHER */ ||
        attr.sched_nice < 0) /* the flag below would take that from what we start (sched_fork) */
        return;              /* whoever gave us a priority knows better */
    attr.sched_runtime = SLICE_NS;
    attr.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
    syscall(SYS_sched_setattr, 0, &attr, 0U);
}
