/* Reads samples out of what changed since the process's sample before. */
#ifndef GS_RECORDING_SAMPLES_IN_H
#define GS_RECORDING_SAMPLES_IN_H

#include "recording/wire.h"

struct gs_samples_in {
    int version; /* of the file */
    uint64_t begin_ns, slot_ns;
    struct gs_process_in *processes;
    size_t process_count, process_room;
    uint32_t *owners; /* the process of each thread */
    size_t thread_count, thread_room;
    uint32_t process;              /* of the sample before */
    size_t listed;                 /* threads of the last samples of all processes */
    uint64_t forgotten;            /* how often */
    struct gs_thread_sample *list; /* of the sample that is being read, when threads came or went */
    size_t list_room;
    struct gs_task_sample *tasks; /* of that sample */
    size_t tasks_room;
};

void gs_samples_in_fini(struct gs_samples_in *in);
/* What comes out of these is GS_OK or GS_NO_MEMORY; what should not be sets records->bad. */
enum gs_status gs_samples_in_process(struct gs_samples_in *in, struct gs_wire *records) GS_MUST_CHECK;
enum gs_status gs_samples_in_thread(struct gs_samples_in *in, struct gs_wire *records, uint32_t number,
                                    uint32_t process) GS_MUST_CHECK;
/* The threads, the GILs and the tasks of the sample hold until the next one. */
enum gs_status gs_samples_in_get(struct gs_samples_in *in, struct gs_wire *records, unsigned flags,
                                 const struct gs_stacks *stacks, struct gs_sample *sample) GS_MUST_CHECK;

#endif
