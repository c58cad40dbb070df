/* Threads become groups of threads: worker-1 and worker-2 are one thread of that name to whoever gets the samples. */
#ifndef GS_PUSH_GROUPS_H
#define GS_PUSH_GROUPS_H

#include "push/names.h"
#include "recording/kept.h"

struct gs_groups {
    struct gs_sink sink, *to;
    int64_t stepped_ns; /* by so much this machine's clock is ahead of what the run says */
    char names[GS_PUSH_GROUPS][GS_PUSH_TEXT];
    uint32_t count;
    uint32_t *of; /* the group of each thread */
    size_t thread_count, thread_room;
    struct gs_kept_sample kept;
};

/* Of one process. What goes beyond GS_PUSH_GROUPS is in the last, "(other)": nobody would look at so many. */
void gs_groups_init(struct gs_groups *groups, struct gs_sink *to, int64_t stepped_ns);
void gs_groups_fini(struct gs_groups *groups);

#endif
