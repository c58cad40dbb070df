/* The interpreters, GILs and threads of a process as of one sample: what stacks (stack_reader.h) and waiters
 * (waiters.h) both know. */
#ifndef GS_SAMPLE_THREAD_LIST_H
#define GS_SAMPLE_THREAD_LIST_H

#include "gilspy/snapshot.h"
#include "python/field.h"
#include "python/gil.h"
#include "python/parked.h"
#include "target/task.h"

enum {
    GS_TSTATE_MAX = 512, /* bytes of a thread state that are read */
    GS_INTERPRETERS_MAX = 1024
};

/* A piece of a thread's stack memory, and where its copies lie. */
struct gs_part {
    gs_addr addr;
    uint32_t len;
    uint32_t used;          /* the sample that last needed it */
    const uint8_t *copy[2]; /* NULL: not read */
    size_t piece[2];        /* of the last read: those that the copies are */
};

struct gs_parts {
    struct gs_part *list;
    size_t count, room;
    uint64_t bytes; /* of all together */
};

/* The Python stack of one thread: stack_reader.h. */
struct gs_member_stack {
    struct gs_parts chunks; /* 3.11 on: its data stack, newest first */
    struct gs_parts extras; /* frames elsewhere: generators, marks on the C stack, all frames up to 3.10; by address */
    bool cut;               /* the data stack goes on below the last of these chunks: there are too many */
    gs_addr cframe;         /* 3.11 and 3.12 */

    uint8_t *tstate_copy;
    gs_addr current[2];              /* the word that points to the frame, before and after the copies were taken */
    size_t piece_first, piece_count; /* of the last read */
    size_t tstate_piece;             /* the one that its thread state is in */
    gs_addr link_now;                /* what its neighbour pointed to in the last read */
    bool doubled, still;             /* read twice; known not to have moved during the read */
    uint8_t tries;                   /* readings of it that came out torn */
    uint64_t refused_ns; /* when we were not let stop it, because another tracer has it; 0: the last time we were */
    bool linked;         /* it was in the list, where it was before, when it was read */

    gs_addr c_stack;          /* where on the C stack its chain of frames began, or where it is now; 0: not known */
    gs_addr leaf;             /* the code that ran when it was last read: its memory is read again, */
    const uint8_t *leaf_copy; /* because it may be another's by now; NULL: was not */

    uint32_t read_sample;    /* the sample in which it was last read, */
    uint64_t polled_ns;      /* and when a poll last did so, */
    uint64_t looked_ns;      /* or because it collects or stops all others */
    struct gs_frame *frames; /* as it was last known */
    uint32_t frame_count, frame_room;
    struct gs_deep *deep;           /* NULL: it is not deep; deep.c */
    uint32_t same_read, same_count; /* as in gs_thread */
    bool torn;
    bool paired; /* the C stack of its thread was copied in the same stop */
    bool marked; /* the stack is known, and mark is that of the memory that it lies in: unmoved.c */
    uint64_t mark;
    bool unreadable;       /* the last walk led to memory that cannot be read, */
    bool lacks_code;       /* that of a code object, as both copies of its frame have it */
    bool handles;          /* an exception: exceptions.c */
    uint32_t torn_history; /* a bit per sample in which it was read while it may have run, newest lowest */
    uint32_t ran_sample;   /* the sample in which it was seen to move */

    bool requested;            /* the thread's gil_requested field (3.15 on), */
    uint32_t requested_sample; /* as of this sample */
    uint64_t breaker;          /* its eval_breaker (3.13 on), */
    uint32_t breaker_sample;   /* as of this sample */
};

/* What is known of a thread that is awake without holding the GIL: awake.c. */
struct gs_awake {
    bool looked, accounted, outside;
    uint64_t ran_ns, switches; /* at the first look, ran_ns at the first tick since */
    gs_addr frame, code;       /* where it was then */
    int32_t instr;
};

/* What lay on top of the C stack of a thread that sleeps; sp 0: not known. */
struct gs_stack_top {
    gs_addr sp;
    uint64_t words[4];
};

/* What one thread does, and whether it waits for the GIL: waiters.h. */
struct gs_member_wait {
    struct gs_runs runs;
    uint64_t runs_ns; /* when these were read, 0: never, */
    uint64_t ran_ns;  /* and when they were found to have changed */
    bool runs_known;  /* it slept ever since it had been put on a CPU that often */
    struct gs_activity activity;
    uint64_t asked_ns;       /* when activity was read */
    struct gs_stack_top top; /* when it was last seen asleep over something else than the GIL */
    uint32_t moved_sample;   /* the last sample before which it had the GIL, where that is known */
    enum gs_gil_futex futex;
    struct gs_awake awake;
    struct gs_lock_wait lock; /* with the GIL's waiters left out: lock_waits.c */
    struct gs_parked parked;  /* the entry of that wait, entry 0: it has none */
    struct gs_runs lock_runs; /* count 0: not known; else it slept at lock ever since it had been put on a CPU so often
                               */
    enum gs_gil_word gil;
    enum gs_evidence evidence;
};

/* One thread state. */
struct gs_member {
    gs_addr tstate;
    uint32_t interpreter; /* index into gs_thread_list.interps */
    gs_addr prev, next;   /* its neighbours in the list, 0 at the ends */
    uint64_t ident, serial, native;
    pid_t tid, ns_tid;       /* 0: no thread of the kernel belongs to it (not yet, or no more) */
    uint64_t found;          /* the discovery that last saw it */
    int syscall_fd, runs_fd; /* -1: not open */
    bool apart;              /* another thread runs it than the one whose id it bears: classify_threads.c */
    struct gs_member_stack stack;
    struct gs_member_wait wait;
    size_t place; /* of it among the published threads, SIZE_MAX: none */
    bool news;    /* what was published of it is out of date */
    bool late;    /* as in gs_thread */
};

struct gs_lock {  /* one GIL */
    gs_addr addr; /* of its struct, 0 where there is none (2.7, 3.6) */
    struct gs_gil_place place;
    struct gs_gil_fields before, after; /* around the last read */
    struct gs_gil_fields last;          /* as of the last snapshot, */
    struct gs_gil_fields stacked;       /* and before the stacks of the last one that has some */
    struct gs_gil_fields begun;         /* before those of this one */
    uint64_t since_ns;                  /* it is seen in the same hands */
    struct gs_gil_fields judged[2];     /* before and after, as threads were classified by them, while stacks are taken
                                           anew */
    bool stands;                        /* they were the same again after the threads were classified */
    uint32_t sharers;                   /* interpreters on it */
    gs_addr cond_heads[2];              /* musl: where its lists of waiters began when they were followed, */
    bool lists_whole;                   /* and that this led to their ends: cond_lists.c */
    uint8_t bytes[2][GS_GIL_BYTES];
    struct gs_piece pieces[2][GS_GIL_WINDOWS];
};

enum { GS_COLLECTOR_BYTES = 2048, GS_COLLECTIONS_KEPT = 32, GS_STOP_WORLD_BYTES = 24 };

/* What an interpreter's collector says, and who stops all threads: collector.h. */
struct gs_collector {
    gs_addr at; /* of its statistics, */
    uint32_t len;
    uint8_t bytes[GS_COLLECTOR_BYTES], worlds[2][GS_STOP_WORLD_BYTES]; /* as read: the interpreter's, the runtime's */
    struct gs_collections ended;
    struct gs_collection last[GS_COLLECTIONS_KEPT];
    uint64_t count;    /* collections that had ended when `thread` began this one */
    gs_addr thread;    /* state of the one that collects, 0: none, or not known; */
    gs_addr published; /* as it was published last */
    gs_addr requester; /* state of the one that stops all others, 0: nobody */
    bool known, stopped;
    uint64_t since_ns; /* `thread`, or else `requester`, does it */
};

struct gs_interp {
    gs_addr addr;
    int64_t id;
    uint32_t lock;    /* index into gs_thread_list.locks */
    gs_addr head;     /* first thread state */
    gs_addr head_now; /* as read together with the stacks */
    uint32_t drop_now, collecting_now;
    struct gs_collector collector;
};

struct gs_thread_list {
    struct gs_python *python;
    struct gs_mem *cache; /* pages, for following chains that are not known yet */
    int kept_files;       /* descriptors of threads from this number on are closed again */
    uint32_t tstate_bytes;
    int32_t pthread_tid; /* offset of the tid in glibc's struct pthread, GS_ABSENT: not found */

    gs_addr interp_head, interp_head_now; /* the newest interpreter; as read together with the stacks */
    struct gs_interp *interps;
    size_t interp_count, interp_room;
    struct gs_lock *locks;
    size_t lock_count, lock_room;
    struct gs_member **members; /* in list order, interpreter by interpreter */
    size_t member_count, member_room;
    struct {
        struct gs_member **slots; /* by address of the thread state, open addressing */
        size_t size;
    } by_tstate;
    size_t parts_room, frames_room; /* of all members together */
    size_t deep_count;              /* members for whom gs_deep is kept */
    /* Is told of each that is new as soon as it is found: it may be gone in a moment. False: it is. */
    bool (*meet)(void *context, struct gs_member *member);
    void *context;
    uint64_t discovery;   /* number of the last one; 0: none yet */
    uint64_t arrangement; /* another number whenever other threads are to be published, or in another order */
    bool partial;         /* as in gs_snapshot */

    uint32_t sample; /* number of this one, */
    uint64_t taken_ns;
    bool polling; /* which is one without stacks */
    bool changed; /* somebody does something else than in the last one, or the lists changed */
};

static inline struct gs_lock *gs_lock_of(const struct gs_thread_list *threads, const struct gs_member *member)
{
    return &threads->locks[threads->interps[member->interpreter].lock];
}

/* By the GIL's fields as they were read last. */
static inline bool gs_member_holds(const struct gs_thread_list *threads, const struct gs_member *member)
{
    const struct gs_gil_fields *now = &gs_lock_of(threads, member)->after;
    return now->enabled && now->locked && now->holder == member->tstate;
}

static inline enum gs_gil_state gs_gil_state_of(const struct gs_gil_fields *now)
{
    return !now->enabled ? GS_GIL_DISABLED : !now->exists ? GS_GIL_UNKNOWN : now->locked ? GS_GIL_HELD : GS_GIL_FREE;
}

/* ---- list.c ---- */

/* Walks the interpreters and their threads anew. GS_LOST when the lists changed under it. Of one that breaks off
 * (partial) that which was reached is all there is. */
enum gs_status gs_list_discover(struct gs_thread_list *threads) GS_MUST_CHECK;
bool gs_list_index(struct gs_thread_list *threads); /* after each change of them, for: */
struct gs_member *gs_list_find(const struct gs_thread_list *threads, gs_addr tstate);
/* The lists, as they were read together with the stacks, are those that were discovered. */
bool gs_list_same(const struct gs_thread_list *threads);
/* The copy of its state says that it is the thread that it was, and linked where it was. */
bool gs_list_linked(const struct gs_thread_list *threads, const struct gs_member *member);
/* The fields of each GIL were the same when they were read again after the threads were classified. */
bool gs_list_stands(const struct gs_thread_list *threads);
void gs_list_free(struct gs_thread_list *threads);

/* ---- deep.c ---- */

/* What is kept of the member's stack. */
void gs_deep_free(struct gs_thread_list *threads, struct gs_member *member);

/* ---- identity.c: which thread of the kernel a thread state belongs to ---- */

/* The threads of the kernel, asked for once per discovery and only when needed; the list is the caller's to free. */
struct gs_kernel_threads {
    struct gs_task *list;
    size_t count;
    bool asked;
    size_t states; /* thread states seen in this discovery */
};

/* Counts one more thread state; false when there are far more of them than threads: a damaged list, or a hostile one.
 */
bool gs_identity_count(const struct gs_thread_list *threads, struct gs_kernel_threads *tasks);
/* Sets the member's tid, ns_tid and syscall_fd, if a thread belongs to it: a thread state may be older or younger than
 * its thread. native: its native_thread_id (3.11 on), 0 where the Python has none. */
void gs_identity_find(struct gs_thread_list *threads, struct gs_kernel_threads *tasks, struct gs_member *member,
                      uint64_t native);
/* fd, or -1 when there would be too few left if it were kept: then it is closed. */
int gs_identity_keep(const struct gs_thread_list *threads, int fd);

#endif
