/* The scheduler is asked for short slices, where it has them, and nobody inherits them. */
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/slice.h"
#include "support/unit.h"

enum { ASKED_NS = 100000 };

static uint64_t slice_ns(void)
{
    struct sched_attr attr = {.size = sizeof attr};
    assert_int_equal(syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0U), 0);
    return attr.sched_runtime; /* 0 before Linux 6.12 */
}

UNIT_TEST(only_ours_is_short)
{
    uint64_t given_ns = slice_ns();
    gs_slice_shorten();
    if (given_ns == 0 || getpriority(PRIO_PROCESS, 0) < 0)
        skip();
    assert_int_equal(slice_ns(), ASKED_NS);
    pid_t child = fork();
    if (child == 0)
        _exit(slice_ns() == given_ns ? 0 : 1);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Who is started by `nice -n -1 gilspy ... -- COMMAND` keeps what it was given. */
UNIT_TEST(a_given_priority_is_inherited)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        if (setpriority(PRIO_PROCESS, 0, -1) != 0)
            _exit(2);
        gs_slice_shorten();
        pid_t started = fork();
        if (started == 0)
            _exit(getpriority(PRIO_PROCESS, 0) == -1 ? 0 : 1);
        _exit(waitpid(started, &status, 0) == started && WIFEXITED(status) ? WEXITSTATUS(status) : 3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == 2)
        skip(); /* only root may */
    assert_int_equal(status, 0);
}
