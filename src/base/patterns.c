/* Globs for names, numbers for tids. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/patterns.h"

bool gs_patterns_fit(const char *const *patterns, size_t count, pid_t tid, const char *name)
{
    char number[16];
    snprintf(number, sizeof number, "%d", (int)tid);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(patterns[i], number) == 0 || fnmatch(patterns[i], name, 0) == 0)
            return true;
    }
    return count == 0;
}
