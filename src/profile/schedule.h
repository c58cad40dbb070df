/* Who is on a processor, as spans of time out of the scheduler's events. */
#ifndef GS_PROFILE_SCHEDULE_H
#define GS_PROFILE_SCHEDULE_H

#include "gilspy/status.h"
#include "trace/event.h"

enum gs_run_state {
    GS_ON_CPU,
    GS_PREEMPTED, /* could go on, but another has the processor */
    GS_OFF_CPU,   /* waits for something, */
    GS_BLOCKED,   /* which no signal ends: mostly for a disk; where states can be told */
    GS_WOKEN      /* what it waited for is there, but it has no processor yet; where that can be told */
};

struct gs_run_span {
    pid_t tid;
    enum gs_run_state state;
    uint16_t cpu; /* on which it is, or was */
    char letter;  /* off a processor: its state as in /proc/PID/stat, 0: not known */
    pid_t waker;  /* woken: the thread that did it, of any process; 0: the kernel, as for a timer */
    bool ours;    /* that is one of the process */
    uint64_t begin_ns, end_ns;
};

struct gs_schedule;

/* span is called in the order in which spans end. NULL: out of memory. */
struct gs_schedule *gs_schedule_new(void (*span)(void *context, const struct gs_run_span *span), void *context);
void gs_schedule_free(struct gs_schedule *schedule);
/* The next event; those that are not the scheduler's are left out. */
enum gs_status gs_schedule_event(struct gs_schedule *schedule, const struct gs_event *event) GS_MUST_CHECK;
/* What goes on ends here; what comes next is not known. */
void gs_schedule_cut(struct gs_schedule *schedule, uint64_t ns);

#endif
