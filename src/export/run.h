/* What a run of record tells at its end. */
#ifndef GS_EXPORT_RUN_H
#define GS_EXPORT_RUN_H

#include <stdio.h>

#include "base/text.h"
#include "gilspy/sample.h"
#include "gil/gilstat.h"

/* What went to a server. */
struct gs_run_pushed {
    const char *server;
    uint64_t profiles, lost; /* that arrived, and that did not */
};

struct gs_run_summary {
    pid_t pid;
    const char *python;
    const char *output, *format, *mode;
    double seconds, rate_hz;
    uint64_t unique_stacks, processes, threads, missed;
    double held;                        /* share of the time in which the GIL of the first process was held */
    uint64_t made;                      /* recordings, when the run was divided; */
    char *const *kept;                  /* those that are left, NULL at the end; NULL: it was not divided */
    const struct gs_run_pushed *pushed; /* NULL: nothing was to be */
    const struct gs_run_end *end;
    const struct gs_gilstat *exact; /* of trace; NULL: nothing was traced */
};

/* "10.0 s, 1,000 samples of 3 threads, all whole; nothing was stopped", one line. */
void gs_run_text(struct gs_text *text, const struct gs_run_summary *summary);
/* "Python 3.11.7, process 42; asked for 100 samples a second; 210 different stacks; …": the rest, for --verbose. */
void gs_run_details(struct gs_text *text, const struct gs_run_summary *summary);
/* The document of --json. */
enum gs_status gs_run_json(const struct gs_run_summary *summary, FILE *out) GS_MUST_CHECK;

#endif
