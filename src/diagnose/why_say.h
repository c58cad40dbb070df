/* Verdicts in the making, and what threads, places, locks and times are called in them. */
#ifndef GS_DIAGNOSE_WHY_SAY_H
#define GS_DIAGNOSE_WHY_SAY_H

#include "base/amount.h"
#include "diagnose/why_waits.h"

enum { GS_SAID = 400 };

struct gs_said {
    char words[GS_SAID];
};

/* One judgement: its rules add verdicts, and remember whom they told about. */
struct gs_judging {
    struct gs_why *why;
    const struct gs_case *c;
    /* Of each thread of the snapshot: what holds it up has been said; and it is one of those asked for. */
    bool *told, *asked;
    size_t asked_count;
};

/* A new verdict; text is a format. NULL when out of memory, which all that follows takes calmly. */
struct gs_verdict *gs_why_say(struct gs_judging *j, enum gs_why_kind kind, bool certain, const char *fmt, ...)
    GS_PRINTF(4, 5);
void gs_why_evidence(struct gs_judging *j, struct gs_verdict *verdict, const char *fmt, ...) GS_PRINTF(3, 4);
void gs_why_basis(struct gs_judging *j, struct gs_verdict *verdict, const char *fmt, ...) GS_PRINTF(3, 4);
void gs_why_advise(struct gs_judging *j, struct gs_verdict *verdict, const char *fmt, ...) GS_PRINTF(3, 4);
/* The verdict is about this thread of the snapshot, too. */
void gs_why_concerns(struct gs_judging *j, struct gs_verdict *verdict, size_t thread);

/* Adds words, as far as there is room. */
void gs_said_append(struct gs_said *said, const char *words);
/* "worker-2 (4250)" */
struct gs_said gs_said_thread(const struct gs_case *c, const struct gs_thread *thread);
struct gs_said gs_said_tid(const struct gs_case *c, pid_t tid);
/* "MainThread (1), worker-1 (2) and 5 more": the threads that `chosen` is true of. */
struct gs_said gs_said_threads(const struct gs_case *c, const bool *chosen);
/* "match (re/__init__.py:166)"; "" when it is not known. */
struct gs_said gs_said_place(const struct gs_case *c, const struct gs_frame *frame);
struct gs_said gs_said_spot(const struct gs_place *place);
/* The same without the line: of a frame that has gone on since. */
struct gs_said gs_said_function(const struct gs_case *c, const struct gs_frame *frame);
/* "sre_ucs1_match, in _sre.so" */
struct gs_said gs_said_closer(const struct gs_why_closer *closer);
/* The innermost Python frames, "a (f.py:1), from b (f.py:9)": those of the standard library's threading left out
 * where it is not what matters. "no Python code" where there are none. */
struct gs_said gs_said_stack(const struct gs_case *c, const struct gs_thread *thread);
/* "the C mutex 0x7f…", "the lock self.lock (an RLock at 0x7f…)" */
struct gs_said gs_said_wait(const struct gs_case *c, const struct gs_wait *wait);
/* The same without a name that another thread has for it. */
struct gs_said gs_said_possession(const struct gs_case *c, const struct gs_wait *wait);
/* "clock_nanosleep", "read from descriptor 3: a pipe that process 7 (sh) has open, too" */
struct gs_said gs_said_call(const struct gs_case *c, const struct gs_activity *activity);
/* " for about 3 min 2 s", by the kernel; "" when it does not tell. */
struct gs_said gs_said_asleep(const struct gs_case *c, pid_t tid);
struct gs_said gs_said_us(uint64_t time_us);
struct gs_said gs_said_number(uint64_t number);

#endif
