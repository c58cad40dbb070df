/* Threads and conditions. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"

bool gs_thread_begin(pthread_t *thread, void *(*run)(void *context), void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* what the new thread begins with */
    bool begun = pthread_create(thread, NULL, run, context) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return begun;
}

void gs_thread_condition(pthread_cond_t *condition)
{
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &clock);
    pthread_condattr_destroy(&clock);
}

bool gs_thread_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / GS_NS_PER_S), .tv_nsec = (long)(until_ns % GS_NS_PER_S)};
    return pthread_cond_timedwait(condition, lock, &until) != ETIMEDOUT;
}
