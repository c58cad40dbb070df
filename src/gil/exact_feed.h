/* Figures of the GIL out of the spans of exact tracing (src/trace/gil_spans.h). */
#ifndef GS_GIL_EXACT_FEED_H
#define GS_GIL_EXACT_FEED_H

#include "gil/account.h"
#include "gil/hold_place.h"
#include "trace/gil_spans.h"

struct gs_exact_feed;

/* Who the threads are; times are nanoseconds. */
struct gs_exact_feed_source {
    void *context;
    /* The thread of a span, when it is met for the first time: its name, threading's ident (0: not known yet), and
     * whether it is the main one. */
    void (*find)(void *context, pid_t tid, char *name, size_t size, uint64_t *ident, bool *main);
    /* How long it has been on a processor up to now; false: that is not known. NULL: of no thread. */
    bool (*ran)(void *context, pid_t tid, uint64_t *ran_ns);
};

/* From long_ns on a hold is listed. addresses are not owned. NULL: out of memory. */
struct gs_exact_feed *gs_exact_feed_new(const struct gs_gil_addresses *addresses, uint64_t long_ns,
                                        const struct gs_exact_feed_source *source);
void gs_exact_feed_free(struct gs_exact_feed *exact);

/* As struct gs_gil_spans_calls has them. */
void gs_exact_feed_turn(struct gs_exact_feed *exact, const struct gs_gil_span *gil_span);
void gs_exact_feed_moment(struct gs_exact_feed *exact, unsigned lock, pid_t holder, uint32_t waiters, uint64_t ns);
void gs_exact_feed_blame(struct gs_exact_feed *exact, pid_t waiter, pid_t holder, uint64_t ns);

/* A thread that is there, also if it does nothing with the GIL. since_begin: since the span began, and not born in it.
 */
void gs_exact_feed_meet(struct gs_exact_feed *exact, pid_t tid, bool since_begin);
/* One that has ended, and all its spans have come: of very many the most become one row (gs_account_ended). */
void gs_exact_feed_ended(struct gs_exact_feed *exact, pid_t tid);
/* The same for each thread that was met and is gone. */
void gs_exact_feed_end_gone(struct gs_exact_feed *exact, bool (*gone)(void *context, pid_t tid), void *context);
/* Asks for the name of each thread that was met; name returns NULL where it is not known. */
void gs_exact_feed_rename(struct gs_exact_feed *exact, const char *(*name)(void *context, pid_t tid, uint64_t *ident),
                          void *context);
/* What a thread was seen to do in a hold that began at since_ns. The place is of Python. */
void gs_exact_feed_see(struct gs_exact_feed *exact, unsigned lock, pid_t tid, uint64_t since_ns, uint64_t now_ns,
                       const struct gs_place *place, const struct gs_hold_call *call);

/* A window of exact tracing has ended, which was so long. */
void gs_exact_feed_window(struct gs_exact_feed *exact, uint64_t ns);
/* How long all windows of the span together were. */
uint64_t gs_exact_feed_traced_ns(const struct gs_exact_feed *exact);
/* The figures of a span that was so long; what else stat has is the caller's to fill in. The lists are freed with
 * gs_gilstat_fini, before the next span begins. GS_NO_MEMORY. */
enum gs_status gs_exact_feed_finish(struct gs_exact_feed *exact, uint64_t whole_ns,
                                    struct gs_gilstat *stat) GS_MUST_CHECK;
/* A new span begins. */
void gs_exact_feed_next(struct gs_exact_feed *exact);

#endif
