/* One moment of a process: its interpreters, their GILs, every thread's state and stack, and how sure we are. */
#ifndef GILSPY_SNAPSHOT_H
#define GILSPY_SNAPSHOT_H

#include "gilspy/native.h"
#include "gilspy/python.h"

/* The five words of the interface. */
enum gs_gil_word { GS_HOLDS, GS_WAITS, GS_WITHOUT, GS_NONE, GS_UNKNOWN };
/* exact: a field says so. inferred: from the futex that it sleeps on, or because it alone was left over. */
enum gs_evidence { GS_EXACT, GS_INFERRED };
enum gs_gil_state { GS_GIL_HELD, GS_GIL_FREE, GS_GIL_DISABLED, GS_GIL_UNKNOWN };

const char *gs_gil_word_name(enum gs_gil_word word);
const char *gs_evidence_name(enum gs_evidence evidence);
const char *gs_gil_state_name(enum gs_gil_state state);

enum { GS_FRAME_LIMIT = 100000 /* frames of one thread; deeper ones end in a gap that says so */ };

/* A task is in stacks that are recorded only: the name of the one that the frames further in belong to. */
/* GC: the thread collects garbage, called by the frame further out. OPCODE: in stacks that are recorded only: the
 * instruction that the frame further out is at. */
enum gs_frame_kind { GS_FRAME_PYTHON, GS_FRAME_GAP, GS_FRAME_NATIVE, GS_FRAME_TASK, GS_FRAME_GC, GS_FRAME_OPCODE };
#define GS_GC_FRAME "<gc>" /* its name */
/* Why a stack could not be followed further. From GS_GAP_NATIVE on: the C stack, for the enum gs_native_end behind it;
 * the Python frames below such a gap are whole. */
enum gs_gap {
    GS_GAP_CHANGED,
    GS_GAP_UNREADABLE,
    GS_GAP_TOO_DEEP,
    GS_GAP_DAMAGED,
    GS_GAP_TOO_LARGE,
    GS_GAP_UNMERGED, /* the C stack and the Python stack do not fit together: both are shown, one above the other */
    GS_GAP_NATIVE
};
const char *gs_gap_text(enum gs_gap gap);

struct gs_frame {
    gs_addr frame; /* its address; of a native one its cfa */
    gs_addr code; /* its code object, known to the reader's gs_codes; of a native one its pc, named by gs_native_name */
    gs_addr first; /* up to 3.10: its first argument; 0: it has none, or not in its own slot */
    int32_t instr; /* byte offset into the bytecode; -1: not started */
    uint8_t kind;  /* enum gs_frame_kind */
    uint8_t gap;   /* enum gs_gap, when kind is GS_FRAME_GAP; GS_GAP_NATIVE + an enum gs_native_end */
    bool entry; /* of a Python one: it was called by C, all between it and the next such one within is one call of the
                   evaluator */
    bool inferred; /* of a native one: as in gs_native_frame */
};

enum gs_lock_kind {
    GS_LOCK_NONE, /* it waits for no lock, but to be notified, for work, for the end of a thread ... */
    GS_LOCK_LOCK,
    GS_LOCK_RLOCK,
    GS_LOCK_OBJECT,  /* of an object of a free-threaded Python */
    GS_LOCK_PYMUTEX, /* another one inside CPython */
    GS_LOCK_PTHREAD, /* a mutex of C */
    GS_LOCK_OTHER
};
/* "threading.Lock" */
const char *gs_lock_kind_name(enum gs_lock_kind kind);

/* A lock other than the GIL that a thread sleeps for. */
struct gs_lock_wait {
    gs_addr word;      /* that it sleeps at: a PyMutex, the futex of a semaphore or of a mutex of C; 0: none */
    gs_addr object;    /* a PyMutex where objects of a free-threaded Python have theirs: of this one; 0: another lock */
    uint64_t since_ns; /* of a PyMutex: when it asked for that (CLOCK_MONOTONIC); 0: not known */
    uint64_t number;   /* another one for each wait */
};

struct gs_thread {
    gs_addr tstate; /* 0: it has none, and is there because C stacks were asked for */
    uint64_t ident; /* threading's ident: pthread_t */
    pid_t tid, ns_tid;
    uint32_t interpreter; /* index into interpreters */
    bool main;
    enum gs_gil_word gil;
    enum gs_evidence evidence;
    struct gs_activity activity; /* as of the last time that it was asked for */
    struct gs_lock_wait lock;    /* where that is asked for (gs_reader_locks) */
    bool torn;                   /* its stack could not be read whole: it ends in a gap */
    bool late;                   /* another one waits for it to stop */
    bool handles;                /* an exception, or was called by who does: gs_python_exceptions */
    /* An address on the C stack in the evaluation of its frames, 0: not known (up to 3.10). Of two states of one
     * thread, which is in two interpreters, the one with the lower address was called by the other. */
    gs_addr c_stack;
    /* Another thread runs this state than the one whose ids it bears; which one is not known. Its frames are none of
     * that thread's. */
    bool apart;
    uint32_t read;                  /* another number whenever its stack was read anew */
    uint32_t same_read, same_count; /* so many of its outermost frames are as they were when `read` was this number */
    const struct gs_frame *frames;  /* innermost first; belongs to the reader */
    uint32_t frame_count;
    const struct gs_native_stack *native; /* its C stack, of the same moment; NULL: not asked for */
};

struct gs_gil {
    enum gs_gil_state state;
    pid_t holder; /* tid, 0: nobody, or a thread that is not known (state held) */
    pid_t last;   /* tid of whoever took it last, 0: not known */
    bool has_switches, has_interval, has_drop;
    uint64_t switches;
    uint64_t interval_us;
    bool drop_requested;
    /* When the holder, as far as was seen, got it: nobody else had it since, nor was it found free (CLOCK_MONOTONIC;
     * valid while it is held). A thread that lets go and takes it again between two looks is not noticed. */
    uint64_t since_ns;
};

enum { GS_GENERATIONS = 3 };

/* Collections of garbage that have ended. */
struct gs_collections {
    uint64_t count[GS_GENERATIONS];
    struct gs_collection {
        uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC */
        uint8_t generation;
    } const *last; /* the last ones, in no order, from 3.15 on */
    size_t last_count;
};

/* A thread of a free-threaded Python stops all others. */
struct gs_stopped_world {
    bool known;      /* this Python says it, */
    bool requested;  /* and somebody stops them; */
    bool stopped;    /* all have stopped */
    pid_t requester; /* 0: not known */
};

struct gs_interpreter {
    gs_addr addr;
    int64_t id;
    uint32_t gil; /* index into gils: interpreters that share one have the same */
    bool collecting_garbage, collecting_known;
    const struct gs_collections *collections; /* NULL: not known */
    struct gs_stopped_world world;
    bool finalizing;
};

/* What the data is worth, summed up since the reader was made. Times in microseconds. skipped: samples that were left
 * out to keep within max_pause; refused: readings of running threads that were to be stopped, and were not, because
 * another program traces them. */
struct gs_quality {
    uint64_t samples, torn, retried, stopped, stopped_us, stopped_in_syscall, late, lost;
    uint64_t took_us, cpu_us;
    uint64_t skipped, refused;
};

enum {
    GS_GILS_MOST = 255,   /* of a process that are told apart; threads of further ones are there, their GILs are not */
    GS_GIL_LEFT_OUT = 255 /* the GIL of such a thread */
};

#define GS_EVERYBODY SIZE_MAX

struct gs_snapshot {
    uint64_t time_ns; /* CLOCK_MONOTONIC */
    struct gs_interpreter *interpreters;
    size_t interpreter_count;
    struct gs_gil *gils;
    size_t gil_count;
    struct gs_thread *threads; /* main thread first, then by tid */
    size_t thread_count;
    /* All threads but these (indices into threads) are as in the snapshot before; moved_count GS_EVERYBODY: not so. */
    const uint32_t *moved;
    size_t moved_count;
    bool partial;                /* the list of interpreters or threads breaks off: there may be more of them */
    enum gs_native_scope native; /* C stacks that its threads have, */
    struct gs_native *natives;   /* what names them, */
    const char *evaluator;       /* and the C function that runs Python frames */
};

enum gs_stopping {
    GS_STOP_TORN,   /* only the thread whose running stack came out torn */
    GS_STOP_ALWAYS, /* every running thread whose stack is read */
    GS_STOP_NEVER
};

struct gs_reader_options {
    enum gs_stopping stopping;
    double max_pause; /* share of each second for which threads may be stopped, all of them together; 0, 1: no limit */
    enum gs_native_scope native; /* C stacks too */
    struct gs_native_options native_options;
    bool keep_limits; /* the limit of open files of our process stays as it is: it is somebody else's */
};

struct gs_reader;

enum gs_status gs_reader_new(struct gs_reader **reader, struct gs_python *python,
                             const struct gs_reader_options *options) GS_MUST_CHECK;
void gs_reader_free(struct gs_reader *reader);

/* Takes a snapshot: the result belongs to the reader and holds until the next call. Cheap when little moved since the
 * call before. GS_GONE, GS_EXECED when the target is no longer what it was; GS_LOST when not even the list of threads
 * could be read consistently (the sample is counted as lost). */
enum gs_status gs_reader_take(struct gs_reader *reader, const struct gs_snapshot **snapshot) GS_MUST_CHECK;
/* The same without stacks, for a system call or two: the words of the GILs, who holds and who waits. No thread is
 * stopped and none has frames (frames NULL), but for a holder that has had its GIL for long_ns (0: nobody), whose stack
 * is read as gs_reader_take would, and again whenever another long_ns has passed; where C stacks are asked for, that
 * above its innermost Python frame too. May be mixed with gs_reader_take,
 * which then reads no more than if there had been no polls. */
enum gs_status gs_reader_poll(struct gs_reader *reader, uint64_t long_ns,
                              const struct gs_snapshot **snapshot) GS_MUST_CHECK;
/* As far as it can be told, nobody in the process ran since the last snapshot: that is the truth of now_ns, too
 * (CLOCK_MONOTONIC). For three cheap system calls; it stands for a second at most. Where it may be true of some,
 * to be asked before each snapshot. again: also that a thread ran since, and sleeps again where it did, with the same
 * stack; what else it may have done, as to go on with another task, does not matter. */
bool gs_reader_asleep(struct gs_reader *reader, uint64_t now_ns, bool again);
/* Whether it may have run since then, as far as that call was made since. */
bool gs_reader_ran(const struct gs_reader *reader, uint64_t since_ns);
/* The words of the GILs alone, for one system call each: who has them (state, holder, switches; all else is as
 * unknown), in the order of gs_snapshot.gils. The other calls give the same as without it, but may have less to read.
 * GS_LOST: they could not be read, or nothing was taken yet. */
enum gs_status gs_reader_glance(struct gs_reader *reader, struct gs_gil *gils, size_t room,
                                size_t *count) GS_MUST_CHECK;
/* Between two calls of gs_reader_take: takes a glance if one is due that makes the next one cheaper, where many threads
 * compete. Returns when the next is due (CLOCK_MONOTONIC), UINT64_MAX: none before the next snapshot. */
uint64_t gs_reader_follow(struct gs_reader *reader, uint64_t now_ns);
/* Asks the kernel about every thread, not only those that may have moved, at the next gs_reader_take. */
void gs_reader_full_census(struct gs_reader *reader);

/* From the next snapshot on it is asked for which lock each thread sleeps, or no more. */
void gs_reader_locks(struct gs_reader *reader, bool locks);

/* From the next snapshot on C stacks are taken too, or no more: of every thread of the process, Python's or not, or of
 * that one only when tid is not 0. They come with gs_merge_threads, merged into the Python frames. */
enum gs_status gs_reader_native(struct gs_reader *reader, enum gs_native_scope scope, pid_t tid) GS_MUST_CHECK;
/* What names native frames; NULL: C stacks were never asked for. */
struct gs_native *gs_reader_natives(struct gs_reader *reader);

/* The result holds until the next call; cpu_us is all CPU time of our process. */
const struct gs_quality *gs_reader_quality(struct gs_reader *reader);
/* The last sample is not used: it does not count there; what it cost does. */
void gs_reader_drop(struct gs_reader *reader);
struct gs_codes *gs_reader_codes(struct gs_reader *reader);

#endif
