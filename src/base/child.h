/* Children of ours that try something and do not outlive us. */
#ifndef GS_BASE_CHILD_H
#define GS_BASE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* As fork: the child dies with its parent, and leaves no core file. */
pid_t gs_child_fork(void);
/* Waits for its end: whether it ended by itself, with *status. */
bool gs_child_wait(pid_t pid, int *status);

#endif
