/* Being the tracer of every thread of a process, so that no trap of a watch can end it: for a process that does nothing
 * else, and has one thread.
 *
 * Some hypervisors hand a guest the trap of a watched store without saying so in DR6. Linux takes that for an int1
 * (exc_debug_user in arch/x86/kernel/traps.c, 6.18) and forces SIGTRAP with si_code TRAP_BRKPT on the thread, which
 * ends a process that has no handler. Its tracer sees the signal first, and takes it away. Nobody is stopped for that:
 * PTRACE_SEIZE leaves threads alone, and the rest of the signals goes on to them as it came.
 *
 * It is let go by ending: PTRACE_DETACH would have to stop every thread, which cuts system calls short. */
#ifndef GS_TARGET_SEIZE_H
#define GS_TARGET_SEIZE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gilspy/mem.h"
#include "target/request.h"

/* How many instructions are known to store to what is watched. */
enum { GS_SEIZE_SITES = 256 };

struct gs_seize_trap {
    uint64_t time_ns; /* when it was taken away; its thread has not gone on before */
    pid_t tid;
};

/* Since it began. */
struct gs_seize_counts {
    uint64_t stops; /* for signals, births and the like: each makes a thread wait for us */
    uint64_t traps; /* that were taken away */
};

/* Why a thread could not be seized. */
struct gs_seize_refusal {
    int reason;   /* errno, 0: all were */
    pid_t tid;    /* of the thread */
    pid_t tracer; /* who has it, 0: nobody that we see */
};

/* Handles stops by a handler of SIGCHLD from now on, wherever we are: a step that takes long makes nobody wait. What is
 * requested is done the same way, by handlers of GS_REQUEST_SIGNAL and SIGALRM: one thread is stopped, for 100 ms at
 * most. request (not owned) is all zeros. */
void gs_seize_begin(pid_t pid, struct gs_request *request);
/* The signals of these handlers, and SIGHUP: what else handles one must keep the others out. */
void gs_seize_signals(sigset_t *set);
/* Lets the thread go on that was stopped on request: there is nobody who wants it any more. With these signals kept
 * out. */
void gs_seize_let_go(void);
/* Seizes every thread; those that are born afterwards are, too. False: there is one that cannot be, refusal says why.
 */
bool gs_seize_everybody(struct gs_seize_refusal *refusal);
/* To be called now and then: seizes those that came without being so from their birth (CLONE_UNTRACED, which glibc does
 * not use; kernel/fork.c, 6.18). As above; no list of threads is no failure. */
bool gs_seize_strays(struct gs_seize_refusal *refusal);
/* The instruction before ip stores to what is watched, however it looks. */
void gs_seize_know(gs_addr ip);
struct gs_seize_counts gs_seize_counted(void);
/* The next trap that was taken away; false: there is none left. Of very many only the last are told. */
bool gs_seize_next_trap(struct gs_seize_trap *trap);
/* A trap is on its way to a thread, which must not be let go before it has come. */
bool gs_seize_is_owed(void);

#endif
