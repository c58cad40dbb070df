/* Which samples count, and as what: the modes of record and report. */
#ifndef GS_PROFILE_MODES_H
#define GS_PROFILE_MODES_H

#include "base/patterns.h"
#include "gilspy/sample.h"

enum gs_mode {
    GS_MODE_ACTIVE,               /* threads that are runnable, hold the GIL or wait for it */
    GS_MODE_WALL,                 /* every thread, always */
    GS_MODE_CPU,                  /* runnable threads */
    GS_MODE_GIL,                  /* the holder */
    GS_MODE_WAIT,                 /* threads that wait for the GIL */
    GS_MODE_BLAME,                /* each waiter's time, charged to what the holder was doing */
    GS_MODE_LOCKS,                /* threads that wait for any lock, the GIL among them */
    GS_MODE_LIVE,                 /* so many modes top has */
    GS_MODE_AWAIT = GS_MODE_LIVE, /* tasks that are suspended, at what each awaits */
    GS_MODE_EXCEPTION,            /* threads that handle an exception */
    GS_MODE_COUNT
};

extern const struct gs_mode_row {
    const char *name, *help;
} gs_modes[GS_MODE_COUNT];

/* False: no mode is called so. */
bool gs_mode_find(const char *name, enum gs_mode *mode);
/* Whether a thread counts in a sample. What the kernel says of it is not known: it does not run. */
bool gs_mode_counts(enum gs_mode mode, const struct gs_thread_sample *thread);
/* Neither runs nor wants to: part of the time without the GIL, or with none to hold. */
bool gs_thread_idle(const struct gs_thread_sample *thread);
/* It is idle, and waits for a lock that is no GIL. */
bool gs_thread_at_lock(const struct gs_thread_sample *thread);
/* What it does as one number: gil word * GS_CODE_RUNS + one of these. */
enum { GS_CODE_ASLEEP, GS_CODE_RUNNING, GS_CODE_UNKNOWN, GS_CODE_AT_LOCK, GS_CODE_RUNS };
uint32_t gs_thread_code(const struct gs_thread_sample *thread);
/* A suspended task as a thread that sleeps. */
struct gs_thread_sample gs_task_as_thread(const struct gs_sample *sample, size_t task);

/* Which samples of which threads are wanted, and how their stacks are to be drawn. */
struct gs_selection {
    enum gs_mode mode;
    bool threads;                /* the thread's name as the first frame of each stack */
    bool function;               /* one frame per function, not per line */
    bool json;                   /* figures as JSON, not as text */
    const char *const *patterns; /* only threads whose name or tid is one of these, when there are any */
    size_t pattern_count;
    const char *folder; /* of a format that is one; NULL: there is none, and only its first file is written */
    bool no_source;     /* of the source only numbers of lines are shown */
};

#endif
