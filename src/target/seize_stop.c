/* One thread that stands still because somebody wants to read it: that is requested by a signal, done in the handlers,
 * and over after a while in any case. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/least.h"
#include "target/procfs.h"
#include "target/seize_parts.h"
#include "target/task.h"

/* A thread that runs stops within tens of microseconds, which is waited for: it stands still until we have seen it. */
enum { SPIN_US = 30, HOLD_MOST_US = 100000, SYSCALL_TEXT = 192 };

/* Used by handlers alone, of which there is one at a time. */
static struct {
    struct gs_request *request;
    pid_t pid;
    pid_t asked;   /* was interrupted for the request, and has not stopped yet; 0: nobody */
    pid_t stopped; /* stands still for it */
    int runs_fd;   /* our own schedstat */
    uint64_t asked_ns, waited_ns;
} one = {.runs_fd = -1};

/* For how long we were ready to run and had no processor, so far. */
static uint64_t own_wait_ns(void)
{
    struct gs_runs runs;
    return gs_runs_read(one.runs_fd, &runs) ? runs.waited_ns : 0;
}

/* A thread in a system call would see the call interrupted: the kernel is asked at the last moment. */
static bool runs(pid_t tid)
{
    char file[64], text[SYSCALL_TEXT];
    struct gs_activity activity;
    snprintf(file, sizeof file, "task/%d/syscall", (int)tid);
    if (gs_proc_read(one.pid, file, text, sizeof text) <= 0)
        return false;
    gs_activity_parse(text, &activity);
    return activity.run == GS_RUN_RUNNING;
}

static bool answer(pid_t tid, enum gs_request_phase from, enum gs_request_phase to)
{
    if (!gs_request_turn(one.request, tid, from, to))
        return false;
    syscall(SYS_futex, &one.request->word, FUTEX_WAKE, 1, NULL, NULL, 0);
    return true;
}

static void set_timer(long us)
{
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_usec = us}}, NULL);
}

static void stop(pid_t tid)
{
    one.waited_ns = own_wait_ns();
    one.asked_ns = gs_clock_ns();
    if (!runs(tid) || ptrace(PTRACE_INTERRUPT, tid, 0, 0) != 0) {
        answer(tid, GS_REQUEST_STOP, GS_REQUEST_REFUSED);
        return;
    }
    one.asked = tid;
    for (uint64_t until_ns = gs_clock_ns() + SPIN_US * UINT64_C(1000); one.asked == tid && gs_clock_ns() < until_ns;)
        gs_seize_handle(tid);
}

/* It stands still since it was interrupted, as far as we can tell; but where we were told of it later, only since we
 * were ready to be. */
static uint64_t stopped_since(void)
{
    uint64_t now_ns = gs_clock_ns(), waited_ns = own_wait_ns();
    if (now_ns - one.asked_ns <= 2 * SPIN_US * UINT64_C(1000))
        return one.asked_ns;
    return gs_most(one.asked_ns, now_ns - (waited_ns - one.waited_ns));
}

/* Whoever has not asked for it yet is told first: as long as the word says that it stands still, it does. */
void gs_seize_let_go(void)
{
    pid_t tid = one.stopped;
    if (!tid)
        return;
    set_timer(0);
    one.stopped = 0;
    one.request->stood_ns = gs_clock_ns() - one.request->since_ns;
    bool told = answer(tid, GS_REQUEST_STOPPED, GS_REQUEST_GONE);
    gs_seize_resume(tid, 0);
    if (!told)
        answer(tid, GS_REQUEST_GO, GS_REQUEST_GONE);
}

/* What it stopped with is taken from the kernel's hands, or it would be found again and again: there is no signal in it
 * that could be lost with us. */
static bool hold(pid_t tid)
{
    struct gs_request *request = one.request;
    struct iovec place = {&request->registers, sizeof request->registers};
    siginfo_t info;
    request->since_ns = stopped_since();
    request->has_registers =
        ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &place) == 0 && place.iov_len == sizeof request->registers;
    one.stopped = tid;
    set_timer(HOLD_MOST_US);
    waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOHANG | __WALL);
    if (!answer(tid, GS_REQUEST_STOP, GS_REQUEST_STOPPED))
        gs_seize_let_go(); /* nobody waits for it any more */
    return true;
}

bool gs_seize_keep(pid_t tid, int event, int signal)
{
    if (tid != one.asked)
        return false;
    if (event != PTRACE_EVENT_STOP) {
        ptrace(PTRACE_INTERRUPT, tid, 0, 0); /* first that is seen to; the thread stops once more behind it */
        return false;
    }
    one.asked = 0;
    if (signal == SIGTRAP)
        return hold(tid);
    answer(tid, GS_REQUEST_STOP, GS_REQUEST_REFUSED); /* the whole process stands still */
    return false;
}

void gs_seize_forget(pid_t tid)
{
    if (tid == one.stopped)
        gs_seize_let_go();
    if (tid != one.asked)
        return;
    one.asked = 0;
    answer(tid, GS_REQUEST_STOP, GS_REQUEST_REFUSED);
}

static void obey(int number)
{
    int before = errno;
    uint32_t word = atomic_load(&one.request->word);
    if (number == SIGALRM || gs_request_phase(word) == GS_REQUEST_GO)
        gs_seize_let_go();
    else if (gs_request_phase(word) == GS_REQUEST_STOP)
        stop(gs_request_tid(word));
    errno = before;
}

void gs_seize_serve(struct gs_request *request, pid_t pid, const sigset_t *mask)
{
    struct sigaction action = {.sa_handler = obey, .sa_flags = SA_RESTART, .sa_mask = *mask};
    one.request = request;
    one.pid = pid;
    one.runs_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    sigaction(GS_REQUEST_SIGNAL, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
}
