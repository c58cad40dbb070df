/* Writes samples as what changed since the process's sample before. */
#ifndef GS_RECORDING_SAMPLES_OUT_H
#define GS_RECORDING_SAMPLES_OUT_H

#include "base/ids.h"
#include "recording/packer.h"

struct gs_numbers {
    uint32_t *of; /* the file's number by the source's; 0: not in the file */
    size_t room;
};

struct gs_dictionary { /* empty when zeroed */
    struct gs_numbers stacks, places;
    uint32_t stack_count, place_count; /* in the file */
    struct gs_ids strings;             /* the file's numbers by their addresses */
    uint32_t *chain;                   /* callers to be written */
    size_t chain_room;
};

struct gs_samples_out {
    uint64_t begin_ns, slot_ns;
    struct gs_dictionary dictionary;
    struct gs_process_out *processes;
    size_t process_count, process_room;
    uint64_t forgotten; /* how often */
    uint32_t process;   /* of the sample before */
    size_t listed;      /* threads of the last samples of all processes */
    uint32_t *tasks;    /* the numbers of the stacks of those of a sample */
    size_t tasks_room;
    uint8_t *changes; /* of the sample that is being written */
    size_t changes_room;
};

void gs_samples_out_init(struct gs_samples_out *out);
void gs_samples_out_fini(struct gs_samples_out *out);
/* A new process. GS_FAILED when it is not the next number, or too high; GS_NO_MEMORY. */
enum gs_status gs_samples_out_process(struct gs_samples_out *out, uint32_t number) GS_MUST_CHECK;
enum gs_status gs_samples_out_put(struct gs_samples_out *out, struct gs_packer *packer,
                                  const struct gs_sample *sample) GS_MUST_CHECK;
void gs_samples_out_forget(struct gs_samples_out *out);

#endif
