/* Stopping one thread for microseconds. Whatever happens to us, the kernel lets it go on: PTRACE_SEIZE only. */
#ifndef GS_TARGET_STOP_H
#define GS_TARGET_STOP_H

#include "gilspy/target.h"

struct gs_stop {
    pid_t tid;  /* stopped now, 0: none */
    int signal; /* a signal that was on its way to it, to be delivered when it goes on */
    pid_t owed; /* seized, but did not stop in time (it sleeps in the kernel): collected later */
    uint64_t since_ns;
};

/* Stops a thread; GS_LOST when it did not stop in time or has ended, GS_NOT_PERMITTED (also: another tracer has it). */
enum gs_status gs_stop_begin(struct gs_stop *stop, pid_t tid) GS_MUST_CHECK;
/* Lets it go on; returns for how many microseconds it stood still. */
uint64_t gs_stop_end(struct gs_stop *stop);

#endif
