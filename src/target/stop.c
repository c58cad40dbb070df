/* SEIZE, INTERRUPT, wait, and DETACH: never PTRACE_ATTACH or SIGSTOP, which leave a mark when we die between. */
#include <errno.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "target/stop.h"

/* A running thread stops within tens of microseconds; one that fell asleep in the kernel meanwhile may never. */
enum { SPIN_US = 200, PATIENCE_US = 20000, NAP_US = 100 };

static void detach(struct gs_stop *stop, pid_t tid, int status)
{
    /* A stop for a signal that arrived at this moment: it is handed on. */
    int signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
    ptrace(PTRACE_DETACH, tid, 0, signal);
    if (stop->owed == tid)
        stop->owed = 0;
}

/* A thread that did not stop in time may have done so since. True when none is owed any more. */
static bool settle(struct gs_stop *stop)
{
    int status;
    if (!stop->owed)
        return true;
    pid_t got = waitpid(stop->owed, &status, __WALL | WNOHANG);
    if (got == stop->owed && WIFSTOPPED(status))
        detach(stop, got, status);
    else if (got != 0)
        stop->owed = 0; /* it has ended */
    return !stop->owed;
}

static enum gs_status wait_for_stop(struct gs_stop *stop, pid_t tid)
{
    uint64_t began_ns = gs_clock_ns();
    for (;;) {
        int status;
        pid_t got = waitpid(tid, &status, __WALL | WNOHANG);
        if (got == tid && WIFSTOPPED(status)) {
            stop->tid = tid;
            stop->signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
            return GS_OK;
        }
        if (got != 0)
            return GS_LOST;
        uint64_t waited_us = (gs_clock_ns() - began_ns) / 1000;
        if (waited_us > PATIENCE_US) {
            stop->owed = tid;
            return GS_LOST;
        }
        if (waited_us < SPIN_US)
            sched_yield();
        else
            nanosleep(&(struct timespec){0, NAP_US * 1000}, NULL);
    }
}

enum gs_status gs_stop_begin(struct gs_stop *stop, pid_t tid)
{
    if (!settle(stop))
        return GS_LOST;
    stop->since_ns = gs_clock_ns();
    if (ptrace(PTRACE_SEIZE, tid, 0, 0))
        return errno == EPERM || errno == EACCES ? GS_NOT_PERMITTED : GS_LOST;
    if (ptrace(PTRACE_INTERRUPT, tid, 0, 0)) {
        ptrace(PTRACE_DETACH, tid, 0, 0);
        return GS_LOST;
    }
    return wait_for_stop(stop, tid);
}

uint64_t gs_stop_end(struct gs_stop *stop)
{
    if (!stop->tid)
        return 0;
    ptrace(PTRACE_DETACH, stop->tid, 0, stop->signal);
    stop->tid = 0;
    return (gs_clock_ns() - stop->since_ns) / 1000;
}
