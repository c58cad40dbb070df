/* Processes and threads that are remembered longer than their source holds them, and their numbers in another place. */
#ifndef GS_RECORDING_KEPT_H
#define GS_RECORDING_KEPT_H

#include "gilspy/sample.h"

/* Copies `from` with all its strings; free with gs_kept_process_fini, also on failure. GS_NO_MEMORY or GS_OK. */
enum gs_status gs_kept_process(struct gs_sampled_process *to, const struct gs_sampled_process *from) GS_MUST_CHECK;
void gs_kept_process_fini(struct gs_sampled_process *process);
/* Whether two descriptions may be of one process: its pid, command and Python are the same. */
bool gs_kept_same(const struct gs_sampled_process *a, const struct gs_sampled_process *b);

/* A sample whose process and threads are numbered anew. */
struct gs_kept_sample {
    struct gs_sample sample;
    struct gs_thread_sample *threads;
    size_t room;
    struct gs_sampled_gil *gils;
    size_t gil_room;
};

/* Copies the sample; the numbers are then to be changed in kept->threads and kept->gils. GS_NO_MEMORY or GS_OK. */
enum gs_status gs_kept_sample(struct gs_kept_sample *kept, const struct gs_sample *from) GS_MUST_CHECK;
void gs_kept_sample_fini(struct gs_kept_sample *kept);

#endif
