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
    struct gs_target *target;
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_names *names;
    struct gs_mem *values; /* pages that locals are read from, as old as the snapshot; NULL until they are asked for */
    const struct gs_snapshot *snapshot;
    struct timespec time; /* CLOCK_REALTIME of the snapshot */
    struct gs_look_frame frames[GS_LOOK_FRAMES];
};

/* Opens a process by its pid, or by a thread's. Close it in any case. */
enum gs_status gs_look_open(struct gs_look *look, pid_t pid, const struct gs_args *args,
                            struct gs_err *err) GS_MUST_CHECK;
/* Takes a snapshot of every thread, and tries again for a while when it does not hold still. */
enum gs_status gs_look_take(struct gs_look *look, struct gs_err *err) GS_MUST_CHECK;
/* The snapshot for the renderings; it refers to look. */
struct gs_dump gs_look_dump(struct gs_look *look, const struct gs_args *args);
/* Finds names for a snapshot that was taken without gs_look_take. */
struct gs_lookup gs_look_lookup(struct gs_look *look);
void gs_look_close(struct gs_look *look);

#endif
