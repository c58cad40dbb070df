/* Stopping one thread for microseconds. Whatever happens to us, the kernel lets it go on: PTRACE_SEIZE only.
 *
 * A program that stops threads must not have SIGCHLD ignored: the kernel tells by it that a thread has stopped. */
#ifndef GS_TARGET_STOP_H
#define GS_TARGET_STOP_H

#include <signal.h>

#include "arch/arch.h"
#include "base/scheduling.h"
#include "gilspy/target.h"
#include "target/stopper.h"

struct gs_stop {
    struct gs_stopper *by; /* not owned: who stops it for us; NULL: we do */
    pid_t tid;             /* stopped now, 0: none */
    int signal;            /* a signal that was on its way to it, to be delivered when it goes on */
    pid_t owed; /* seized, but in an uninterruptible sleep: it will stop when that ends, and must be let go then */
    struct gs_mem *mem; /* not owned: the target's */
    uint64_t since_ns;
    sigset_t before;                 /* signals that were blocked before it was stopped */
    struct gs_scheduling scheduling; /* and how we were scheduled */
};

/* Stops a thread of target if it runs: activity_fd is its syscall file (gs_activity_open), asked at the last moment.
 * GS_LOST when it does not run, has ended or fell into an uninterruptible sleep; GS_NOT_PERMITTED when it may not be
 * traced, as when another tracer has it. */
enum gs_status gs_stop_begin(struct gs_stop *stop, const struct gs_target *target, pid_t tid,
                             int activity_fd) GS_MUST_CHECK;
/* The registers of the thread that is stopped; false: they are not to be had. *came_in: into a system call. */
bool gs_stop_registers(const struct gs_stop *stop, struct gs_arch_registers *registers, bool *came_in);
/* Whether it stands still as yet: a process of ours that traces it (target->stopper) lets it go after 100 ms. */
bool gs_stop_holds(const struct gs_stop *stop);
/* Lets it go on; returns for how many nanoseconds it stood still. */
uint64_t gs_stop_end(struct gs_stop *stop);
/* Lets a thread that is owed go on if it has stopped by now: to be called before each reading, and while waiting for
 * the next one. */
void gs_stop_settle(struct gs_stop *stop);
/* Before stop is forgotten: waits for a thread that is owed, for a while. */
void gs_stop_fini(struct gs_stop *stop);

#endif
