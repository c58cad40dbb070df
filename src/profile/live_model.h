/* The live model: its parts, and what is of the whole. */
#ifndef GS_PROFILE_LIVE_MODEL_H
#define GS_PROFILE_LIVE_MODEL_H

#include "profile/live.h"
#include "profile/live_blame.h"

struct gs_live {
    struct gs_sink sink; /* first */
    bool recent;
    double rate_hz;
    uint64_t last_ns, watched_ns;
    uint64_t second; /* the number of the one that grows */
    struct gs_quality quality;
    struct gs_live_table table;
    struct gs_live_code code;
    struct gs_live_gils gils;
    struct gs_topk blames;
    const struct gs_live_tasks *tasks; /* not owned; NULL: not looked for */
};

#endif
