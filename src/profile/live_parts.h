/* What the parts of the live model share. */
#ifndef GS_PROFILE_LIVE_PARTS_H
#define GS_PROFILE_LIVE_PARTS_H

#include "gil/gil_track.h"
#include "profile/ledger.h"
#include "profile/live.h"
#include "stack/strings.h"

/* The bounds. */
enum {
    GS_LIVE_THREADS = 8192,
    GS_LIVE_PROCESSES = 128,
    GS_LIVE_PENDING = 8192, /* stacks whose time is not yet in functions and lines */
    GS_LIVE_LINES = 16384,  /* a thread at a line */
    GS_LIVE_FUNCTIONS = 8192,
    GS_LIVE_STRING_BYTES = 3 << 20,
    GS_LIVE_DEPTH = 4096, /* frames of a stack that are looked at */
    GS_LIVE_BLAMES = 4096,
    GS_LIVE_HOLDS = 1024,
    GS_LIVE_NAME = 48,     /* bytes of a thread's name that are kept */
    GS_LIVE_FUNCTION = 80, /* the same of the function, */
    GS_LIVE_FILE = 160     /* and of the end of the file's name, where these outlive their threads */
};

#define GS_LIVE_NOBODY UINT32_MAX

struct gs_live_place {
    char function[GS_LIVE_FUNCTION], file[GS_LIVE_FILE]; /* function "": not known */
    int32_t line;
    bool gap;
};

/* Times by mode. */
struct gs_live_time {
    double recent_ns[GS_MODE_COUNT];
    uint64_t ns[GS_MODE_COUNT];
};

/* What is known of the hold that goes on, beside how long it is. */
struct gs_live_hold {
    pid_t tid; /* 0: nobody's, or not known whose, or it is not known when it ends */
    uint32_t waiters;
    uint32_t function; /* serial; 0: not known where it is */
    struct gs_live_place place;
};

struct gs_live_longest {
    pid_t tid; /* 0: there was none */
    char name[GS_LIVE_NAME];
    uint64_t us, end_ns;
    bool at_least;
    uint32_t waiters;
    struct gs_live_place place;
};

struct gs_live_lock {
    bool seen; /* in a sample */
    enum gs_gil_state state;
    uint32_t holder; /* number, of the last sample */
    size_t waiters;
    struct gs_gil_track track;
    struct gs_gil_sum sum, second; /* of late; what that was when this second began */
    float held_s[GS_PICTURE_SECONDS], waiting_s[GS_PICTURE_SECONDS];
    size_t seconds;
    struct gs_live_hold hold;
    struct gs_live_longest longest;
};

struct gs_live_process {
    uint32_t number;
    pid_t pid;
    char *command, *python;
    bool ended;
    uint64_t samples;
    uint64_t weighed_ns;           /* of all its samples */
    size_t threads, seen;          /* known; in the last sample, */
    struct gs_thread_sample *last; /* which was this */
    size_t last_room;
    bool fresh; /* the numbers in it mean nothing any more */
    uint64_t cpu_at_ns, cpu_ns, uptime_us;
    double cpu;
    struct gs_live_lock *locks; /* GS_GILS_MOST at most, */
    size_t lock_count, lock_room;
    bool locks_left_out; /* and there were threads of further ones */
    uint32_t *hints;     /* where the thread at this place of the last sample is in the list */
    size_t hint_room;
};

struct gs_live_thread {
    uint32_t number, process; /* the process's number */
    pid_t tid;
    char name[GS_LIVE_NAME];
    bool main, at_least, stirred;
    bool chosen; /* one of those that are listed */
    uint8_t doing, lock;
    struct gs_thread_sample now; /* what it does */
    uint64_t settled_ns;         /* of what its process's samples weigh: the time up to here is charged */
    uint64_t round;              /* the process's sample that last said anything else of it, or of any new one */
    uint64_t since_ns;
    uint32_t stack;        /* of the source; 0: none */
    uint32_t stacks_known; /* which giving of numbers that is of */
    uint32_t pending;      /* where the time of its last stack was kept */
    double recent_ns[GS_DOING_COUNT];
    uint64_t cpu_at_ns, cpu_ns;
    double cpu;
    uint32_t cell_ns[GS_DOING_COUNT]; /* of the cell that grows */
    uint64_t first_cell;
    struct gs_picture_cell cells[GS_PICTURE_CELLS]; /* by number */
};

struct gs_live_pending {
    struct gs_ledger_key key; /* thread, stack */
    uint64_t ns[GS_MODE_COUNT];
};

struct gs_live_function {
    struct gs_ledger_key key; /* function and file, kept once */
    uint32_t serial;          /* never used again */
    bool gap;
    uint64_t stamp;
    struct gs_live_time own, total;
};

struct gs_live_line {
    struct gs_ledger_key key; /* thread and function's serial, line */
    uint64_t stamp;
    double recent_ns[GS_MODE_COUNT];
};

struct gs_live_hold_sum {
    struct gs_ledger_key key; /* process and tid, function and line */
    pid_t tid;
    char name[GS_LIVE_NAME];
    bool at_least;
    uint32_t process, waiters, times;
    uint64_t longest_us, total_us, end_ns;
    struct gs_live_place place;
};

struct gs_live_blame {
    struct gs_ledger_key key; /* who for whom, function and line */
    uint32_t process;
    pid_t waiter_tid, holder_tid;
    char waiter[GS_LIVE_NAME], holder[GS_LIVE_NAME];
    uint64_t ns, times, last_ns, round;
    struct gs_live_place place;
};

struct gs_live {
    struct gs_sink sink; /* first */
    bool recent;
    struct gs_selection selection;
    struct gs_hold_rule rule;
    double rate_hz, recent_ns; /* recent_ns: what shares of functions are of */
    uint64_t begin_ns, last_ns, watched_ns;
    uint64_t second, cell; /* numbers of those that grow */
    struct gs_quality quality;

    struct gs_live_process *processes; /* by number, */
    size_t process_count, process_room;
    struct gs_live_thread **threads; /* like these */
    size_t thread_count, thread_room;

    const struct gs_stacks *stacks; /* the source's */
    uint32_t stacks_known;          /* how often it began its numbers anew */
    struct gs_ledger pending, functions, lines, holds, blames;
    struct gs_strings *strings; /* of functions */
    uint32_t serial;
    uint64_t stamp;
    uint32_t *function_of; /* place of the source -> function + 1 */
    size_t function_room;
};

/* ---- live_charge.c ---- */

/* A sample's threads: time is charged to what changed, the rest has to wait for gs_live_settle. False: no memory. */
bool gs_live_charge(struct gs_live *live, struct gs_live_process *process, const struct gs_sample *sample);
/* All time so far is charged: before sums are looked at, decay, or are begun anew. */
void gs_live_settle(struct gs_live *live);

/* ---- live_people.c ---- */

struct gs_live_process *gs_live_process_of(const struct gs_live *live, uint32_t number);
struct gs_live_process *gs_live_process_at(const struct gs_live *live, pid_t pid);
struct gs_live_thread *gs_live_thread_of(const struct gs_live *live, uint32_t number);
/* The thread at a place of a sample, NULL: there was no room for it. */
struct gs_live_thread *gs_live_thread_in(const struct gs_live *live, struct gs_live_process *process, size_t place,
                                         uint32_t number);
enum gs_status gs_live_add_process(struct gs_live *live, uint32_t number, const struct gs_sampled_process *sampled);
enum gs_status gs_live_add_thread(struct gs_live *live, uint32_t number, const struct gs_sampled_thread *sampled);
/* Threads of a process that its last sample did not have. */
void gs_live_drop_threads(struct gs_live *live, struct gs_live_process *process);
void gs_live_process_free(struct gs_live *live, struct gs_live_process *process);
/* Copies text, cut at its end (or start) so that it fits into size bytes. */
void gs_live_copy(char *dst, size_t size, const char *text);
void gs_live_copy_end(char *dst, size_t size, const char *text);

/* ---- live_time.c ---- */

/* ns is the time of the stack where the thread is, by mode. */
void gs_live_time_add(struct gs_live *live, struct gs_live_thread *thread, const uint64_t ns[GS_MODE_COUNT]);
/* Everything that is pending goes where it belongs. */
void gs_live_time_flush(struct gs_live *live);
/* What the source's numbers meant is known no longer. */
void gs_live_time_forget(struct gs_live *live);
void gs_live_time_decay(struct gs_live *live, double factor);
/* The function of a place of the source; NULL: no memory. */
struct gs_live_function *gs_live_function_at(struct gs_live *live, uint32_t place);
/* The function that stands for a thread, outermost of its stacks; NULL: no memory. */
struct gs_live_function *gs_live_thread_function(struct gs_live *live, const struct gs_live_thread *thread);
/* The line of a place, 0 where lines are not told apart. */
int32_t gs_live_line_of(const struct gs_live *live, const struct gs_place *place);
/* Where the code of a place is: a file of source, or of C the module. */
const char *gs_live_file_of(const struct gs_place *place);
/* The number of the place that a stack (not 0) is in: of C frames above the innermost Python frame the first that says
 * something. */
uint32_t gs_live_told_place(const struct gs_live *live, uint32_t stack);
/* That place: the serial of the function, 0: nowhere. */
uint32_t gs_live_place_of(struct gs_live *live, uint32_t stack, struct gs_live_place *place);

/* ---- live_gil.c ---- */

/* What a sample says of the GILs of its process; its threads are noted already. False: no memory. */
bool gs_live_gil_sample(struct gs_live *live, struct gs_live_process *process, const struct gs_sample *sample);
/* So many seconds are over; what was before counts only so much from now on. */
void gs_live_gil_second(struct gs_live_process *process, uint64_t seconds, double factor);
void gs_live_gil_reset(struct gs_live_lock *lock);

/* ---- live_blame.c ---- */

void gs_live_blame_sample(struct gs_live *live, struct gs_live_process *process, const struct gs_sample *sample);

#endif
