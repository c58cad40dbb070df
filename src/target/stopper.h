/* The process that traces the threads of a target for us, and is asked to stop one of them. When we end it lets that
 * thread go, and after 100 ms at the latest. */
#ifndef GS_TARGET_STOPPER_H
#define GS_TARGET_STOPPER_H

#include "gilspy/status.h"
#include "target/request.h"

struct gs_stopper {
    pid_t pid; /* a child of ours */
    struct gs_request *request;
    pid_t tid; /* that it was asked to stop last */
};

/* GS_LOST: the thread does not run, has ended or fell into an uninterruptible sleep, or the tracer has ended. */
enum gs_status gs_stopper_begin(struct gs_stopper *stopper, pid_t tid) GS_MUST_CHECK;
/* Whether it stands still as yet. */
bool gs_stopper_holds(const struct gs_stopper *stopper);
/* Its registers; NULL: they are not to be had. */
const gs_arch_regset *gs_stopper_registers(const struct gs_stopper *stopper);
/* Lets it go on; returns for how many nanoseconds it stood still. */
uint64_t gs_stopper_end(struct gs_stopper *stopper);

#endif
