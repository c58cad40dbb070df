/* SEIZE, INTERRUPT, wait, and DETACH: never PTRACE_ATTACH or SIGSTOP, which leave a mark when we die between. Where a
 * process of ours is the tracer of all threads already, it is asked to do it (stopper.h). */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/least.h"
#include "target/procfs.h"
#include "target/stop.h"
#include "target/task.h"

/* A running thread stops within tens of microseconds: spinning is for that. One that is ready but does not get a
 * processor stops when it gets one, and must be let go at once then: it is waited for, however long that takes. Only
 * one that sleeps uninterruptibly is left, to be settled later. */
enum { SPIN_US = 30, FIRST_US = 50, LOOK_US = 20000, FINI_US = 200000 };

static void detach(struct gs_stop *stop, pid_t tid, int status)
{
    /* A stop for a signal that arrived at this moment: it is handed on. */
    int signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
    ptrace(PTRACE_DETACH, tid, 0, signal);
    if (stop->owed == tid)
        stop->owed = 0;
}

static bool is_our_child(pid_t pid)
{
    char text[1024];
    struct gs_proc_stat stat;
    return gs_proc_read(pid, "stat", text, sizeof text) > 0 && gs_proc_stat_parse(text, &stat) &&
           stat.parent == getpid();
}

/* One system call, since every moment counts for a thread that stands still. */
static bool has_stopped(pid_t tid, int *status)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOHANG | __WALL) != 0 || info.si_pid != tid)
        return false;
    *status = W_STOPCODE(info.si_status); /* as waitpid has it */
    return true;
}

/* What has become of a thread: 0: nothing yet. The end of a child of ours is left to whoever wants its exit status. */
static pid_t look_for(pid_t tid, int *status)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)tid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) != 0)
        return -1;
    if (info.si_pid == 0)
        return 0;
    bool ended = info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
    return ended && is_our_child(tid) ? -1 : waitpid(tid, status, __WALL | WNOHANG);
}

void gs_stop_settle(struct gs_stop *stop)
{
    int status;
    if (!stop->owed)
        return;
    pid_t got = look_for(stop->owed, &status);
    if (got == stop->owed && WIFSTOPPED(status))
        detach(stop, got, status);
    else if (got != 0)
        stop->owed = 0; /* it has ended */
}

void gs_stop_fini(struct gs_stop *stop)
{
    for (uint64_t began_ns = gs_clock_ns(); stop->owed && gs_clock_ns() - began_ns < FINI_US * UINT64_C(1000);) {
        gs_stop_settle(stop);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
}

/* For how long we were ready to run and had no processor, so far; false: not told. */
static bool own_delay(uint64_t *delay_ns)
{
    char text[64] = "";
    unsigned long long delay;
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    bool told = len > 0 && sscanf(text, "%*u %llu", &delay) == 1;
    *delay_ns = told ? delay : 0;
    return told;
}

/* A thread that does not get a processor does not stand still for us while it waits for one: only from when it stopped.
 * SIGCHLD wakes us then, however long it takes until we get a processor ourselves; without it, it may have stopped as
 * soon as we had looked. */
static void sleep_for_stop(struct gs_stop *stop, const sigset_t *child, long look_us, bool *woken)
{
    uint64_t before_ns, after_ns;
    bool told = own_delay(&before_ns);
    *woken = sigtimedwait(child, NULL, &(struct timespec){.tv_nsec = look_us * 1000L}) >= 0 || errno != EAGAIN;
    if (!*woken || !told || !own_delay(&after_ns))
        return;
    uint64_t signal_ns = gs_clock_ns() - (after_ns - before_ns);
    stop->since_ns = gs_most(stop->since_ns, signal_ns);
}

/* The kernel sends SIGCHLD when it has stopped; that is taken without a handler. Not so if we were asked to be told of
 * children that end only (SA_NOCLDSTOP): it is looked for ever more rarely, too. */
static enum gs_status wait_for_stop(struct gs_stop *stop, pid_t tid, const sigset_t *child)
{
    uint64_t began_ns = stop->since_ns;
    long look_us = FIRST_US;
    for (bool blocked = false, woken;;) {
        int status;
        uint64_t looked_ns = gs_clock_ns();
        pid_t got = has_stopped(tid, &status) ? tid : blocked ? look_for(tid, &status) : 0;
        if (got == tid && WIFSTOPPED(status)) {
            stop->tid = tid;
            stop->signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
            return GS_OK;
        }
        if (got != 0)
            return GS_LOST;
        if (looked_ns - began_ns < SPIN_US * UINT64_C(1000))
            continue;
        stop->since_ns = looked_ns;
        if (!blocked) {
            blocked = true;
            continue; /* it may have ended */
        }
        sleep_for_stop(stop, child, look_us, &woken);
        if (woken)
            continue;
        if (look_us >= LOOK_US && gs_proc_sleeps_uninterruptibly(tid)) {
            stop->owed = tid;
            return GS_LOST;
        }
        if (look_us >= LOOK_US)
            ptrace(PTRACE_INTERRUPT, tid, 0, 0); /* in the middle of an exec it may have been lost */
        look_us = look_us < LOOK_US ? 2 * look_us : look_us;
    }
}

/* A thread in a system call would see the call interrupted: the kernel is asked at the last moment. */
static enum gs_status seize(struct gs_stop *stop, pid_t tid, int activity_fd, const sigset_t *child)
{
    struct gs_activity activity;
    gs_activity_read(activity_fd, &activity);
    if (activity.run != GS_RUN_RUNNING)
        return GS_LOST;
    if (stop->by) {
        enum gs_status status = gs_stopper_begin(stop->by, tid);
        stop->tid = status ? 0 : tid;
        return status;
    }
    stop->since_ns = gs_clock_ns();
    if (ptrace(PTRACE_SEIZE, tid, 0, 0))
        return errno == EPERM || errno == EACCES ? GS_NOT_PERMITTED : GS_LOST;
    if (ptrace(PTRACE_INTERRUPT, tid, 0, 0))
        return GS_LOST; /* it has just ended */
    return wait_for_stop(stop, tid, child);
}

/* As before: nobody stands still for us. */
static void go_on(struct gs_stop *stop)
{
    gs_scheduling_calm(&stop->scheduling);
    pthread_sigmask(SIG_SETMASK, &stop->before, NULL);
}

enum gs_status gs_stop_begin(struct gs_stop *stop, const struct gs_target *target, pid_t tid, int activity_fd)
{
    gs_stop_settle(stop);
    stop->by = target->stopper;
    stop->mem = target->mem;
    if (stop->owed)
        return GS_LOST;
    /* Ctrl-Z must not find us while a thread stands still: it would, for as long as we do. */
    static const int signals[] = {SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU};
    sigset_t child, blocked;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(&blocked, signals[i]);
    pthread_sigmask(SIG_BLOCK, &blocked, &stop->before);
    if (!stop->by)
        gs_scheduling_hurry(&stop->scheduling);
    enum gs_status status = seize(stop, tid, activity_fd, &child);
    if (status)
        go_on(stop);
    return status;
}

bool gs_stop_registers(const struct gs_stop *stop, struct gs_arch_registers *registers, bool *came_in)
{
    gs_arch_regset own;
    struct iovec place = {&own, sizeof own};
    const gs_arch_regset *all = NULL;
    if (stop->tid && stop->by)
        all = gs_stopper_registers(stop->by);
    else if (stop->tid && ptrace(PTRACE_GETREGSET, stop->tid, NT_PRSTATUS, &place) == 0 && place.iov_len == sizeof own)
        all = &own;
    if (!all)
        return false;
    gs_arch_registers_read(registers, all);
    *came_in = gs_arch_came_in(all, stop->mem);
    return true;
}

bool gs_stop_holds(const struct gs_stop *stop)
{
    return stop->tid && (!stop->by || gs_stopper_holds(stop->by));
}

static uint64_t detach_stopped(struct gs_stop *stop)
{
    ptrace(PTRACE_DETACH, stop->tid, 0, stop->signal);
    return gs_clock_ns() - stop->since_ns;
}

uint64_t gs_stop_end(struct gs_stop *stop)
{
    if (!stop->tid)
        return 0;
    uint64_t stood_ns = stop->by ? gs_stopper_end(stop->by) : detach_stopped(stop);
    stop->tid = 0;
    go_on(stop);
    return stood_ns;
}
