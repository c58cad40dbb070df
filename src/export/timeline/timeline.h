/* A timeline of exact tracing, written while it is traced: what trace writes. Each format is a row and a file. */
#ifndef GS_EXPORT_TIMELINE_TIMELINE_H
#define GS_EXPORT_TIMELINE_TIMELINE_H

#include <stdio.h>

#include "gilspy/sample.h"
#include "gil/exact_pauses.h"
#include "gil/gilstat.h"
#include "profile/modes.h"
#include "profile/schedule.h"
#include "trace/gil_spans.h"

/* About the whole run. */
struct gs_timeline_end {
    const struct gs_gilstat *stat;
    uint64_t trap_ns; /* what an event cost the thread that did it */
    uint64_t windows; /* that were traced; 1: all the time */
    bool waits;       /* beginnings of waits were seen */
    bool switches;    /* of the scheduler, */
    bool states;      /* with the state of who leaves the processor, */
    bool wakers;      /* and with who wakes whom */
};

/* Times are CLOCK_MONOTONIC. Everything of a thread comes in its order; of the samples those before `end` of the sink
 * come first. Errors of the stream stay in it; the others are GS_OK or GS_NO_MEMORY. */
struct gs_timeline {
    struct gs_sink *sink; /* takes samples: the functions */
    enum gs_status (*thread)(struct gs_timeline *timeline, pid_t tid, const char *name,
                             bool main); /* or its new name */
    enum gs_status (*gil_span)(struct gs_timeline *timeline, const struct gs_gil_span *gil_span);
    enum gs_status (*run)(struct gs_timeline *timeline, const struct gs_run_span *span);
    enum gs_status (*waiters)(struct gs_timeline *timeline, unsigned lock, uint32_t count, uint64_t begin_ns,
                              uint64_t end_ns);
    /* What was counted of all threads up to now. */
    enum gs_status (*counts)(struct gs_timeline *timeline, uint64_t ns, uint32_t counted,
                             const struct gs_gilstat_counts *all);
    /* Pauses of a thread come in the order of their ends; one lies in another, or beside it. */
    enum gs_status (*pause)(struct gs_timeline *timeline, const struct gs_exact_pause *pause);
    /* It is not traced any more: from now on states are drawn from samples. */
    void (*go_sampled)(struct gs_timeline *timeline);
    /* Before the sink's end, until which `stat` must hold: what is to be told of the run. */
    enum gs_status (*about)(struct gs_timeline *timeline, const struct gs_timeline_end *end);
    void (*close)(struct gs_timeline *timeline);
};

struct gs_timeline_format {
    const char *name, *other_name; /* as in gs_format */
    const char *extensions;
    const char *how; /* to open it */
    /* Writes to out (not owned) what belongs to process pid. Of the selection only the patterns matter, by which
     * samples are chosen. */
    enum gs_status (*open)(struct gs_timeline **timeline, FILE *out, pid_t pid, const struct gs_selection *selection);
};

extern const struct gs_timeline_format gs_timeline_chrome, gs_timeline_html;
extern const struct gs_timeline_format *const gs_timeline_formats[]; /* NULL at the end */

#define GS_TIMELINE_FORMATS_HINT "Formats of trace are chrome (.trace.json) and html (.html)"

/* By either name; NULL: there is none. */
const struct gs_timeline_format *gs_timeline_find(const char *name);
/* By the file's extension; NULL: none fits. */
const struct gs_timeline_format *gs_timeline_of_file(const char *path);

#endif
