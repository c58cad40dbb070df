/* The longest holds of the GIL that samples can know of (src/gil/hold.h says how long they were). */
#ifndef GS_EXPORT_HTML_HOLDS_H
#define GS_EXPORT_HTML_HOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gil/hold.h"
#include "gilspy/sample.h"

enum {
    GS_HOLD_PARTS = 128, /* of the run, */
    GS_HOLD_EACH = 4     /* of each of which so many are kept, of as many threads */
};

/* Times from the run's beginning. */
struct gs_hold {
    uint32_t thread;
    uint32_t leaf;             /* node that was seen most of the time, */
    uint32_t majority;         /* or may have been */
    uint64_t samples, waiters; /* waiters: summed up over the samples */
    uint64_t begin_ns, end_ns;
};

/* Parts double in length when the run goes on longer than they reach. */
struct gs_holds {
    struct gs_hold list[GS_HOLD_PARTS][GS_HOLD_EACH]; /* longest first; samples 0: none */
    uint64_t part_ns;
};

/* A sample's look at one of its GILs; a holder's number is that of the thread, and 1 more. */
struct gs_hold_look gs_hold_look_of(const struct gs_sample *sample, size_t gil);

void gs_holds_add(struct gs_holds *holds, const struct gs_hold *hold);
/* A further sample in which it goes on. */
void gs_hold_go_on(struct gs_hold *hold, uint64_t time_ns, uint32_t leaf, uint64_t waiters);
/* All of them, longest first; room for GS_HOLD_PARTS * GS_HOLD_EACH. */
size_t gs_holds_sort(const struct gs_holds *holds, const struct gs_hold **sorted);

#endif
