/* Exact tracing of one process: events made into spans and figures, within what it may cost. */
#ifndef GS_PROFILE_EXACT_H
#define GS_PROFILE_EXACT_H

#include "gil/exact_feed.h"
#include "gilspy/snapshot.h"
#include "profile/exact_window.h"
#include "trace/tracer.h"

/* Where a thread was seen to hold its GIL, or to run without one. */
struct gs_exact_seen {
    bool collects;                  /* garbage */
    struct gs_place place;          /* its innermost Python frame; the strings hold until the next look */
    struct gs_place native, called; /* as of struct gs_hold_call; function NULL: none, or not known */
};

/* Looks at a thread that has a GIL for long, or has paused all others. False: it does not have it any more, or its
 * stack is not known. The snapshot (NULL: none could be taken) is told in any case. */
struct gs_exact_eye {
    void *context;
    bool (*see)(void *context, pid_t tid, struct gs_exact_seen *seen, const struct gs_snapshot **snapshot);
};

struct gs_exact;

/* What is traced; nothing of it is owned. The reader is used by nobody else from here on, but by the eye. */
struct gs_exact_subject {
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_names *names;
    struct gs_exact_eye eye;
};

struct gs_exact_options {
    double max_overhead; /* share, 0: any */
    uint64_t long_us;
    bool switches;                  /* events of the scheduler for the tap */
    bool counters;                  /* for the figures, as far as they can be had */
    const struct gs_exact_tap *tap; /* or NULL */
};

/* Begins. As gs_tracer_open. */
enum gs_status gs_exact_open(struct gs_exact **exact, const struct gs_exact_subject *subject,
                             const struct gs_exact_options *options, struct gs_err *err) GS_MUST_CHECK;
void gs_exact_close(struct gs_exact *exact);
const struct gs_tracer_setup *gs_exact_setup(const struct gs_exact *exact);

/* When gs_exact_step is to be called, at the latest. */
uint64_t gs_exact_next_ns(const struct gs_exact *exact);
/* When it can be read, gs_exact_step is to be called before that; -1: not now. */
int gs_exact_wake_fd(const struct gs_exact *exact);
/* Goes on. GS_GONE, GS_EXECED: the process is no more what it was, what was seen of it is whole; what the tap returned;
 * GS_NO_MEMORY. */
enum gs_status gs_exact_step(struct gs_exact *exact) GS_MUST_CHECK;
/* Why exactness costs more than it may, even in windows; NULL: it does not. */
const char *gs_exact_hopeless(const struct gs_exact *exact);
/* It is traced no longer. */
enum gs_status gs_exact_end(struct gs_exact *exact) GS_MUST_CHECK;

/* The figures of the span up to now: the caller's to free (gs_gilstat_fini); their strings hold until the next span. */
enum gs_status gs_exact_figures(struct gs_exact *exact, struct gs_gilstat *stat) GS_MUST_CHECK;
/* Forgets what was counted: another span begins where the last figures ended. */
void gs_exact_next_span(struct gs_exact *exact);
/* What a thread is called, as far as is known by now. */
void gs_exact_name(struct gs_exact *exact, pid_t tid, char *name, size_t size);
/* Which counters can be had, as struct gs_gilstat has them; 0: none, or they are not wanted. */
uint32_t gs_exact_counted(const struct gs_exact *exact);
/* Interpreters that were born meanwhile and are not traced: as many as there were at once, at least. */
size_t gs_exact_born(const struct gs_exact *exact);
/* About the whole run. */
void gs_exact_numbers(struct gs_exact *exact, struct gs_tracer_numbers *numbers);

#endif
