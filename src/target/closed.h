/* Processes that wait for one another, and for nobody else. */
#ifndef GS_TARGET_CLOSED_H
#define GS_TARGET_CLOSED_H

#include "gilspy/target.h"

enum { GS_CLOSED_MOST = 16, GS_CLOSED_NAME = 80 };

enum gs_closed_kind { GS_CLOSED_SEMAPHORE, GS_CLOSED_READS, GS_CLOSED_WRITES, GS_CLOSED_CHILD };

/* What one thread waits for that is not in its own process. */
struct gs_closed_wait {
    pid_t pid, tid;
    char comm[16]; /* of the process */
    enum gs_closed_kind kind;
    pid_t other;               /* one of those who could end that */
    char name[GS_CLOSED_NAME]; /* of what it waits for: a file, "pipe:[4711]" */
};

struct gs_closed {
    struct gs_closed_wait list[GS_CLOSED_MOST]; /* the first of each process */
    size_t count;                               /* of the processes */
};

/* True: each thread of the process sleeps, without a time limit, until another one of some processes does something (it
 * gives back a semaphore, writes to a pipe or a socket or reads from it, ends), and so does each thread of these; two
 * or more of them, none of which ran while that was found out. A signal could still end it. A main thread that waits
 * for another one of its process may wait for a signal, and is none, unless another one has something to write that
 * nobody reads. False also where not all of that can be read. */
bool gs_target_closed(const struct gs_target *target, struct gs_closed *closed);

#endif
