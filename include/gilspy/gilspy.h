/* libgilspy: what a running CPython does, from outside: stacks, who holds the Global Interpreter Lock, who waits for
 * it.
 *
 * For C99 and C++. Link with `pkg-config --cflags --libs gilspy`; gilspy(3) has an example.
 *
 * Handles are opaque and belong to whoever made them. One handle is used by one thread at a time; different handles may
 * be used at once. gilspy_stop alone may be called from any thread, and from a signal handler.
 *
 * Every function that can fail returns an enum gilspy_status and fills `error`, if it is not NULL. Structures begin
 * with struct_size, which the caller sets to sizeof the structure: a later library fills what the caller knows of.
 * Strings are UTF-8 as the target has them, which may be anything: escape them before they are shown. All times are
 * nanoseconds. They hold as long as what they come from, which is said where they are given.
 *
 * Unless it is told to, the library stops no thread of the target. It changes no signal handler, limit, priority or CPU
 * affinity of its host and prints nothing. What may wait for ever (a file of a dead mount) is done in a child process
 * or a thread of its own, which end by themselves. */
#ifndef GILSPY_GILSPY_H
#define GILSPY_GILSPY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if defined __GNUC__
#define GILSPY_API __attribute__((visibility("default")))
#else
#define GILSPY_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ---- */

/* The numbers are the exit statuses of the program gilspy. */
enum gilspy_status {
    GILSPY_OK = 0,
    GILSPY_FAILED = 1, /* the reason is in the error */
    GILSPY_USAGE = 2,  /* an argument is none that the function takes */
    GILSPY_NO_PROCESS = 3,
    GILSPY_NOT_PERMITTED = 4,
    GILSPY_NOT_PYTHON = 5,
    GILSPY_ENDED = 6, /* the process ended, or runs another program now */
    GILSPY_BUSY = 7   /* the process changed too fast for this reading: try again */
};

struct gilspy_error {
    size_t struct_size;
    char what[480]; /* what happened, and why */
    char todo[320]; /* what to do about it; may be empty */
};

/* "0.1.0" */
GILSPY_API const char *gilspy_version(void);
/* Two or three words for a status; never NULL. */
GILSPY_API const char *gilspy_status_text(enum gilspy_status status);

/* ---- processes ---- */

typedef struct gilspy_process gilspy_process;

struct gilspy_options {
    size_t struct_size;
    int native; /* not 0: frames of C too; of threads that run they are left out, unless stop is set */
    /* Not 0: a thread whose running stack came out torn is stopped for some tens of microseconds, all of them together
     * for 2 % of the time at most (ptrace: the host must not ignore SIGCHLD, whose handler sees them). Without it such
     * stacks end in a gap, which may be most stacks of code that calls much. Should the kernel never let a reading end
     * that began while a thread stands still, the host is aborted: only that lets the thread go on. */
    int stop;
    const char *assume; /* "3.11": the version of a Python that is not known; NULL: none */
};

/* Attaches to the process `pid` (or that of a thread of this number). options may be NULL. *process is NULL after a
 * failure. */
GILSPY_API enum gilspy_status gilspy_attach(pid_t pid, const struct gilspy_options *options, gilspy_process **process,
                                            struct gilspy_error *error);
/* The same for a core file. program: where the program is now, NULL: where it was. */
GILSPY_API enum gilspy_status gilspy_attach_core(const char *core, const char *program,
                                                 const struct gilspy_options *options, gilspy_process **process,
                                                 struct gilspy_error *error);
/* NULL is accepted. */
GILSPY_API void gilspy_close(gilspy_process *process);
GILSPY_API pid_t gilspy_pid(const gilspy_process *process);
/* "3.11.7"; holds until the process is closed. */
GILSPY_API const char *gilspy_python(const gilspy_process *process);

/* ---- samples ---- */

/* One moment of a process. */
typedef struct gilspy_sample gilspy_sample;

enum gilspy_word {
    GILSPY_HOLDS,   /* has the GIL */
    GILSPY_WAITS,   /* waits for it */
    GILSPY_WITHOUT, /* runs or sleeps without it */
    GILSPY_NONE,    /* there is no GIL */
    GILSPY_UNKNOWN
};

struct gilspy_thread {
    size_t struct_size;
    pid_t tid;        /* as this process sees it; 0: not known */
    uint64_t ident;   /* threading.get_ident() */
    const char *name; /* threading's, or the kernel's; never NULL */
    int main;
    enum gilspy_word gil;
    int inferred;       /* not 0: gil is told by what the thread sleeps on, else by a field of Python's */
    int running;        /* not 0: it runs or is ready to */
    int torn;           /* not 0: the stack could not be read whole */
    size_t gil_index;   /* which of the sample's GILs; SIZE_MAX: none that is told apart */
    size_t frame_count; /* innermost first */
};

enum gilspy_frame_kind { GILSPY_PYTHON, GILSPY_GAP, GILSPY_NATIVE, GILSPY_GC = 4 /* it collects garbage */ };

struct gilspy_frame {
    size_t struct_size;
    enum gilspy_frame_kind kind;
    const char *function; /* of a gap: why the stack could not be followed; never NULL */
    const char *qualname; /* NULL: not known */
    const char *file;     /* "": not known */
    const char *module;   /* base name of the ELF file of a native frame, else NULL */
    int line;             /* 0: not known */
};

enum gilspy_gil_state { GILSPY_GIL_HELD, GILSPY_GIL_FREE, GILSPY_GIL_DISABLED, GILSPY_GIL_UNKNOWN };

struct gilspy_gil {
    size_t struct_size;
    int64_t interpreter; /* id of the first one that has it */
    enum gilspy_gil_state state;
    pid_t holder; /* tid; 0: nobody, or not known (state held) */
    size_t waiters;
    int counted;       /* not 0: */
    uint64_t switches; /* how often it went to another thread */
};

/* Takes a sample now, of every thread, and tries for some seconds. It belongs to the process and holds until the next
 * call with that. GILSPY_BUSY, GILSPY_ENDED. */
GILSPY_API enum gilspy_status gilspy_snapshot(gilspy_process *process, const gilspy_sample **sample,
                                              struct gilspy_error *error);

/* CLOCK_MONOTONIC. */
GILSPY_API uint64_t gilspy_sample_time(const gilspy_sample *sample);
/* The time that it stands for; 0 for a snapshot. */
GILSPY_API uint64_t gilspy_sample_weight(const gilspy_sample *sample);
GILSPY_API pid_t gilspy_sample_pid(const gilspy_sample *sample);
GILSPY_API size_t gilspy_sample_threads(const gilspy_sample *sample);
GILSPY_API size_t gilspy_sample_gils(const gilspy_sample *sample);
/* Index: below the counts above. GILSPY_USAGE: there is no such one. Strings hold as long as the sample. */
GILSPY_API enum gilspy_status gilspy_sample_thread(const gilspy_sample *sample, size_t index,
                                                   struct gilspy_thread *thread);
GILSPY_API enum gilspy_status gilspy_sample_frame(const gilspy_sample *sample, size_t thread, size_t index,
                                                  struct gilspy_frame *frame);
GILSPY_API enum gilspy_status gilspy_sample_gil(const gilspy_sample *sample, size_t index, struct gilspy_gil *gil);

/* ---- sampling ---- */

/* Called for each sample, which holds until it returns. Not 0: that was the last one. */
typedef int (*gilspy_callback)(void *context, const gilspy_sample *sample);

/* Samples the process rate_hz times a second, at random moments of equal slots, for `seconds` (0: until it ends or
 * gilspy_stop is called), in the calling thread. GILSPY_OK: all was done, also when the process ended. */
GILSPY_API enum gilspy_status gilspy_run(gilspy_process *process, double rate_hz, double seconds,
                                         gilspy_callback callback, void *context, struct gilspy_error *error);
/* Ends what runs with this process within 100 ms; before it has begun: at once. */
GILSPY_API void gilspy_stop(gilspy_process *process);
/* The same as gilspy_run, into a recording at `path`, which `gilspy report` draws. A file that is there is replaced. */
GILSPY_API enum gilspy_status gilspy_record(gilspy_process *process, const char *path, double rate_hz, double seconds,
                                            struct gilspy_error *error);

/* ---- recordings ---- */

typedef struct gilspy_recording gilspy_recording;

GILSPY_API enum gilspy_status gilspy_recording_open(const char *path, gilspy_recording **recording,
                                                    struct gilspy_error *error);
/* NULL is accepted. */
GILSPY_API void gilspy_recording_close(gilspy_recording *recording);
/* Calls back for each of its samples, of whatever process; *whole (may be NULL): the recording has its end. May be
 * called again. */
GILSPY_API enum gilspy_status gilspy_recording_play(gilspy_recording *recording, gilspy_callback callback,
                                                    void *context, int *whole, struct gilspy_error *error);

/* ---- figures of the GIL over a span ---- */

typedef struct gilspy_figures gilspy_figures;

/* Shares are of the span, from 0 to 1; a share below 0 is not known. */
struct gilspy_gil_figures {
    size_t struct_size;
    int64_t interpreter;
    double held, contended; /* contended: while at least one thread waited */
    double mean_waiters;
    uint64_t longest_hold;
    pid_t longest_hold_tid; /* 0: not known */
    int counted;
    uint64_t handovers;
};

struct gilspy_thread_figures {
    size_t struct_size;
    pid_t tid; /* 0: the sums of threads that ended */
    const char *name;
    int main;
    double holds, waits, without, unknown; /* together 1 */
    double cpu;                            /* of one CPU */
    double half_width;                     /* 95 % bound of the error of `holds` */
    uint64_t longest_hold, longest_wait;
};

struct gilspy_wait_figures {
    size_t struct_size;
    pid_t waiter, holder;
    uint64_t waited;
};

/* Watches the process as `gilspy stat` does, without stacks. rate_hz 0: 1000. */
GILSPY_API enum gilspy_status gilspy_stat(gilspy_process *process, double rate_hz, double seconds,
                                          gilspy_figures **figures, struct gilspy_error *error);
/* The same of a recording: of its process `pid`, 0: the first. */
GILSPY_API enum gilspy_status gilspy_recording_stat(gilspy_recording *recording, pid_t pid, gilspy_figures **figures,
                                                    struct gilspy_error *error);
/* NULL is accepted. What the figures point to holds until then. */
GILSPY_API void gilspy_figures_free(gilspy_figures *figures);
GILSPY_API double gilspy_figures_seconds(const gilspy_figures *figures);
GILSPY_API size_t gilspy_figures_gils(const gilspy_figures *figures);
GILSPY_API size_t gilspy_figures_threads(const gilspy_figures *figures);
/* Who waited for whom, longest first. */
GILSPY_API size_t gilspy_figures_waits(const gilspy_figures *figures);
GILSPY_API enum gilspy_status gilspy_figures_gil(const gilspy_figures *figures, size_t index,
                                                 struct gilspy_gil_figures *gil);
GILSPY_API enum gilspy_status gilspy_figures_thread(const gilspy_figures *figures, size_t index,
                                                    struct gilspy_thread_figures *thread);
GILSPY_API enum gilspy_status gilspy_figures_wait(const gilspy_figures *figures, size_t index,
                                                  struct gilspy_wait_figures *wait);

#ifdef __cplusplus
}
#endif

#endif
