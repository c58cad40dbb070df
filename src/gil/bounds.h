/* How far a share of the time that was sampled may be off. */
#ifndef GS_GIL_BOUNDS_H
#define GS_GIL_BOUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GS_BOUNDS_PROCESSORS = 16 /* by which shares are told apart; those beyond them go to these, too */ };

/* Of the samples of a span. */
struct gs_bounds_span {
    uint64_t ns, samples;
    double late_ns2;          /* squares of gaps longer than usual in which something changed */
    double lost_ns, lost_ns2; /* gaps of which nothing is known, and their squares */
    /* For how much of the span it was looked from each processor, and how often from another one than before. */
    uint64_t from_ns[GS_BOUNDS_PROCESSORS], stays;
    bool counted; /* the GIL counts its hand-overs */
};

/* Of a thread in it. */
struct gs_bounds_thread {
    uint64_t has_ns;
    double error_ns2;                           /* the variance of that, as far as neighbouring samples tell */
    uint64_t has_from_ns[GS_BOUNDS_PROCESSORS]; /* of has_ns: what was seen from each processor */
};

/* The 95 % bound of the error of its share of the span, at most 1. */
double gs_bounds(const struct gs_bounds_span *span, const struct gs_bounds_thread *thread);

#endif
