/* Holding a process: everything between a pid, or a core, and a snapshot with names. */
#ifndef GS_SESSION_ATTACH_H
#define GS_SESSION_ATTACH_H

#include <time.h>

#include "base/remarks.h"
#include "gilspy/snapshot.h"
#include "python/tasks.h"
#include "session/lookup.h"

enum { GS_ATTACH_FRAMES = 128 };

struct gs_attach_options {
    const char *core, *exe; /* NULL: a live process; the program is the one that the core names */
    uint32_t assume;        /* the version of a Python that is not known, 0: none */
    struct gs_reader_options reader;
    bool surroundings;                /* of a process are read: gs_target_surroundings */
    bool tasks;                       /* those of event loops are read with a whole snapshot */
    struct gs_wish wish;              /* which values gs_attach_lookup_again gives */
    bool quiet;                       /* of remarks only what the kernel does not answer is told */
    const struct gs_remarks *remarks; /* NULL: nobody listens */
    /* The program must end, because a thread of the process stands still until it does. Must not return. */
    void (*end)(void *context, const struct gs_err *err);
    void *context;
};

/* A frame that was looked up before: threads that wait stand at the same few lines. */
struct gs_attach_frame {
    gs_addr code;
    int32_t instr;
    struct gs_frame_info info;
};

struct gs_attach {
    struct gs_watch *watch;
    struct gs_target *target;
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_names *names;
    struct gs_values *values; /* of locals; NULL until they are asked for */
    const struct gs_snapshot *snapshot;
    struct timespec time;  /* CLOCK_REALTIME of the snapshot */
    struct gs_tasks tasks; /* of the moment after it; empty where they were not asked for */
    struct gs_wish wish;
    int64_t rank; /* as gs_process_rank has it, of one that was opened with GS_ATTACH_WHOLE */
    const struct gs_remarks *remarks;
    struct gs_family *family; /* that it is a member of; NULL: none */
    struct gs_attach_frame frames[GS_ATTACH_FRAMES];
};

enum gs_attach_depth {
    GS_ATTACH_OPEN,
    GS_ATTACH_GLANCE, /* one snapshot of who has the GIL; NULL when the process did not hold still */
    GS_ATTACH_WHOLE   /* a snapshot of every thread with names, tried again for a while */
};

/* Opens a process by its pid, or by a thread's, or a core (pid is not used), and looks. Steps that do not end are told
 * and left out. *attach is to be closed, also after a failure (it may be NULL then). */
enum gs_status gs_attach_open(struct gs_attach **attach, pid_t pid, const struct gs_attach_options *options,
                              enum gs_attach_depth depth, struct gs_err *err) GS_MUST_CHECK;
/* Takes one whole snapshot of everybody, with its time and names, and tries for some seconds: attach->snapshot.
 * GS_LOST: the process changes too fast. */
enum gs_status gs_attach_snapshot(struct gs_attach *attach) GS_MUST_CHECK;
/* Finds names for any snapshot of it. */
struct gs_lookup gs_attach_lookup(struct gs_attach *attach);
/* The same for attach->snapshot alone, whose lines are looked up once. */
struct gs_lookup gs_attach_lookup_again(struct gs_attach *attach);
/* 'T': a signal, 'F': its cgroup keeps all of its threads from running, which is told; 0: neither does. */
char gs_attach_stopped(const struct gs_attach *attach, const struct gs_remarks *remarks);
void gs_attach_close(struct gs_attach *attach);

#endif
