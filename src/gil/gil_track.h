/* One GIL, look by look: for how long it was held and how many waited, how often it changed hands, which holds ended.
 * Whatever tells of samples, or of looks between them, goes on from look to look by this, so that the same looks give
 * the same figures everywhere.
 *
 * Half of the time between two looks is credited to what was at its beginning, half to what is at its end: see
 * sample_feed.h. */
#ifndef GS_GIL_GIL_TRACK_H
#define GS_GIL_GIL_TRACK_H

#include "gil/gil_sum.h"
#include "gil/hold.h"
#include "gilspy/sample.h"

struct gs_gil_look {
    struct gs_hold_look hold;
    bool asked;       /* who waits: */
    uint32_t waiters; /* so many do */
};

/* A GIL that is looked at again and again; zeroed: not yet. */
struct gs_gil_track {
    struct gs_hold_follow follow;
    bool asked;        /* it is known how many waited at asked_ns, and nothing since was lost */
    uint32_t waiters;  /* as known last */
    uint64_t asked_ns; /* when that was */
};

/* What a further look tells. */
struct gs_gil_step {
    bool goes_on;   /* nothing has changed */
    bool was_held;  /* at the look before; false where it is not known what was since */
    uint64_t moved; /* hand-overs since */
    bool ended;     /* a hold has: */
    struct gs_hold_span hold;
};

/* Of two thread states of one native thread the first says more of what it does than the other (enum gs_gil_word). */
bool gs_gil_word_tells(uint8_t word, uint8_t than);
/* What a sample says of a GIL; holder as in gs_hold_look. */
struct gs_gil_look gs_gil_look(const struct gs_sampled_gil *gil, uint64_t holder, uint64_t time_ns);
/* Nobody knows what was between the last look and this one: it comes so late, and something has changed (*moved). */
bool gs_gil_track_lost(const struct gs_gil_track *track, const struct gs_hold_look *now,
                       const struct gs_hold_rule *rule, bool *moved);
/* The next look. lost: as above, or of another GIL of the process; the time since the last look is nobody's then. */
void gs_gil_track_step(struct gs_gil_track *track, const struct gs_gil_look *now, const struct gs_hold_rule *rule,
                       bool lost, struct gs_gil_sum *sum, struct gs_gil_step *step);

#endif
