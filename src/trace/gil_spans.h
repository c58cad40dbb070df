/* Events in their order, made into spans of time in which a thread had the GIL, waited or did without.
 *
 * A span of time that is traced begins with what is known of its first moment. Events from before that moment only say
 * what then was: they are as certain as the later ones, whereas a look at the process takes time. */
#ifndef GS_TRACE_GIL_SPANS_H
#define GS_TRACE_GIL_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gilspy/snapshot.h"
#include "trace/event.h"
#include "trace/gil_addresses.h"

/* What a thread did for a while. */
struct gs_gil_span {
    pid_t tid;
    uint8_t lock;
    uint8_t word;      /* enum gs_gil_word: holds, waits, without or unknown */
    bool begun, ended; /* within the time that was traced; not ended: this is a part of it, more may follow */
    uint64_t since_ns; /* of the whole span */
    uint64_t begin_ns, end_ns;
    uint32_t asks;    /* a wait: how often the interval passed */
    uint32_t waiters; /* a hold: how many waited, at most */
    bool forced;      /* a hold: somebody had asked for the GIL when it was dropped */
    pid_t from;       /* a hold: who had it before, 0: not known, */
    uint64_t from_ns; /* and let go of it then */
};

/* Called in the order of time; each but `gil_span` may be NULL. */
struct gs_gil_spans_calls {
    void *context;
    void (*gil_span)(void *context, const struct gs_gil_span *gil_span); /* when it is over, or cut */
    /* For this span of time the GIL was held by this thread (0: by nobody), and so many waited for it. */
    void (*moment)(void *context, unsigned lock, pid_t holder, uint32_t waiters, uint64_t begin_ns, uint64_t end_ns);
    void (*blame)(void *context, pid_t waiter, pid_t holder, uint64_t ns);
};

struct gs_gil_spans;

/* NULL: out of memory. */
struct gs_gil_spans *gs_gil_spans_new(const struct gs_gil_spans_calls *calls);
void gs_gil_spans_free(struct gs_gil_spans *gil_spans);

/* From here on it is traced; what threads do now follows, as far as it is known. */
void gs_gil_spans_start(struct gs_gil_spans *gil_spans, uint64_t begin_ns);
enum gs_status gs_gil_spans_tell(struct gs_gil_spans *gil_spans, pid_t tid, unsigned lock,
                                 enum gs_gil_word word) GS_MUST_CHECK;
/* The next event; those of threads that begin and end are its too, and others are left out. */
enum gs_status gs_gil_spans_event(struct gs_gil_spans *gil_spans, const struct gs_event *event) GS_MUST_CHECK;
/* All events up to here have come. */
enum gs_status gs_gil_spans_reach(struct gs_gil_spans *gil_spans, uint64_t ns) GS_MUST_CHECK;
/* Hands on the parts of spans up to here, no earlier than the last event; they go on. */
void gs_gil_spans_cut(struct gs_gil_spans *gil_spans, uint64_t ns);
/* It is traced up to here: all spans end. */
void gs_gil_spans_stop(struct gs_gil_spans *gil_spans, uint64_t end_ns);
/* What a thread does as of the last event; without: it has had nothing to do with a GIL. */
enum gs_gil_word gs_gil_spans_word(const struct gs_gil_spans *gil_spans, pid_t tid);
/* Who has a GIL, as of the last event, and since when; 0: nobody. */
pid_t gs_gil_spans_holder(const struct gs_gil_spans *gil_spans, unsigned lock, uint64_t *since_ns);

/* Events that cannot be: a GIL taken that somebody has, one dropped by who does not have it, one older than the one
 * before. There are none unless something was missed. */
uint64_t gs_gil_spans_violations(const struct gs_gil_spans *gil_spans);

#endif
