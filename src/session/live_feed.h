/* What top asks beside the samples: who has the GIL in between, processor time, what the readers say of themselves. */
#ifndef GS_SESSION_LIVE_FEED_H
#define GS_SESSION_LIVE_FEED_H

#include "base/pace.h"
#include "session/attach.h"
#include "profile/live.h"

struct gs_live_feed {
    struct gs_live *live;
    struct gs_attach **attached; /* of the processes that are sampled */
    size_t count, room;
    struct gs_pace pace; /* of the looks at the GIL, */
    double poll_hz;      /* so often at most */
    uint64_t poll_ns, cpu_ns, cpu_times;
    uint64_t looked_ns, seen; /* at the GILs, by samples too, and what was seen then */
    uint64_t quiet_ns;        /* since then nothing changed hands */
    uint64_t own_ns, own_us;  /* our own processor time, and when that was */
};

void gs_live_feed_init(struct gs_live_feed *feed, struct gs_live *live, uint64_t now_ns);
void gs_live_feed_fini(struct gs_live_feed *feed);
/* A process that is sampled from now on, or no more. */
void gs_live_feed_add(struct gs_live_feed *feed, struct gs_attach *attach);
void gs_live_feed_drop(struct gs_live_feed *feed, const struct gs_attach *attach);
/* Does what is due; returns when more will be. */
uint64_t gs_live_feed(struct gs_live_feed *feed, uint64_t now_ns);
/* Asks for processor times now. */
void gs_live_feed_cpu(struct gs_live_feed *feed, uint64_t now_ns);

#endif
