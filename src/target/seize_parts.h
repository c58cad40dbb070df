/* The parts of a tracer of all threads, for its sources. */
#ifndef GS_TARGET_SEIZE_PARTS_H
#define GS_TARGET_SEIZE_PARTS_H

#include "target/seize.h"

/* Begins to do what is requested. mask: the signals that are handled, none of them within another. */
void gs_seize_serve(struct gs_request *request, pid_t pid, const sigset_t *mask);
/* A thread has stopped, with an event (PTRACE_EVENT_*, 0: for a signal) and a signal. True: that is what was requested,
 * and it stays as it is. */
bool gs_seize_keep(pid_t tid, int event, int signal);
/* A thread has ended. */
void gs_seize_forget(pid_t tid);
/* Handles what a thread has stopped for; false: it has not. */
bool gs_seize_handle(pid_t tid);

/* It goes on, with that signal or none (0); false: it could not be done, the thread is being killed. */
bool gs_seize_resume(pid_t tid, int signal);

#endif
