/* What the user is told when threads cannot be watched. */
#include <stdio.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "target/barrier.h"
#include "trace/perf_watchpoints.h"

enum { SPARE_FILES = 64 };

size_t gs_watchpoints_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit))
            getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur > SPARE_FILES ? (size_t)limit.rlim_cur - SPARE_FILES : 0;
}

enum gs_status gs_watchpoints_too_many(int reason, pid_t pid, size_t files, size_t threads, struct gs_err *err)
{
    if (reason == EMFILE) {
        gs_fail(err, GS_FAILED,
                "cannot trace process %d: its %zu threads take %zu descriptors, and gilspy may have %zu", (int)pid,
                threads, files, gs_watchpoints_files());
        gs_err_todo(err, "Raise the limit (ulimit -n), or sample it: gilspy stat -p %d", (int)pid);
    } else {
        gs_fail(err, GS_FAILED,
                "cannot trace process %d: the buffers for its %zu threads are more memory than gilspy may lock",
                (int)pid, threads);
        gs_err_todo(err,
                    "Raise the limit (sysctl kernel.perf_event_mlock_kb, or ulimit -l), or sample it: gilspy stat "
                    "-p %d",
                    (int)pid);
    }
    return GS_FAILED;
}

enum gs_status gs_watchpoints_refused(int reason, bool ours, pid_t pid, struct gs_err *err)
{
    int paranoid = gs_setting_read("/proc/sys/kernel/perf_event_paranoid", 2);
    char sampled[64];
    snprintf(sampled, sizeof sampled, "gilspy stat -p %d samples it, which works", (int)pid);
    if (reason == ENOSPC || reason == EBUSY) {
        gs_fail(err, GS_FAILED,
                "cannot trace process %d: its debug registers are in use, by a debugger with "
                "watchpoints or another tracer",
                (int)pid);
        gs_err_todo(err, "End that first. %s", sampled);
        return GS_FAILED;
    }
    if (reason == ESRCH)
        return gs_fail(err, GS_GONE, "cannot trace process %d: it has ended", (int)pid);
    if (reason == ENOMEM)
        return gs_fail(err, GS_NO_MEMORY, "cannot trace process %d: out of memory", (int)pid);
    if (!ours && (reason == EACCES || reason == EPERM)) {
        gs_fail(err, GS_NOT_PERMITTED,
                "cannot trace process %d: gilspy may not watch it, it is another user's or in "
                "another user namespace",
                (int)pid);
        gs_err_todo(err, "Run gilspy as root, or as its user");
        return GS_NOT_PERMITTED;
    }
    if ((reason == EACCES || reason == EPERM) && paranoid > 2) {
        gs_fail(err, GS_NOT_PERMITTED, "no address can be watched: kernel.perf_event_paranoid is %d", paranoid);
        gs_err_todo(err, "Try sudo sysctl kernel.perf_event_paranoid=2. %s", sampled);
        return GS_NOT_PERMITTED;
    }
    if (reason == EACCES || reason == EPERM || reason == ENOSYS) {
        gs_fail(err, GS_NOT_PERMITTED,
                "no address can be watched: perf_event_open is closed here (%s), as by a "
                "container's seccomp filter",
                strerror(reason));
        gs_err_todo(err,
                    "Let the container use perf_event_open (a seccomp profile that has it), or run gilspy outside. "
                    "%s",
                    sampled);
        return GS_NOT_PERMITTED;
    }
    gs_fail(err, GS_FAILED, "no address can be watched: perf_event_open: %s", strerror(reason));
    gs_err_todo(err, "This machine may have no debug registers. %s", sampled);
    return GS_FAILED;
}

static enum gs_status unguarded(pid_t pid, struct gs_err *err)
{
    gs_err_todo(err, "Sample it, which works: gilspy stat -p %d", (int)pid);
    return GS_UNGUARDED;
}

enum gs_status gs_watchpoints_too_old(pid_t pid, struct gs_err *err)
{
    gs_fail(err, GS_UNGUARDED,
            "cannot trace process %d: what it forks would be watched without a guard, which takes Linux 5.13",
            (int)pid);
    return unguarded(pid, err);
}

enum gs_status gs_watchpoints_unguarded(const struct gs_seize_refusal *refusal, pid_t pid, struct gs_err *err)
{
    if (refusal->reason == ESRCH)
        return gs_watchpoints_refused(ESRCH, false, pid, err);
    if (refusal->tracer > 0)
        gs_fail(err, GS_UNGUARDED,
                "cannot trace process %d: its threads cannot be guarded, as process %d traces thread %d (a debugger, "
                "strace or another gilspy)",
                (int)pid, (int)refusal->tracer, (int)refusal->tid);
    else if (refusal->reason == EPERM || refusal->reason == EACCES)
        gs_fail(err, GS_UNGUARDED,
                "cannot trace process %d: its threads cannot be guarded, as ptrace is not permitted (gilspy doctor "
                "says why)",
                (int)pid);
    else
        gs_fail(err, GS_UNGUARDED, "cannot trace process %d: its threads cannot be guarded: ptrace: %s", (int)pid,
                strerror(refusal->reason));
    return unguarded(pid, err);
}
