/* Hands samples on and counts on the way what the progress line and the summary of a run tell. */
#ifndef GS_PROFILE_METER_H
#define GS_PROFILE_METER_H

#include "gilspy/sample.h"

struct gs_metered {
    pid_t pid;
    uint64_t start_ticks;
};

struct gs_meter {
    struct gs_sink sink; /* first */
    struct gs_sink *next;
    uint64_t samples, unique_stacks;
    double rate_hz;
    struct gs_run_end end;        /* once it came */
    uint64_t weighed_ns, held_ns; /* of the first process */
    uint32_t processes, threads;
    struct gs_metered *known; /* the processes */
    size_t known_room;
    pid_t pid; /* of the first process, */
    char python[48];
    uint8_t *seen; /* a bit per stack that a sample ended in, since the last forget */
    size_t seen_bytes;
};

void gs_meter_init(struct gs_meter *meter, struct gs_sink *next);
void gs_meter_fini(struct gs_meter *meter);

#endif
