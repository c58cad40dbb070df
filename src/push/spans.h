/* From samples to profiles: a sink that makes one for each process and each span of time. */
#ifndef GS_PUSH_SPANS_H
#define GS_PUSH_SPANS_H

#include "push/profile.h"
#include "gilspy/sample.h"

struct gs_spans;

struct gs_spans_options {
    uint64_t every_ns; /* length of a span */
    const struct gs_push_label *labels;
    size_t label_count;
    /* By how much CLOCK_REALTIME is ahead of CLOCK_MONOTONIC. NULL: by as much as when the run began. */
    int64_t (*ahead_ns)(void);
    /* Takes a profile, which it owns from then on. */
    void (*take)(void *context, struct gs_push_profile *profile);
    void *context;
};

/* Spans of one process follow each other without a gap and without overlap: each begins where the one before ended, at
 * a sample; the first with the process's first sample, the last ends with its last. A process that has no samples for
 * longer than a span ends its span meanwhile. Where the machine was suspended or its clock was set, the next span
 * begins with the new time, whatever the one before said. to: gets all samples, too; NULL: nobody does. The labels are
 * copied. GS_NO_MEMORY. */
enum gs_status gs_spans_new(struct gs_spans **spans, const struct gs_spans_options *options,
                            struct gs_sink *to) GS_MUST_CHECK;
void gs_spans_free(struct gs_spans *spans);
/* A process is sampled no more: its span ends, and it is forgotten. GS_NO_MEMORY. */
enum gs_status gs_spans_gone(struct gs_spans *spans, pid_t pid) GS_MUST_CHECK;
/* The sink returns what `to` does, and GS_NO_MEMORY. */
struct gs_sink *gs_spans_sink(struct gs_spans *spans);

#endif
