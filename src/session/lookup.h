/* Where the names come from that a snapshot has only addresses for. */
#ifndef GS_SESSION_LOOKUP_H
#define GS_SESSION_LOOKUP_H

#include "gilspy/snapshot.h"

struct gs_frame_info {
    const char *function, *qualname, *file; /* qualname may be NULL; file of a native frame, too */
    const char *module;                     /* of a native frame, else NULL */
    int line;                               /* 0: unknown */
    bool inferred;                          /* qualname: from the class of the first argument */
};

struct gs_lookup {
    void *context;
    /* False: the code object is not known. What info points to lives as long as the snapshot. */
    bool (*frame)(void *context, const struct gs_frame *frame, struct gs_frame_info *info);
    /* Never NULL; spare may be used for the result. */
    const char *(*name)(void *context, const struct gs_thread *thread, char spare[16]);
    /* NULL: not asked for. The result is freed with gs_locals_free. */
    enum gs_status (*locals)(void *context, const struct gs_frame *frame, struct gs_local **locals, size_t *count);
    bool whole; /* values are long, and none of them is cut */
};

#endif
