/* The scheduler is asked for short slices, where it has them, and for the first turn while somebody stands still;
 * nobody inherits either. */
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scheduling.h"
#include "support/unit.h"

enum { ASKED_NS = 100000 };

static struct sched_attr now(void)
{
    struct sched_attr attr = {.size = sizeof attr};
    assert_int_equal(syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0U), 0);
    return attr;
}

static uint64_t slice_ns(void)
{
    return now().sched_runtime; /* 0 before Linux 6.12 */
}

UNIT_TEST(only_ours_is_short)
{
    uint64_t given_ns = slice_ns();
    gs_scheduling_shorten();
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
        gs_scheduling_shorten();
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

static uint32_t policy(void)
{
    return now().sched_policy;
}

static int policy_of_child(void)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit((int)policy());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* As root before those who compute, and as it was afterwards; without the right as ever. */
UNIT_TEST(hurry_is_for_a_moment)
{
    struct gs_scheduling before;
    gs_scheduling_shorten();
    struct sched_attr calm = now(), attr;
    gs_scheduling_hurry(&before);
    if (!before.urgent) {
        attr = now();
        assert_memory_equal(&attr, &calm, sizeof attr);
        skip(); /* not permitted here */
    }
    assert_int_equal(policy(), SCHED_FIFO);
    assert_int_equal(policy_of_child(), SCHED_NORMAL);
    gs_scheduling_calm(&before);
    attr = now();
    assert_memory_equal(&attr, &calm, sizeof attr);
    gs_scheduling_calm(&before); /* once more is once */
    attr = now();
    assert_memory_equal(&attr, &calm, sizeof attr);
}

/* Who was given another policy keeps it. */
UNIT_TEST(hurry_is_for_ordinary_threads)
{
    struct gs_scheduling before;
    struct sched_attr attr = {.size = sizeof attr, .sched_policy = SCHED_BATCH};
    assert_int_equal(syscall(SYS_sched_setattr, 0, &attr, 0U), 0);
    gs_scheduling_hurry(&before);
    assert_false(before.urgent);
    assert_int_equal(policy(), SCHED_BATCH);
    gs_scheduling_calm(&before);
    assert_int_equal(policy(), SCHED_BATCH);
    attr.sched_policy = SCHED_NORMAL;
    assert_int_equal(syscall(SYS_sched_setattr, 0, &attr, 0U), 0);
}

UNIT_TEST(hurry_needs_a_right)
{
    struct gs_scheduling before;
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_RTPRIO, &(struct rlimit){0, 0});
        if (getuid() == 0 && setuid(65534) != 0)
            _exit(2);
        gs_scheduling_hurry(&before);
        _exit(before.urgent || policy() != SCHED_NORMAL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Whoever may hurry by RLIMIT_RTPRIO alone may not take the flag back by which nobody inherits it: here somebody who
 * loses the right in between. */
UNIT_TEST(hurry_ends_without_the_right)
{
    struct gs_scheduling before;
    int status = -1;
    if (getuid() != 0)
        skip(); /* has no right that could be lost */
    pid_t child = fork();
    if (child == 0) {
        gs_scheduling_hurry(&before);
        if (!before.urgent)
            _exit(2);
        if (setuid(65534) != 0)
            _exit(3);
        gs_scheduling_calm(&before);
        _exit(policy() != SCHED_NORMAL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == 2)
        skip(); /* not permitted here */
    assert_int_equal(status, 0);
}
