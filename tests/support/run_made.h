/* Made-up runs, and what of a run arrives in a sink, as text. */
#ifndef GS_TESTS_RUN_MADE_H
#define GS_TESTS_RUN_MADE_H

#include <stdio.h>

#include "gilspy/sample.h"

/* A sink that writes down everything that it is told, one line for each event; stacks by what they are made of. */
struct run_log {
    struct gs_sink sink;
    FILE *stream;
    char *text; /* all but the end, */
    size_t len;
    struct gs_run_end end; /* which is here, */
    bool ended;            /* if it came */
    uint64_t samples;
    enum gs_status answer;  /* what the sink returns from */
    uint64_t answer_sample; /* this sample on, from 1 */
};

void run_log_open(struct run_log *log);
/* Makes text whole. */
void run_log_flush(struct run_log *log);
void run_log_close(struct run_log *log);

struct run_shape {
    uint32_t seed;
    int samples, processes, most_threads, functions, depth;
    int churn;        /* one sample in so many has threads that come and go; 0: none */
    int forget_every; /* samples; 0: never */
    uint64_t slot_ns;
    bool wild; /* numbers of any size */
};

/* Tells sink of a run of that shape, always the same one; false as soon as it returns something else than GS_OK. */
bool run_make(struct gs_sink *sink, const struct run_shape *shape);

/* A file without a name. */
int run_file(void);
/* Such a file with the recording of that run. */
int run_record(const struct run_shape *shape);

#endif
