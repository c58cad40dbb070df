/* Which names a user means. */
#ifndef GS_BASE_PATTERNS_H
#define GS_BASE_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether a thread is one of those that the patterns (globs for the name, numbers for the tid) ask for; without
 * patterns, each is. */
bool gs_patterns_fit(const char *const *patterns, size_t count, pid_t tid, const char *name);

#endif
