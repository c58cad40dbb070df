/* What a span of exact tracing cost, and what it is worth. Times are nanoseconds. */
#ifndef GS_PROFILE_EXACT_SPAN_H
#define GS_PROFILE_EXACT_SPAN_H

#include "profile/exact_threads.h"
#include "trace/tracer.h"

/* As it was when the span began. */
struct gs_exact_span {
    uint64_t begin_ns;
    uint64_t events, lost, traps, cpu_us, violations;
    struct gs_count switches[GS_SPOTS_MOST];
};

void gs_exact_span_begin(struct gs_exact_span *span, const struct gs_exact_threads *threads, struct gs_tracer *tracer,
                         const struct gs_gil_spans *gil_spans, uint64_t now_ns);
/* Events were lost in it. */
bool gs_exact_span_lost(const struct gs_exact_span *span, struct gs_tracer *tracer);
/* Of what happened up to until_ns: what a feed of spans does not know. */
void gs_exact_span_fill(const struct gs_exact_span *span, const struct gs_exact_threads *threads,
                        struct gs_tracer *tracer, const struct gs_gil_spans *gil_spans, uint64_t until_ns,
                        struct gs_gilstat *stat);

#endif
