/* What a signal handler may change, and the mask of signals: both are the whole program's. */
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "base/clock.h"
#include "session/control.h"
#include "session/signals.h"

enum { SLEEP_NS = 20000 };

static volatile sig_atomic_t ended, sent, came, reload;
static _Atomic uint64_t ended_ns;
static bool reloads;     /* HUP asks for that */
static sigset_t waiting; /* the mask while nothing but a signal is waited for */

static void remember(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (number == SIGHUP && reloads) {
        reload = 1;
        return;
    }
    ended_ns = ended ? ended_ns : gs_clock_ns();
    ended = 1;
    came = number;
    if (info->si_code <= 0) /* SI_USER, SI_QUEUE, SI_TKILL: not the kernel for a terminal */
        sent = number;
}

static void ignore(int number)
{
    (void)number;
}

void gs_signals_catch(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_sigaction = remember, .sa_flags = SA_SIGINFO}, old;
    static bool caught;
    sigset_t blocked;
    if (caught)
        return; /* what is blocked by now (SIGCHLD) is to be let in while we wait */
    caught = true;
    sigemptyset(&blocked);
    sigprocmask(SIG_SETMASK, NULL, &waiting);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
            continue; /* nohup, or a job in the background: it stays that way */
        sigaddset(&blocked, signals[i]);
        sigdelset(&waiting, signals[i]);
        sigaction(signals[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, NULL);
}

bool gs_signals_reload(void)
{
    bool asked = reload;
    reloads = true;
    reload = 0;
    return asked;
}

bool gs_signals_ended(void)
{
    return ended != 0;
}

uint64_t gs_signals_ended_ns(void)
{
    return ended_ns ? ended_ns : gs_clock_ns();
}

int gs_signals_sent(bool terminal)
{
    int number = terminal ? came : sent; /* signals are blocked here */
    sent = came = 0;
    return number;
}

void gs_signals_wake_for_children(void)
{
    sigset_t blocked;
    struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_NOCLDSTOP};
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    sigaction(SIGCHLD, &action, NULL);
}

/* To be sent to sleep for a moment and woken takes 17 to 20 us of CPU time, and ends some 20 us late (70 with the usual
 * slack of timers): measured on a VM, by sleeps of 1 to 100 us. A wait that is shorter is cheaper, and on time, awake.
 * Once in a slot of random moments that is rare where slots are long: at 1 kHz one wait in 5,000. */
bool gs_signals_awake(uint64_t until_ns)
{
    uint64_t now_ns = gs_clock_ns();
    if (until_ns > now_ns && until_ns - now_ns >= SLEEP_NS)
        return false;
    while (now_ns < until_ns)
        now_ns = gs_clock_ns();
    return true;
}

bool gs_signals_wait(uint64_t until_ns, int fd)
{
    struct pollfd readable[] = {{.fd = fd, .events = POLLIN}, {.fd = gs_control_fd(), .events = POLLIN}};
    uint64_t now = gs_signals_awake(until_ns) ? until_ns : gs_clock_ns();
    uint64_t left = until_ns > now ? until_ns - now : 0; /* 0: signals are let in all the same */
    struct timespec time = {.tv_sec = (time_t)(left / GS_NS_PER_S), .tv_nsec = (long)(left % GS_NS_PER_S)};
    int ready = ppoll(readable, 2, &time, &waiting);
    /* A descriptor that is ready comes first, and signals stay out: one that always is would keep them out for ever. */
    if (ready > 0)
        ppoll(NULL, 0, &(struct timespec){0}, &waiting);
    if (ready > 0 && readable[1].revents && !gs_control_heed())
        ended = 1;
    return ready != 0;
}

bool gs_signals_sleep(uint64_t until_ns)
{
    gs_signals_wait(until_ns, -1);
    return !gs_signals_ended();
}
