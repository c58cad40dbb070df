/* What a live screen shows of a run, as plain figures and strings: made by gs_live_picture, or by hand. */
#ifndef GS_PROFILE_PICTURE_H
#define GS_PROFILE_PICTURE_H

#include <sys/types.h>

#include "gil/gilstat.h"
#include "profile/modes.h"

enum {
    GS_PICTURE_SECONDS = 60,        /* of the sparklines */
    GS_PICTURE_CELLS = 240,         /* of the timeline, at most */
    GS_PICTURE_CELL_MS = 500,       /* what each stands for */
    GS_PICTURE_FULL = 200,          /* a share of 1 in a cell */
    GS_DOING_IDLE = GS_UNKNOWN + 1, /* without the GIL (or with none to hold) and asleep; the others: their word */
    GS_DOING_COUNT = GS_DOING_IDLE + 1
};

/* What a picture is to have beside processes, GILs and threads. */
enum {
    GS_SHOW_STACK = 1,  /* of one thread */
    GS_SHOW_STACKS = 2, /* of all */
    GS_SHOW_FUNCTIONS = 4,
    GS_SHOW_HOLDS = 8,
    GS_SHOW_BLAME = 16,
    GS_SHOW_TIMELINE = 32,
    GS_SHOW_TASKS = 64,
    GS_SHOW_LOCKS = 128,
    GS_SHOW_ALL = 255
};

/* Where a thread is; function, by its qualified name where there is one, is NULL where that is not known. Strings are
 * uncleaned. */
struct gs_picture_place {
    const char *function, *file;
    int32_t line; /* 0: unknown */
    bool gap;     /* function says why the stack ends here */
    bool native;  /* a function of C and the like */
};

struct gs_picture_process {
    pid_t pid;
    const char *command, *python;
    uint64_t uptime_us;
    double cpu; /* share of a processor; negative: not known */
    size_t threads;
    bool gils_left_out; /* it has threads of interpreters beyond the first GS_GILS_MOST GILs */
    bool ended;
};

/* A time for which one thread had the GIL, or all such times at one line. */
struct gs_picture_hold {
    uint32_t process; /* index into processes */
    pid_t tid;        /* 0: there is none */
    const char *name; /* NULL: not known */
    bool at_least;    /* it had begun before anybody looked */
    uint32_t waiters; /* the most that waited meanwhile */
    uint32_t times;
    uint64_t longest_us, total_us, ago_us; /* ago: since the last one ended */
    struct gs_picture_place place;
};

struct gs_picture_gil {
    uint32_t process; /* index into processes */
    uint32_t lock;    /* which of the GILs of that process */
    enum gs_gil_state state;
    double held, waiting; /* of late: share of the time, mean number of waiters */
    size_t waiters;       /* now */
    double handovers_hz;  /* of late; negative: not known */
    struct gs_picture_hold now, longest;
    float held_s[GS_PICTURE_SECONDS], waiting_s[GS_PICTURE_SECONDS]; /* second by second, the last one last */
    size_t seconds;                                                  /* how many there are */
};

struct gs_picture_frame {
    struct gs_picture_place place;
    double share[GS_MODE_LIVE]; /* of the thread's time that this line was on its stack, of late, by mode */
};

struct gs_picture_cell {
    uint8_t part[GS_DOING_COUNT]; /* of GS_PICTURE_FULL */
};

struct gs_picture_thread {
    uint32_t number, process; /* never used again; index into processes */
    pid_t tid;
    const char *name;
    bool main;
    uint8_t doing;                /* a word, or GS_DOING_IDLE */
    double share[GS_DOING_COUNT]; /* of late */
    double cpu;                   /* of late, share of a processor; negative: not known */
    uint64_t doing_us;            /* in this state */
    bool at_least;                /* for which it may have been longer */
    struct gs_picture_place place;
    const struct gs_picture_frame *frames; /* innermost first; none where they were not asked for */
    size_t frame_count;
    const struct gs_picture_cell *cells; /* the last one last, still growing */
    size_t cell_count;
};

struct gs_picture_function {
    struct gs_picture_place place;
    double own[GS_MODE_LIVE], total[GS_MODE_LIVE];     /* of late: of the time watched */
    double own_s[GS_MODE_LIVE], total_s[GS_MODE_LIVE]; /* seconds since the beginning */
};

struct gs_picture_blame {
    uint32_t process;
    pid_t waiter_tid, holder_tid; /* holder_tid 0: nobody knows who */
    const char *waiter, *holder;  /* their names */
    uint64_t us, ago_us;          /* that one waited for the other; since it did */
    uint32_t times;
    struct gs_picture_place place; /* of the holder */
};

/* Tasks that are alike, or one. */
struct gs_picture_task {
    uint32_t process;
    pid_t tid;       /* of the thread that runs their loop */
    uint8_t state;   /* enum gs_task_state */
    uint32_t count;  /* how many they are */
    uint64_t for_us; /* that one of them had been so when it was read; 0: none was so when they were read before */
    bool at_least;
    const char *name, *names; /* what their names have in common; all of them, one behind the other */
    const char *waits_for;    /* in words; "": for nothing */
    struct gs_picture_place place;
};

/* A lock other than a GIL. */
struct gs_picture_lock {
    uint32_t process;
    struct gs_gilstat_lock lock;
};

struct gs_picture {
    const struct gs_picture_process *processes;
    size_t process_count;
    const struct gs_picture_gil *gils;
    size_t gil_count;
    const struct gs_picture_thread *threads;
    size_t thread_count,
        thread_missed; /* listed, in the order of their numbers; missed: those that there was no room for */
    const struct gs_picture_function *functions;
    size_t function_count;
    const struct gs_picture_hold *holds;
    size_t hold_count;
    const struct gs_picture_blame *blames;
    size_t blame_count;
    const struct gs_picture_task *tasks;
    size_t task_rows, task_count, tasks_left_out; /* count: tasks in these rows */
    uint64_t tasks_ago_us;                        /* since they were read */
    bool tasks_read;
    const struct gs_picture_lock *wanted; /* by process, those most waited for first */
    size_t wanted_count;
    uint64_t locks_us;   /* for which they were watched; 0: they were not */
    uint64_t watched_us; /* since the beginning */
    double rate_hz;      /* infinite: max */
    double whole;        /* share of the samples that are whole; negative: there are none */
    uint64_t refused;    /* as in gs_quality */
    bool shares_unknown; /* of some thread it is not always known what it does */
    bool ended;          /* nobody is watched any longer */
};

#endif
