/* Classes of lengths: sixteen for each doubling. */
#include "gil/spread.h"

enum { FINE_BITS = 4, LEAST = 1 << FINE_BITS };

/* Below 16 ns a class for each length, from there on the highest bit and the four behind it. */
static unsigned class_of(uint64_t ns)
{
    if (ns < LEAST)
        return (unsigned)ns;
    unsigned high = 63u - (unsigned)__builtin_clzll(ns);
    unsigned number = (high - FINE_BITS + 1) * GS_SPREAD_FINE + (unsigned)(ns >> (high - FINE_BITS) & (LEAST - 1));
    return number < GS_SPREAD_CLASSES ? number : GS_SPREAD_CLASSES - 1;
}

/* The middle of a class. */
static uint64_t length_of(unsigned number)
{
    if (number < LEAST)
        return number;
    unsigned high = number / GS_SPREAD_FINE + FINE_BITS - 1;
    uint64_t step = UINT64_C(1) << (high - FINE_BITS);
    return (LEAST + number % GS_SPREAD_FINE) * step + step / 2;
}

void gs_spread_add(struct gs_spread *spread, uint64_t ns, uint64_t times)
{
    uint32_t *here = &spread->classes[class_of(ns)];
    *here = times < UINT32_MAX - *here ? *here + (uint32_t)times : UINT32_MAX;
    spread->count += times;
    if (ns > spread->longest_ns)
        spread->longest_ns = ns;
}

uint64_t gs_spread_at(const struct gs_spread *spread, double share)
{
    double wanted = share * (double)spread->count;
    uint64_t seen = 0;
    for (unsigned i = 0; i < GS_SPREAD_CLASSES; i++) {
        seen += spread->classes[i];
        if (spread->classes[i] > 0 && (double)seen >= wanted)
            return length_of(i) < spread->longest_ns ? length_of(i) : spread->longest_ns;
    }
    return spread->longest_ns;
}
