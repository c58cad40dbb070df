/* What a thread does, read again and again through a kept descriptor: a third of the price of opening it each time. */
#ifndef GS_TARGET_TASK_H
#define GS_TARGET_TASK_H

#include "gilspy/target.h"

/* A descriptor of the thread's syscall file, or -1. */
int gs_activity_open(const struct gs_target *target, pid_t tid);
/* What the thread does now; GS_RUN_GONE when it has ended since the descriptor was opened. */
void gs_activity_read(int fd, struct gs_activity *activity);
/* How often the thread was put on a processor, how long it was on one, and how long it waited for that, from its
 * schedstat file (gs_runs_open): as long as the count stays the same while it is not running, it did not move. False:
 * not told. */
struct gs_runs {
    uint64_t count, ran_ns, waited_ns;
};
int gs_runs_open(const struct gs_target *target, pid_t tid);
bool gs_runs_read(int fd, struct gs_runs *runs);
/* What a syscall file's text says. */
void gs_activity_parse(const char *text, struct gs_activity *activity);

#endif
