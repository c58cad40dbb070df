/* Our side of a request: it is asked, and waited for. */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "target/procfs.h"
#include "target/stopper.h"

enum { FIRST_US = 100, LOOK_US = 20000 };

/* Until the word is another one; false: that takes longer. */
static bool wait_while(struct gs_request *request, uint32_t word, long us)
{
    struct timespec most = {.tv_nsec = us * 1000L};
    if (atomic_load(&request->word) == word)
        syscall(SYS_futex, &request->word, FUTEX_WAIT, word, &most, NULL, 0);
    return atomic_load(&request->word) != word;
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

/* Tells the tracer that the word has changed, and waits until it has done it. A thread that does not get a processor
 * stops when it gets one: that is waited for, however long it takes. False: there is nobody to do it, or the thread
 * sleeps uninterruptibly. */
static bool ask(const struct gs_stopper *stopper, enum gs_request_phase what)
{
    uint32_t word = gs_request_word(stopper->tid, what);
    kill(stopper->pid, GS_REQUEST_SIGNAL);
    for (long look_us = FIRST_US; !wait_while(stopper->request, word, look_us); look_us *= 2) {
        if (has_ended(stopper->pid))
            return false;
        if (look_us < LOOK_US)
            continue;
        look_us = LOOK_US / 2;
        kill(stopper->pid, SIGCONT);           /* somebody may have stopped it; to one that is busy it is nothing */
        kill(stopper->pid, GS_REQUEST_SIGNAL); /* of a thread in the middle of an exec, an interrupt may be lost */
        if (what == GS_REQUEST_STOP && gs_proc_sleeps_uninterruptibly(stopper->tid))
            return false;
    }
    return true;
}

enum gs_status gs_stopper_begin(struct gs_stopper *stopper, pid_t tid)
{
    struct gs_request *request = stopper->request;
    stopper->tid = tid;
    atomic_store(&request->word, gs_request_word(tid, GS_REQUEST_STOP));
    /* Should it stop after all when nobody waits for it, it is let go at once. */
    if (!ask(stopper, GS_REQUEST_STOP) && gs_request_turn(request, tid, GS_REQUEST_STOP, GS_REQUEST_NONE))
        return GS_LOST;
    return gs_request_turn(request, tid, GS_REQUEST_REFUSED, GS_REQUEST_NONE) ? GS_LOST : GS_OK;
}

bool gs_stopper_holds(const struct gs_stopper *stopper)
{
    return atomic_load(&stopper->request->word) == gs_request_word(stopper->tid, GS_REQUEST_STOPPED);
}

const gs_arch_regset *gs_stopper_registers(const struct gs_stopper *stopper)
{
    return stopper->request->has_registers ? &stopper->request->registers : NULL;
}

uint64_t gs_stopper_end(struct gs_stopper *stopper)
{
    struct gs_request *request = stopper->request;
    bool here =
        !gs_request_turn(request, stopper->tid, GS_REQUEST_STOPPED, GS_REQUEST_GO) || ask(stopper, GS_REQUEST_GO);
    uint64_t stood_ns = here ? request->stood_ns : gs_clock_ns() - request->since_ns;
    atomic_store(&request->word, gs_request_word(stopper->tid, GS_REQUEST_NONE));
    return stood_ns;
}
