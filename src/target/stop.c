/* SEIZE, INTERRUPT, wait, and DETACH: never PTRACE_ATTACH or SIGSTOP, which leave a mark when we die between. */
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "target/stop.h"

/* A running thread stops within tens of microseconds; one that fell asleep in the kernel meanwhile may never. Spinning
 * is for the usual case; on a busy machine we must give the processor away and be woken. */
enum { SPIN_US = 30, PATIENCE_US = 20000 };

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

/* The kernel sends SIGCHLD when it has stopped; that is taken without a handler. */
static enum gs_status wait_for_stop(struct gs_stop *stop, pid_t tid, const sigset_t *child)
{
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
        uint64_t waited_us = (gs_clock_ns() - stop->since_ns) / 1000;
        if (waited_us > PATIENCE_US) {
            stop->owed = tid;
            return GS_LOST;
        }
        if (waited_us > SPIN_US)
            sigtimedwait(child, NULL, &(struct timespec){0, (long)(PATIENCE_US - waited_us + 1) * 1000});
    }
}

enum gs_status gs_stop_begin(struct gs_stop *stop, pid_t tid)
{
    if (!settle(stop))
        return GS_LOST;
    sigset_t child, before;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    stop->since_ns = gs_clock_ns();
    enum gs_status status = GS_OK;
    if (ptrace(PTRACE_SEIZE, tid, 0, 0))
        status = errno == EPERM || errno == EACCES ? GS_NOT_PERMITTED : GS_LOST;
    else if (ptrace(PTRACE_INTERRUPT, tid, 0, 0))
        status = GS_LOST; /* it has just ended */
    else
        status = wait_for_stop(stop, tid, &child);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

uint64_t gs_stop_end(struct gs_stop *stop)
{
    if (!stop->tid)
        return 0;
    ptrace(PTRACE_DETACH, stop->tid, 0, stop->signal);
    stop->tid = 0;
    return (gs_clock_ns() - stop->since_ns) / 1000;
}
