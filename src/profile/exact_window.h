/* Windows of exact tracing: events become spans, and spans figures, from a look at the process to the next pause, or to
 * where events were lost. Times are nanoseconds. */
#ifndef GS_PROFILE_EXACT_WINDOW_H
#define GS_PROFILE_EXACT_WINDOW_H

#include "gil/exact_pauses.h"
#include "profile/exact_threads.h"
#include "trace/tracer.h"

/* What is wanted beside the figures; each may be NULL. */
struct gs_exact_tap {
    void *context;
    enum gs_status (*event)(void *context, const struct gs_event *event); /* every one, as it came */
    void (*gil_span)(void *context, const struct gs_gil_span *gil_span);
    void (*moment)(void *context, unsigned lock, pid_t holder, uint32_t waiters, uint64_t begin_ns, uint64_t end_ns);
    void (*window)(void *context, uint64_t begin_ns, uint64_t end_ns);               /* was traced */
    void (*counts)(void *context, uint64_t ns, const struct gs_gilstat_counts *all); /* up to now, now and then */
    void (*pause)(void *context, const struct gs_exact_pause *pause);
};

struct gs_exact_window {
    struct gs_exact_threads threads; /* set before it is made; so is the tap */
    struct gs_exact_tap tap;
    struct gs_tracer *tracer; /* not owned */
    struct gs_gil_spans *gil_spans;
    struct gs_exact_feed *feed;
    struct gs_exact_pauses pauses;
    struct gs_gilcounts *counts; /* NULL: not wanted */
    uint64_t begin_ns;           /* when the window, or the part of it in this span, began */
    uint64_t until_ns;           /* up to where events were handed on */
    uint64_t ended_ns;           /* when a thread ended last */
    uint64_t counts_ns;          /* when counts were told last */
    bool on, gone;               /* gone: the process is no more what it was */
    bool beginning;              /* who is met now was there when the span began */
    bool torn, holes; /* torn: events were lost in this window, of which nothing counts any more; holes: in any */
};

/* Finish it in any case. GS_NO_MEMORY. */
enum gs_status gs_exact_window_make(struct gs_exact_window *window, struct gs_tracer *tracer, uint64_t long_ns,
                                    bool counters) GS_MUST_CHECK;
void gs_exact_window_fini(struct gs_exact_window *window);

/* A window begins: *took_ns, what that took. */
enum gs_status gs_exact_window_begin(struct gs_exact_window *window, uint64_t *took_ns) GS_MUST_CHECK;
/* Hands on what came. It is whole only if the window is not torn after that. What the tap returned; GS_NO_MEMORY. */
enum gs_status gs_exact_window_drain(struct gs_exact_window *window) GS_MUST_CHECK;
/* As far as events are known to be whole by now, they are spans; counts are told, now and then. */
enum gs_status gs_exact_window_reach(struct gs_exact_window *window) GS_MUST_CHECK;
/* What is traced goes on, but a new part of it begins, for the next span. GS_NO_MEMORY. */
enum gs_status gs_exact_window_cut(struct gs_exact_window *window) GS_MUST_CHECK;
/* The window, if there is one, ends. */
enum gs_status gs_exact_window_end(struct gs_exact_window *window) GS_MUST_CHECK;

#endif
