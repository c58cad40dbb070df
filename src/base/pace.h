/* When to take samples: once in each slot of equal length, at a random point of it, so that what the target does in
 * step with the clock is not always met at the same moment. */
#ifndef GS_BASE_PACE_H
#define GS_BASE_PACE_H

#include <stdint.h>

struct gs_pace {
    uint64_t start_ns, period_ns; /* period_ns 0: one after the other */
    uint64_t slot;
    uint64_t random;
    uint64_t late; /* slots that passed without a sample */
};

/* rate_hz may be infinite. */
void gs_pace_init(struct gs_pace *pace, double rate_hz, uint64_t now_ns);
/* The moment of the next sample; not before now when the slot has begun already. */
uint64_t gs_pace_next(struct gs_pace *pace, uint64_t now_ns);
/* The same after one that could not be taken yet: where there are no slots, at a random point about mean_ns later. */
uint64_t gs_pace_later(struct gs_pace *pace, uint64_t now_ns, uint64_t mean_ns);

#endif
