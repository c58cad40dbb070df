/* A span in which a process is sampled into a sink. */
#ifndef GS_LIB_RUN_H
#define GS_LIB_RUN_H

#include "lib/handle.h"

struct gs_lib_span {
    double rate_hz;
    double seconds; /* 0: until the process ends or gilspy_stop */
    bool polls;     /* without stacks, but of whoever holds the GIL for: */
    uint64_t long_ns;
};

/* GS_USAGE: a core, or a rate or a time that is none; what the sink returned; GS_NO_MEMORY. */
enum gs_status gs_lib_run(gilspy_process *process, const struct gs_lib_span *span, struct gs_sink *sink) GS_MUST_CHECK;

#endif
