/* The GILs of the live model: who has them and how many wait, by the account of src/gil/; and their holds. */
#ifndef GS_PROFILE_LIVE_GILS_H
#define GS_PROFILE_LIVE_GILS_H

#include "gil/gil_track.h"
#include "profile/live_code.h"

enum { GS_LIVE_HOLDS = 1024 };

/* What is known of the hold that goes on, beside how long it is. */
struct gs_live_hold {
    pid_t tid; /* 0: nobody's, or not known whose, or it is not known when it ends */
    uint32_t waiters;
    uint32_t function; /* serial; 0: not known where it is */
    struct gs_live_place place;
};

struct gs_live_longest {
    pid_t tid; /* 0: there was none */
    char name[GS_LIVE_NAME];
    uint64_t us, end_ns;
    bool at_least;
    uint32_t waiters;
    struct gs_live_place place;
};

/* What the last sample found, beside which its threads are shown: looks that came after it know nothing of them. */
struct gs_live_met {
    enum gs_gil_state state;
    struct gs_live_hold hold;
    uint64_t begin_ns, last_ns; /* of the hold */
    bool at_least;
};

struct gs_live_lock {
    bool seen;       /* in a sample */
    uint32_t holder; /* number, of the last sample */
    size_t waiters;
    struct gs_gil_track track;
    struct gs_gil_sum sum, second; /* of late; what that was when this second began */
    float held_s[GS_PICTURE_SECONDS], waiting_s[GS_PICTURE_SECONDS];
    size_t seconds;
    struct gs_live_hold hold;
    struct gs_live_met met;
    struct gs_live_longest longest;
};

struct gs_live_hold_sum {
    struct gs_topk_key key; /* process and tid, function and line */
    pid_t tid;
    char name[GS_LIVE_NAME];
    bool at_least;
    uint32_t process, waiters, times;
    uint64_t longest_us, total_us, end_ns;
    struct gs_live_place place;
};

struct gs_live_gils {
    struct gs_live_code *code; /* not owned */
    struct gs_hold_rule rule;
    struct gs_topk holds;
};

/* What a sample says of the GILs of its process; its threads are noted already. False: no memory. */
bool gs_live_gil_sample(struct gs_live_gils *gils, struct gs_live_process *process, const struct gs_sample *sample);
/* What a look between samples says. */
void gs_live_gil_look(struct gs_live_gils *gils, struct gs_live_process *process, const struct gs_gil *list,
                      size_t count, uint64_t time_ns);
/* So many seconds are over; what was before counts only so much from now on. */
void gs_live_gil_second(struct gs_live_process *process, uint64_t seconds, double factor);
void gs_live_gil_reset(struct gs_live_process *process);

#endif
