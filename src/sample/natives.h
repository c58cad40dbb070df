/* The C stacks of a process's threads, as of one sample. */
#ifndef GS_SAMPLE_NATIVES_H
#define GS_SAMPLE_NATIVES_H

#include "native/native.h"
#include "target/task.h"

struct gs_member;
struct gs_stack_reader;

/* The C stack of one thread of the kernel. */
struct gs_cstack {
    pid_t tid, ns_tid;
    bool found;                /* in the last list of them */
    bool has_state;            /* it has a thread state: it is a member, too, */
    bool python_anew;          /* whose stack was read in this sample */
    int syscall_fd, runs_fd;   /* -1: not open */
    struct gs_activity before; /* what it did when the snapshot began, */
    bool has_runs;
    uint64_t runs; /* and how often it had been put on a CPU by then */
    bool kept;     /* stack is of a thread that sleeps, and was put on one `kept_runs` times then */
    uint64_t kept_runs;
    uint64_t refused_ns;  /* as that of a member */
    size_t want;          /* bytes to copy of it while it is stopped */
    uint32_t read_sample; /* the sample in which stack became another one */
    struct gs_native_stack stack;
};

struct gs_natives {
    enum gs_native_scope scope; /* GS_NATIVE_NONE: C stacks are not asked for now */
    pid_t only;                 /* of this thread, 0: of all */
    struct gs_native *engine;   /* NULL: they never were */
    struct gs_native_copy copy;
    struct gs_cstack *list; /* by tid */
    size_t count, room;
    uint64_t listed_ns, discovery; /* when, and for which discovery of the members */
    bool published;                /* the last snapshot had some */
    bool polled;                   /* this poll has some */
};

/* Notes what each thread does before the snapshot. */
enum gs_status gs_natives_begin(struct gs_stack_reader *stacks) GS_MUST_CHECK;
/* After it: takes the C stack of each, and the Python stack again where that moved. */
void gs_natives_take(struct gs_stack_reader *stacks);
/* gs_read_and_stop; of one member alone whose thread ran when the snapshot began both stacks are taken, in one stop. */
enum gs_status gs_natives_read(struct gs_stack_reader *stacks, struct gs_member **members, size_t count) GS_MUST_CHECK;
/* NULL: there is none. */
struct gs_cstack *gs_natives_find(const struct gs_stack_reader *stacks, pid_t tid);
/* In a poll: takes that of one thread, together with its Python stack. */
void gs_natives_poll(struct gs_stack_reader *stacks, struct gs_member *member);
void gs_natives_free(struct gs_stack_reader *stacks);

#endif
