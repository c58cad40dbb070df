/* One look at one process: everything between a pid and a snapshot with names, for the commands that take one. */
#ifndef GS_CMD_LOOK_H
#define GS_CMD_LOOK_H

#include "cmd/args.h"
#include "export/dump.h"

enum { GS_LOOK_FRAMES = 128 };

/* A frame that was looked up before: threads that wait stand at the same few lines. */
struct gs_look_frame {
    gs_addr code;
    int32_t instr;
    struct gs_frame_info info;
};

struct gs_look {
    struct gs_watch *watch;
    struct gs_target *target;
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_names *names;
    struct gs_values *values; /* of locals; NULL until they are asked for */
    bool secrets;             /* are shown among them */
    const struct gs_snapshot *snapshot;
    struct timespec time; /* CLOCK_REALTIME of the snapshot */
    struct gs_look_frame frames[GS_LOOK_FRAMES];
};

enum gs_look_depth {
    GS_LOOK_OPEN,
    GS_LOOK_GLANCE, /* one snapshot of who has the GIL; NULL when the process did not hold still */
    GS_LOOK_WHOLE   /* a snapshot of every thread with names, tried again for a while */
};

/* Opens a process by its pid, or by a thread's, or the core that args name, and looks. Steps that do not end are told
 * on stderr and left out. *look is to be closed, also after a failure (it may be NULL then). */
enum gs_status gs_look_open(struct gs_look **look, pid_t pid, const struct gs_args *args, enum gs_look_depth depth,
                            struct gs_err *err) GS_MUST_CHECK;
/* The snapshot for the renderings; it refers to look. */
struct gs_dump gs_look_dump(struct gs_look *look, const struct gs_args *args);
/* Finds names for a snapshot that was taken otherwise. */
struct gs_lookup gs_look_lookup(struct gs_look *look);
void gs_look_close(struct gs_look *look);

#endif
