/* Threads of ours beside the one that works. */
#ifndef GS_BASE_THREAD_H
#define GS_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Begins a thread that takes no signal: SIGCHLD, which is ignored, would be lost for the one who waits for a thread of
 * a process to stop (src/target/stop.c). False: there can be no more. */
bool gs_thread_begin(pthread_t *thread, void *(*run)(void *context), void *context);

/* A condition that is waited for by CLOCK_MONOTONIC. */
void gs_thread_condition(pthread_cond_t *condition);
/* Waits for it with the lock held, until then at most. False: the time is over. */
bool gs_thread_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_ns);

#endif
