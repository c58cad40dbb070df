/* Looks at the tasks of event loops while somebody watches: folded, and for how long each has been as it is. */
#ifndef GS_SESSION_TASK_LOOKS_H
#define GS_SESSION_TASK_LOOKS_H

#include "profile/live.h"
#include "session/attach.h"

struct gs_task_looks { /* empty when zeroed */
    struct gs_live_tasks found;
    size_t room, names_bytes;
    struct gs_arena *arena;          /* of the texts in it */
    struct gs_task_seen *seen, *now; /* by process and address: what each did at the last look, and at this one */
    size_t seen_count, now_count, now_room;
    uint64_t looked_ns, due_ns; /* the last look; the next one */
};

/* Takes a look at these processes if one is due, which it is for a tenth of the time at most; live is told what was
 * found. Their readers are used. GS_NO_MEMORY, and live is told of no tasks. */
enum gs_status gs_task_looks(struct gs_task_looks *looks, struct gs_attach *const *attached, size_t count,
                             struct gs_live *live) GS_MUST_CHECK;
void gs_task_looks_fini(struct gs_task_looks *looks);

#endif
