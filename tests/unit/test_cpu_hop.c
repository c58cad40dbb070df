/* Going from one processor to another: only where more can run than there are processors, never beyond those that were
 * given, which are ours again at the end. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample/cpu_hop.h"
#include "support/unit.h"

#define MS UINT64_C(1000000)

enum { CROWD_MOST = 65, CALLS = 200000 };

UNIT_TEST(what_runs_is_told)
{
    assert_int_equal(gs_cpu_hop_runnable("0.08 0.56 1.13 3/84 12834\n"), 3);
    assert_int_equal(gs_cpu_hop_runnable("128.00 0.00 0.00 4294967295/84 12834\n"), UINT32_MAX);
    assert_int_equal(gs_cpu_hop_runnable("0.08 0.56 1.13\n"), 0);
    assert_int_equal(gs_cpu_hop_runnable("nonsense"), 0);
    assert_int_equal(gs_cpu_hop_runnable(""), 0);
}

static pid_t spin(void)
{
    pid_t parent = getpid(), pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent)
        ;
    _exit(0);
}

UNIT_TEST(it_keeps_to_what_was_given)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    pid_t crowd[CROWD_MOST];
    cpu_set_t given, now;
    struct gs_cpu_hop hop;
    bool seen[2] = {false, false};
    int first = -1, second = -1, calls = 0;
    assert_int_equal(sched_getaffinity(0, sizeof given, &given), 0);
    for (int i = CPU_SETSIZE; i-- > 0;) {
        second = CPU_ISSET(i, &given) ? first : second;
        first = CPU_ISSET(i, &given) ? i : first;
    }
    if (second < 0 || processors >= CROWD_MOST) {
        print_message("not tried: it takes 2 to %d processors\n", CROWD_MOST - 1);
        skip();
    }
    CPU_ZERO(&given);
    CPU_SET(first, &given);
    CPU_SET(second, &given);
    assert_int_equal(sched_setaffinity(0, sizeof given, &given), 0);
    for (long i = 0; i <= processors; i++)
        crowd[i] = spin();
    gs_cpu_hop_init(&hop, 1);
    for (uint64_t now_ns = 1; !(seen[0] && seen[1]) && calls < CALLS; now_ns += 10 * MS, calls++) {
        gs_cpu_hop(&hop, now_ns);
        assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
        CPU_AND(&now, &now, &given);
        assert_true(CPU_COUNT(&now) > 0);
        if (CPU_COUNT(&now) == 1) {
            assert_true(CPU_ISSET((int)gs_cpu_hop_pinned(&hop) - 1, &now));
            seen[CPU_ISSET(first, &now) ? 0 : 1] = true;
        }
    }
    gs_cpu_hop_fini(&hop);
    assert_int_equal(gs_cpu_hop_pinned(&hop), 0);
    for (long i = 0; i <= processors; i++) {
        kill(crowd[i], SIGKILL);
        waitpid(crowd[i], NULL, 0);
    }
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_true(CPU_EQUAL(&now, &given));
    if (calls == CALLS && !seen[0] && !seen[1]) {
        print_message("not tried: /proc/loadavg does not tell what runs here\n");
        skip();
    }
    assert_true(seen[0] && seen[1]);
}

UNIT_TEST(what_somebody_else_chose_stays)
{
    cpu_set_t given, other, now;
    struct gs_cpu_hop hop;
    int first = -1;
    assert_int_equal(sched_getaffinity(0, sizeof given, &given), 0);
    for (int i = CPU_SETSIZE; i-- > 0;)
        first = CPU_ISSET(i, &given) ? i : first;
    CPU_ZERO(&other);
    CPU_SET(first, &other);
    gs_cpu_hop_init(&hop, 1);
    hop.narrow = true; /* it chose another one, and taskset came after it */
    hop.given = given;
    CPU_ZERO(&hop.chosen);
    CPU_SET(first + 1, &hop.chosen);
    assert_int_equal(sched_setaffinity(0, sizeof other, &other), 0);
    gs_cpu_hop_fini(&hop);
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_true(CPU_EQUAL(&now, &other));
    assert_int_equal(sched_setaffinity(0, sizeof given, &given), 0);
}
