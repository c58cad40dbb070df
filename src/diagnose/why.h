/* Why a process hangs or crawls: verdicts in words, each with its evidence. */
#ifndef GS_DIAGNOSE_WHY_H
#define GS_DIAGNOSE_WHY_H

#include "diagnose/why_watch.h"
#include "gilspy/stack.h"
#include "target/file_locks.h"

/* The kinds in the order in which they are shown among equally certain ones: KIND(name, healthy, everybody); everybody:
 * it holds up each thread of the process. */
#define GS_WHY_KINDS(KIND)                                                                                             \
    KIND(stopped, false, true)                                                                                         \
    KIND(gil_deadlock, false, true)                                                                                    \
    KIND(lock_deadlock, false, false)                                                                                  \
    KIND(task_deadlock, false, false)                                                                                  \
    KIND(pool_exhausted, false, false)                                                                                 \
    KIND(import_lock, false, false)                                                                                    \
    KIND(world_stopped, false, true)                                                                                   \
    KIND(gc, false, true)                                                                                              \
    KIND(gil_held_blocked, false, false)                                                                               \
    KIND(gil_hog, false, false)                                                                                        \
    KIND(loop_blocked, false, false)                                                                                   \
    KIND(loop_starved, false, false)                                                                                   \
    KIND(task_cancelled, false, false)                                                                                 \
    KIND(lock_wait, false, false)                                                                                      \
    KIND(lock_contended, false, false)                                                                                 \
    KIND(finalizing, false, true)                                                                                      \
    KIND(swapping, false, false)                                                                                       \
    KIND(convoy, false, false)                                                                                         \
    KIND(gil_saturated, false, false)                                                                                  \
    KIND(gil_contended, false, false)                                                                                  \
    KIND(busy, true, false)                                                                                            \
    KIND(idle, true, false)

enum gs_why_kind {
#define KIND(name, healthy, everybody) GS_WHY_##name,
    GS_WHY_KINDS(KIND)
#undef KIND
        GS_WHY_KIND_COUNT
};

const char *gs_why_kind_name(enum gs_why_kind kind);
bool gs_why_kind_healthy(enum gs_why_kind kind);

/* Everything is owned, UTF-8 as the target has it: outputs escape it. */
struct gs_verdict {
    enum gs_why_kind kind;
    bool certain;    /* the memory of the process says so; else: likely */
    char *text;      /* one sentence: what, and who */
    char **evidence; /* sentences */
    size_t evidence_count;
    char *basis;    /* on what the confidence rests */
    char *advice;   /* what to try; NULL: nothing */
    pid_t *threads; /* those concerned */
    size_t thread_count;
};

struct gs_why {
    struct gs_verdict *list; /* most certain first, at least one */
    size_t count, room;
    size_t left_out; /* verdicts on threads that were not asked for */
    bool failed;     /* out of memory: something is missing */
    double watched_s;
    uint64_t samples;
};

/* Where names come from. */
struct gs_why_lookup {
    void *context;
    /* Never NULL; spare may be used for the result. */
    const char *(*name)(void *context, const struct gs_thread *thread, char spare[16]);
    /* False: not known. The strings live as long as the snapshot. */
    bool (*place)(void *context, const struct gs_frame *frame, struct gs_place *place);
    const struct gs_code *(*code)(void *context, const struct gs_frame *frame);
};

struct gs_gilstat;
struct gs_waits;
struct gs_tasks;
struct gs_locks_passed;
struct gs_why_loops;
struct gs_why_natives;

/* A thread that was met while it kept the GIL. Texts are UTF-8 as the target has them. */
struct gs_why_closer {
    pid_t tid;
    char name[100];
    bool in_python;     /* it ran Python code itself, no C function that this called */
    char stack[400];    /* where it was, in words */
    char function[160]; /* of C; "module+0x12" where there is no symbol, "" where it is not known */
    char module[80];    /* base name of the ELF file */
};

enum { GS_WHY_CLOSERS = 8, GS_WHY_INHERITED = 8 };

/* The process that this one was forked from, and who has there, now, the locks that are waited for here and that nobody
 * here has. Texts are UTF-8 as the target has them. */
struct gs_why_origin {
    bool forked; /* it runs the program, and has the memory, of whoever forked it */
    pid_t pid;   /* 0: its parent is another by now */
    char comm[16];
    size_t threads; /* of Python, 0: not known */
    struct gs_why_inherited {
        gs_addr word;
        pid_t tid; /* 0: nobody is seen to have it */
        char who[120], stack[400];
    } list[GS_WHY_INHERITED];
    size_t count;
};

enum { GS_WHY_FILES = 4, GS_WHY_FILE_WAITERS = 32, GS_WHY_FILE_THREADS = 3 };

/* Files that threads wait for, because others have locks on them. Texts are UTF-8 as the target has them. */
struct gs_why_files {
    struct gs_why_file {
        bool database; /* one of sqlite: it tries again and again, each of these locks may be the one */
        pid_t tids[GS_WHY_FILE_WAITERS]; /* who waits */
        size_t tid_count, count;
        struct gs_why_file_owner {
            struct gs_file_lock lock;
            char comm[16];
            size_t threads; /* of Python, 0: none, or not known; the first ones: */
            struct {
                char who[120], stack[400];
            } list[GS_WHY_FILE_THREADS];
        } owners[GS_FILE_LOCKS_MOST];
    } list[GS_WHY_FILES];
    size_t count;
};

/* What the verdicts are found in. Nothing is owned. */
struct gs_case {
    const struct gs_target *target;
    const struct gs_python *python;
    const struct gs_snapshot *snapshot; /* the last one; of a core the only one; without threads when it is gone */
    const struct gs_why_watch *watch;
    const struct gs_waits *before, *now;  /* what the threads waited for some time ago (NULL: of a core), and now; */
    uint64_t apart_ns;                    /* between the two */
    const struct gs_locks_passed *passed; /* meanwhile; NULL: of a core */
    const struct gs_gilstat *locks;       /* what was waited for all the while; NULL: of a core */
    const struct gs_why_loops *loops;     /* NULL: of a core */
    const struct gs_why_natives *natives; /* NULL: nobody asked */
    const struct gs_why_origin *origin;   /* NULL: nobody asked */
    const struct gs_why_files *files;     /* NULL: nobody asked */
    const char *const *patterns;          /* as of gs_patterns_fit: whose verdicts are asked for */
    size_t pattern_count;
    const struct gs_tasks *tasks;        /* of event loops, of the same moment as the snapshot; NULL: not read */
    const struct gs_tasks *tasks_before; /* when the watch began; NULL: of a core */
    struct gs_why_lookup lookup;
    const struct gs_why_closer *closers; /* the last ones met */
    size_t closer_count;
    double cpu;           /* processors that the process had on average; below 0: unknown */
    uint64_t cpu_us;      /* and the busiest thread: processor time, */
    pid_t cpu_tid;        /* 0: unknown */
    enum gs_status ended; /* GS_OK: the process is still there; GS_EXECED: it runs another program */
    char stopped;         /* as gs_target_stopped has it, at the beginning */
    pid_t tracer;
    char tracer_name[16];
};

/* GS_NO_MEMORY or GS_OK; free with gs_why_fini in any case. */
enum gs_status gs_why_judge(struct gs_why *why, const struct gs_case *c) GS_MUST_CHECK;
void gs_why_fini(struct gs_why *why);
/* All verdicts are of healthy kinds. */
bool gs_why_healthy(const struct gs_why *why);

#endif
