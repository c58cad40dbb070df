/* PTRACE_SEIZE, and what is done at each stop. */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/clock.h"
#include "base/ids.h"
#include "target/procfs.h"
#include "target/seize_parts.h"

enum { LISTS_MOST = 100, TRAPS_KEPT = 256 };

/* Written by the handler, which runs in the only thread: whoever else reads it keeps SIGCHLD out. */
static struct {
    pid_t pid;
    struct gs_seize_counts counts;
    struct gs_seize_trap traps[TRAPS_KEPT];
    uint64_t traps_told;
    volatile gs_addr sites[GS_SEIZE_SITES];
    volatile sig_atomic_t site_count;
    struct gs_ids listed; /* threads that gs_seize_strays found to be ours; not the handler's */
} held;

/* ---- stops ---- */

static bool is_known(gs_addr ip)
{
    for (int i = 0; i < held.site_count; i++) {
        if (held.sites[i] == ip)
            return true;
    }
    return false;
}

/* The thread executed an instruction that is meant to trap; not so if it is the end of a longer one that stores to what
 * is watched. */
static bool meant_it(pid_t tid)
{
    gs_arch_regset all;
    struct iovec place = {&all, sizeof all};
    struct gs_arch_registers registers;
    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &place))
        return false;
    gs_arch_registers_read(&registers, &all);
    gs_addr ip = registers.value[GS_ARCH_PC];
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, tid, ip - GS_ARCH_TRAP_BACK, 0);
    return errno == 0 && gs_arch_is_debug_trap((uint32_t)word) && !is_known(ip);
}

static bool is_stray(pid_t tid)
{
    siginfo_t info;
    return ptrace(PTRACE_GETSIGINFO, tid, 0, &info) == 0 &&
           ((GS_ARCH_WATCH_BEFORE && info.si_code == TRAP_TRACE) || (info.si_code == TRAP_BRKPT && !meant_it(tid)));
}

static bool is_group_stop(int signal)
{
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

bool gs_seize_resume(pid_t tid, int signal)
{
    gs_arch_regset all;
    struct iovec place = {&all, sizeof all};
    bool steps = GS_ARCH_WATCH_BEFORE && !ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &place) && gs_arch_steps(&all);
    return ptrace(steps ? PTRACE_SINGLESTEP : PTRACE_CONT, tid, 0, signal) == 0;
}

/* As gs_seize_resume. */
static bool go_on(pid_t tid, int code)
{
    int signal = code & 0x7f, event = code >> 8;
    if (gs_seize_keep(tid, event, signal))
        return true;
    held.counts.stops++;
    if (event == PTRACE_EVENT_STOP && is_group_stop(signal))
        return ptrace(PTRACE_LISTEN, tid, 0, 0) == 0;
    /* A process that was not started by fork (clone without an exit signal): it is not watched, and must not be held.
     * It is at its birth: no system call is cut short. EPERM is a thread's: CAP_SYS_PTRACE alone does not permit us to
     * send signals to another user's process. */
    if (event == PTRACE_EVENT_STOP && syscall(SYS_tgkill, held.pid, tid, 0) != 0 && errno == ESRCH)
        return ptrace(PTRACE_DETACH, tid, 0, 0) == 0;
    if (event == 0 && signal == SIGTRAP && is_stray(tid)) {
        held.traps[held.counts.traps++ % TRAPS_KEPT] = (struct gs_seize_trap){gs_clock_ns(), tid};
        signal = 0;
    }
    return gs_seize_resume(tid, event ? 0 : signal); /* the kernel hands it on with what it came with */
}

/* Whoever of these has stopped or ended; 0: nobody. A stop that is taken from the kernel's hands (by waiting without
 * WNOWAIT) has lost its signal if we are killed before the thread goes on (wait_task_stopped in kernel/exit.c, 6.18).
 */
static pid_t find_event(idtype_t type, pid_t tid, bool *stopped, int *code)
{
    siginfo_t info = {0};
    if (waitid(type, (id_t)tid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) != 0)
        return 0;
    *stopped = info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED;
    *code = info.si_status;
    return info.si_pid;
}

/* Whoever ended is waited for, too: an exec, and the parent of the process, wait until we have. */
static bool handle_one(idtype_t type, pid_t tid)
{
    int code;
    bool stopped;
    tid = find_event(type, tid, &stopped, &code);
    if (tid > 0 && !stopped)
        gs_seize_forget(tid);
    if (tid > 0 && (!stopped || !go_on(tid, code)))
        waitpid(tid, NULL, __WALL | WNOHANG);
    return tid > 0;
}

bool gs_seize_handle(pid_t tid)
{
    return handle_one(P_PID, tid);
}

/* Where there are many, to look for whoever it is takes longer than the rest: first the one that is named. There may be
 * more, as one signal stands for all that came before it was handled. */
static void handle(int number, siginfo_t *info, void *context)
{
    int before = errno;
    (void)number, (void)context;
    if (info->si_pid > 0)
        handle_one(P_PID, info->si_pid);
    while (handle_one(P_ALL, 0))
        ;
    errno = before;
}

void gs_seize_signals(sigset_t *set)
{
    static const int handled[] = {SIGCHLD, SIGALRM, SIGHUP, GS_REQUEST_SIGNAL};
    sigemptyset(set);
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
        sigaddset(set, handled[i]);
}

void gs_seize_begin(pid_t pid, struct gs_request *request)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART};
    held.pid = pid;
    gs_seize_signals(&action.sa_mask);
    sigaction(SIGCHLD, &action, NULL);
    gs_seize_serve(request, pid, &action.sa_mask);
    sigprocmask(SIG_UNBLOCK, &action.sa_mask, NULL);
}

/* ---- threads ---- */

static bool read_status(pid_t tid, char status[GS_PROC_STATUS])
{
    char file[64];
    snprintf(file, sizeof file, "task/%d/status", (int)tid);
    return gs_proc_read(held.pid, file, status, GS_PROC_STATUS) > 0;
}

static char state_of(const char *status)
{
    const char *state = gs_status_field(status, "State:");
    return state ? *state : '?';
}

/* 0, or an errno: ESRCH it has ended, EALREADY we have it. */
static int seize(pid_t tid, pid_t *tracer)
{
    char status[GS_PROC_STATUS];
    *tracer = 0;
    if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACECLONE) == 0)
        return 0;
    int reason = errno;
    if (reason == ESRCH || !read_status(tid, status) || strchr("ZX", state_of(status)))
        return ESRCH;
    const char *field = gs_status_field(status, "TracerPid:");
    *tracer = field ? (pid_t)strtol(field, NULL, 10) : 0;
    return *tracer == getpid() ? EALREADY : reason;
}

/* Calls act for each thread, until it returns false. False: there is no list of them. */
static bool each_thread(bool (*act)(pid_t tid, void *context), void *context)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/task", (int)held.pid);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (struct dirent *entry; (entry = readdir(dir));) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid > 0 && !act(tid, context))
            break;
    }
    closedir(dir);
    return true;
}

struct round {
    struct gs_seize_refusal *refusal;
    bool any; /* somebody new */
};

static bool seize_one(pid_t tid, void *context)
{
    struct round *round = context;
    pid_t tracer;
    int reason = seize(tid, &tracer);
    round->any = round->any || reason == 0;
    if (reason == 0 || reason == ESRCH || reason == EALREADY)
        return true;
    *round->refusal = (struct gs_seize_refusal){reason, tid, tracer};
    return false;
}

bool gs_seize_everybody(struct gs_seize_refusal *refusal)
{
    struct round round = {.refusal = refusal, .any = true};
    *refusal = (struct gs_seize_refusal){0};
    for (int i = 0; i < LISTS_MOST && round.any && !refusal->reason; i++) {
        round.any = false;
        if (!each_thread(seize_one, &round))
            refusal->reason = errno == ENOENT ? ESRCH : errno;
    }
    if (!refusal->reason && round.any)
        refusal->reason = EAGAIN; /* threads come faster than they can be seized */
    return refusal->reason == 0;
}

struct listing {
    struct round round;
    struct gs_ids *now;
};

static bool seize_new(pid_t tid, void *context)
{
    struct listing *listing = context;
    bool known = gs_ids_find(&held.listed, (uint32_t)tid) != GS_IDS_NONE;
    if (!known && !seize_one(tid, &listing->round))
        return false;
    (void)gs_ids_set(listing->now, (uint32_t)tid, 0); /* without memory for that it is looked at again */
    return true;
}

bool gs_seize_strays(struct gs_seize_refusal *refusal)
{
    struct gs_ids now = {0};
    struct listing listing = {.round = {.refusal = refusal}, .now = &now};
    *refusal = (struct gs_seize_refusal){0};
    each_thread(seize_new, &listing);
    gs_ids_fini(&held.listed);
    held.listed = now;
    return refusal->reason == 0;
}

void gs_seize_know(gs_addr ip)
{
    if (is_known(ip) || held.site_count == GS_SEIZE_SITES)
        return;
    held.sites[held.site_count] = ip;
    held.site_count++; /* the handler sees a whole one, or none */
}

/* ---- what came of it ---- */

static void keep_out(sigset_t *before)
{
    sigset_t handled;
    gs_seize_signals(&handled);
    sigprocmask(SIG_BLOCK, &handled, before);
}

struct gs_seize_counts gs_seize_counted(void)
{
    sigset_t before;
    keep_out(&before);
    struct gs_seize_counts counts = held.counts;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return counts;
}

bool gs_seize_next_trap(struct gs_seize_trap *trap)
{
    sigset_t before;
    keep_out(&before);
    bool any = held.traps_told < held.counts.traps;
    if (held.counts.traps - held.traps_told > TRAPS_KEPT)
        held.traps_told = held.counts.traps - TRAPS_KEPT;
    if (any)
        *trap = held.traps[held.traps_told++ % TRAPS_KEPT];
    sigprocmask(SIG_SETMASK, &before, NULL);
    return any;
}

static bool find_owed(pid_t tid, void *context)
{
    char status[GS_PROC_STATUS];
    bool *owed = context;
    if (!read_status(tid, status))
        return true;
    const char *pending = gs_status_field(status, "SigPnd:");
    *owed = pending && strtoull(pending, NULL, 16) >> (SIGTRAP - 1) & 1;
    return !*owed;
}

bool gs_seize_is_owed(void)
{
    bool owed = false;
    return each_thread(find_owed, &owed) && owed;
}
