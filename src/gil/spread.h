/* How long things lasted: counts by length, in classes that are at most 6 % wide, so that percentiles cost a fixed
 * amount of memory however many there were. */
#ifndef GS_GIL_SPREAD_H
#define GS_GIL_SPREAD_H

#include <stdint.h>

enum { GS_SPREAD_FINE = 16 /* classes for each doubling */, GS_SPREAD_CLASSES = 44 * GS_SPREAD_FINE };

struct gs_spread {
    uint64_t count, longest_ns;
    uint32_t classes[GS_SPREAD_CLASSES];
};

void gs_spread_add(struct gs_spread *spread, uint64_t ns, uint64_t times);
/* The length that `share` of all do not exceed; 0 when there were none. */
uint64_t gs_spread_at(const struct gs_spread *spread, double share);

#endif
