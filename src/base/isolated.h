/* Work in a process of its own, for what may wait for ever where not even being killed helps: looking for files on a
 * mount whose server is gone. */
#ifndef GS_BASE_ISOLATED_H
#define GS_BASE_ISOLATED_H

#include <stddef.h>
#include <sys/types.h>

#include "gilspy/status.h"

enum gs_isolated { GS_ISOLATED_DONE, GS_ISOLATED_LATE, GS_ISOLATED_FAILED };

/* Runs work(context, result) in a child process, and copies the `len` bytes of its result back. What else it changes is
 * lost. LATE: it took longer than 2 s and was left behind; FAILED: it died, or there can be no more processes. */
enum gs_isolated gs_isolated_run(void (*work)(const void *context, void *result), const void *context, void *result,
                                 size_t len) GS_MUST_CHECK;

/* A child process that works, by its keeper, and where what it writes is read. */
struct gs_isolated_child {
    pid_t keeper;
    int in;
};

/* Begins work(context, out) in a child process, which writes to `out` and has no other descriptor. False: there can be
 * no more processes. */
bool gs_isolated_begin(struct gs_isolated_child *child, void (*work)(const void *context, int out),
                       const void *context) GS_MUST_CHECK;
/* Ends it, or leaves it behind where it cannot be ended. */
void gs_isolated_end(struct gs_isolated_child *child);
/* All of the bytes; false: nobody reads them. */
bool gs_isolated_write(int out, const void *bytes, size_t len);

/* Whether who opens and reads the file gets an answer, be it a refusal: tried in a child process. A thread of ours that
 * waits for a dead mount would keep us from ending. */
bool gs_isolated_answers(const char *path);

#endif
