/* What a process that traces every thread of another (seize.h) and whoever wants one of them stopped (stopper.h) say to
 * each other, in memory that both have. */
#ifndef GS_TARGET_REQUEST_H
#define GS_TARGET_REQUEST_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "arch/arch.h"

/* The signal by which the tracer is told that the word has changed; the other way it is a futex. */
enum { GS_REQUEST_SIGNAL = SIGUSR1 };

enum gs_request_phase {
    GS_REQUEST_NONE,
    GS_REQUEST_STOP,    /* the thread is to be stopped */
    GS_REQUEST_REFUSED, /* it cannot be: it does not run, or has ended */
    GS_REQUEST_STOPPED, /* it stands still: what is below holds, until the tracer lets it go */
    GS_REQUEST_GO,      /* it is to be let go */
    GS_REQUEST_GONE     /* it was */
};

enum { GS_REQUEST_PHASE = 7 /* bits of the word; the others are the thread: a tid has 22 at most (PID_MAX_LIMIT) */ };

struct gs_request {
    /* The thread and a phase. We change NONE, STOPPED, REFUSED and GONE, and STOP when nobody waits for it any more;
     * the tracer STOP and GO, and STOPPED when its time is over. */
    _Atomic uint32_t word;
    bool has_registers;
    gs_arch_regset registers;
    uint64_t since_ns; /* CLOCK_MONOTONIC: it stands still */
    uint64_t stood_ns; /* when it was let go: for how long it did */
};

static inline uint32_t gs_request_word(pid_t tid, enum gs_request_phase phase)
{
    return (uint32_t)tid * (GS_REQUEST_PHASE + 1) | phase;
}

static inline enum gs_request_phase gs_request_phase(uint32_t word)
{
    return word & GS_REQUEST_PHASE;
}

static inline pid_t gs_request_tid(uint32_t word)
{
    return (pid_t)(word / (GS_REQUEST_PHASE + 1));
}

/* False: the request was another one. */
static inline bool gs_request_turn(struct gs_request *request, pid_t tid, enum gs_request_phase from,
                                   enum gs_request_phase to)
{
    uint32_t before = gs_request_word(tid, from);
    return atomic_compare_exchange_strong(&request->word, &before, gs_request_word(tid, to));
}

#endif
