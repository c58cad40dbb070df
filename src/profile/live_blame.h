/* Who makes whom wait, in the live model. */
#ifndef GS_PROFILE_LIVE_BLAME_H
#define GS_PROFILE_LIVE_BLAME_H

#include "profile/live_gils.h"

enum { GS_LIVE_BLAMES = 4096 };

struct gs_live_blame {
    struct gs_topk_key key; /* who for whom, function and line */
    uint32_t process;
    pid_t waiter_tid, holder_tid;
    char waiter[GS_LIVE_NAME], holder[GS_LIVE_NAME];
    uint64_t ns, times, last_ns, round;
    struct gs_live_place place;
};

/* Each waiter's time, charged to the holder and the line where it is; the GILs have the sample already. */
void gs_live_blame_sample(struct gs_topk *blames, struct gs_live_code *code, struct gs_live_process *process,
                          const struct gs_sample *sample);

#endif
