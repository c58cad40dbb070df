/* The difference of two made-up programs. */
#ifndef TESTS_DIFFERED_H
#define TESTS_DIFFERED_H

#include "export/difference.h"

/* Plays both, and keeps what the difference needs until differed_close. */
struct differed {
    struct gs_diff *diff;
    struct gs_difference difference;
};
void differed_open(struct differed *differed, const char *before, const char *after,
                   const struct gs_selection *selection);
void differed_close(struct differed *differed);

#endif
