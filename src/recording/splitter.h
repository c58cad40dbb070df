/* One run in several recordings, each of them whole: a sink in front of one recorder after the other. */
#ifndef GS_RECORDING_SPLITTER_H
#define GS_RECORDING_SPLITTER_H

#include "gilspy/sample.h"

struct gs_splitter;

/* When the next recording begins; 0: that is no reason. */
struct gs_splitter_limit {
    uint64_t time_ns;  /* at each multiple of it from the beginning of the run on, */
    uint64_t early_ns; /* all so much earlier, which is less */
    uint64_t bytes;    /* after so many, and the block that is being written */
};

/* What the recordings are written to. */
struct gs_splitter_calls {
    void *context;
    /* A new recorder. It stays the caller's until `close`. */
    enum gs_status (*open)(void *context, struct gs_sink **recorder);
    /* The recorder was told of its end. */
    enum gs_status (*close)(void *context);
    /* What the run came to so far: a recording gets the difference between two of these. */
    void (*sum)(void *sum_context, struct gs_run_end *end);
    void *sum_context;
};

/* A recording is opened with the first sample that belongs into it. What was sampled before a moment and what was
 * sampled after it differ in nothing but the file: weights are those of a run that is not divided. Processes and
 * threads are numbered anew in each recording, and stand in it only if they were seen. */
enum gs_status gs_splitter_new(struct gs_splitter **splitter, const struct gs_splitter_limit *limit,
                               const struct gs_splitter_calls *calls) GS_MUST_CHECK;
void gs_splitter_free(struct gs_splitter *splitter);
/* The sink belongs to the splitter; it returns what the recorder and the calls return. */
struct gs_sink *gs_splitter_sink(struct gs_splitter *splitter);

#endif
