/* Whether any thread ran of which that is not known. The kernel adds up the time that each thread had a processor, and
 * that of all threads of the process: if the whole grew by no more than those did that were looked at, all others
 * slept. Both are brought up to date at ticks and whenever a thread leaves its processor, and agree to the nanosecond
 * (kernel/sched/cputime.c, thread_group_cputime, of Linux 6.18). */
#ifndef GS_SAMPLE_BOOKS_H
#define GS_SAMPLE_BOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GS_BOOKS_UNKNOWN UINT64_MAX

struct gs_books {
    uint64_t checked_ns; /* when it was last found out whether they balance, */
    bool balanced;       /* and that they did, maybe after a search */
    bool known;
    uint64_t rest_ns;    /* of the process's time, once known: that of threads that ended or that nobody looks at */
    size_t left;         /* threads that are still to be looked at, because somebody ran */
    uint64_t missing_ns; /* the time of whoever ran that was not found yet, GS_BOOKS_UNKNOWN: not known */
};

/* Now rest_ns of the process's time is not that of a thread that was looked at (GS_BOOKS_UNKNOWN: not told), of
 * `threads` in all. True: nobody else ran since they last balanced. Otherwise all are to be looked at. */
bool gs_books_balance(struct gs_books *books, uint64_t rest_ns, size_t threads);
/* One thread was looked at, and had so much more time than when it was before; 0 if that was after the balance. */
void gs_books_look(struct gs_books *books, uint64_t more_ns);
/* These are other threads than before: all are to be looked at. */
void gs_books_restart(struct gs_books *books, size_t threads);

#endif
