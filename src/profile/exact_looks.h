/* Looks at whoever has a GIL for long, while it is traced exactly: what is done in long holds. Times are nanoseconds.
 */
#ifndef GS_PROFILE_EXACT_LOOKS_H
#define GS_PROFILE_EXACT_LOOKS_H

#include "gil/exact_feed.h"
#include "gilspy/snapshot.h"
#include "trace/tracer.h"

/* Where a thread was seen to hold its GIL. */
struct gs_exact_seen {
    struct gs_place place;  /* its innermost Python frame; the strings hold until the next look */
    struct gs_place native; /* the C function that this one called; function NULL: none, or not known */
};

/* Looks at a thread that has a GIL for long. False: it does not have it any more, or its stack is not known. The
 * snapshot (NULL: none could be taken) is told in any case. */
struct gs_exact_eye {
    void *context;
    bool (*see)(void *context, pid_t tid, struct gs_exact_seen *seen, const struct gs_snapshot **snapshot);
};

struct gs_exact_looks {
    struct gs_exact_eye eye;
    uint64_t long_ns; /* a hold from this length on is looked at */
    struct {
        uint64_t since_ns, seen_ns; /* the hold in which the holder's stack was read last, and when */
    } last[GS_SPOTS_MOST];
    uint64_t next_ns; /* when it is looked at who has the GIL, UINT64_MAX: when something else is done */
};

/* What whoever has a GIL for long does, and when to look again. */
void gs_exact_looks_take(struct gs_exact_looks *looks, const struct gs_tracer *tracer,
                         const struct gs_gil_spans *gil_spans, struct gs_exact_feed *feed,
                         const struct gs_snapshot **snapshot);

#endif
