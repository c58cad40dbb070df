/* Work in a process of its own, for what may wait for ever where not even being killed helps: looking for files on a
 * mount whose server is gone. */
#ifndef GS_BASE_APART_H
#define GS_BASE_APART_H

#include <stddef.h>

#include "gilspy/status.h"

enum gs_apart { GS_APART_DONE, GS_APART_LATE, GS_APART_FAILED };

/* Runs work(context, result) in a child process, and copies the `len` bytes of its result back. What else it changes is
 * lost. LATE: it took longer than 2 s and was left behind; FAILED: it died, or there can be no more processes. */
enum gs_apart gs_apart_run(void (*work)(const void *context, void *result), const void *context, void *result,
                           size_t len) GS_MUST_CHECK;

/* Whether who opens and reads the file gets an answer, be it a refusal: tried in a child process. A thread of ours that
 * waits for a dead mount would keep us from ending. */
bool gs_apart_answers(const char *path);

#endif
