/* The figures of the GIL over a span of time, finished: what `stat` shows of one process, by whatever way they were
 * found out. Made with gs_account, rendered by src/export/text/stat.c and json/stat.c. */
#ifndef GS_GIL_GILSTAT_H
#define GS_GIL_GILSTAT_H

#include "gilspy/snapshot.h"
#include "gilspy/stack.h"

enum gs_method {
    GS_METHOD_SAMPLED, /* the GIL's words, looked at many times a second */
    GS_METHOD_WINDOWS, /* each take and drop, in parts of the span */
    GS_METHOD_EXACT    /* each take and drop */
};
const char *gs_method_name(enum gs_method method);

/* What may not be known: null in JSON, "-" in text. */
struct gs_figure {
    double value;
    bool known;
};

struct gs_count {
    uint64_t value;
    bool known;
};

static inline struct gs_figure gs_figure(double value)
{
    return (struct gs_figure){.value = value, .known = true};
}

static inline struct gs_count gs_count(uint64_t value)
{
    return (struct gs_count){.value = value, .known = true};
}

enum { GS_AVERAGES = 3 /* over 1, 5 and 15 minutes */ };
extern const double gs_average_s[GS_AVERAGES];

enum { GS_P50, GS_P90, GS_P99, GS_PERCENTILES };
extern const double gs_percentiles[GS_PERCENTILES]; /* as shares: 0.5 ... */

/* One GIL. Shares are of the watched time. */
struct gs_gilstat_gil {
    int64_t interpreter; /* id of the first interpreter on it */
    enum gs_gil_state state;
    struct gs_figure held, contended, mean_waiters;
    struct gs_count switches; /* hand-overs */
    struct gs_count longest_hold_us;
    pid_t longest_hold_tid;                 /* 0: not known */
    struct gs_figure held_avg[GS_AVERAGES]; /* as uptime's */
    struct gs_figure wait_avg[GS_AVERAGES]; /* mean waiters */
};

/* What the kernel counts of a thread. */
enum gs_counter {
    GS_TASK_CLOCK, /* nanoseconds on a processor */
    GS_PAGE_FAULTS,
    GS_MAJOR_FAULTS, /* of these, with I/O */
    GS_CONTEXT_SWITCHES,
    GS_PREEMPTIONS, /* of these, though it could have gone on */
    GS_MIGRATIONS,
    GS_CYCLES,
    GS_INSTRUCTIONS,
    GS_CACHE_MISSES,
    GS_COUNTERS
};

struct gs_gilstat_counts {
    uint64_t by_word[GS_UNKNOWN + 1][GS_COUNTERS]; /* by enum gs_gil_word; of GS_NONE there is nothing */
};

struct gs_gilstat_thread {
    pid_t tid;        /* 0: of many threads that ended, */
    uint32_t folded;  /* of which these figures are the sums, so many of them: shares may be more than 1; 0: of one */
    uint64_t ident;   /* threading's; 0: not known */
    const char *name; /* UTF-8, uncleaned */
    bool main;
    uint32_t gil;                        /* index into gils: the one that it had or wanted last */
    double has, waits, without, unknown; /* together 1; the time when the thread did not live yet or any more counts as
                                            without */
    double half_width;                   /* 95 % bound of the error of `has`, 0: exact */
    struct gs_figure on_cpu;
    struct gs_count acquisitions, wait_count, wait_us, longest_wait_us, longest_hold_us;
    struct gs_count hold_us[GS_PERCENTILES];
    struct gs_gilstat_counts counts;
};

/* What was done in holds that lasted long. */
struct gs_gilstat_hog {
    pid_t tid;
    const char *thread;    /* its name */
    struct gs_place place; /* the innermost Python frame that was seen in them; function "" : none was */
    const char *native;    /* the C function that had at least half of that time, or was called for it, NULL: none, */
    const char *module;    /* and the file that it is of */
    uint64_t held_us;      /* all together */
    uint64_t longest_us;
    uint64_t holds;
    uint32_t waiters; /* most at a time */
};

struct gs_gilstat_blame {
    pid_t waiter, holder; /* 0: one of many that ended; so it is in hogs */
    uint64_t us;
};

enum { GS_NATIVES_NAMED = 3 };

/* Threads of the process that run no Python. */
struct gs_gilstat_natives {
    bool known;
    size_t threads;
    double on_cpu; /* in processors: with those of the other threads what the process had */
    struct gs_gilstat_native {
        pid_t tid;
        char name[16]; /* as the kernel has it, uncleaned */
        double on_cpu;
    } busiest[GS_NATIVES_NAMED];
    size_t named;
};

enum { GS_PLACE_NAME = 256 };

/* Where Python code was seen, on its own. */
struct gs_gilstat_place {
    char function[GS_PLACE_NAME]; /* UTF-8, uncleaned; "": not seen */
    char file[GS_PLACE_NAME];
    int32_t line; /* 0: unknown */
};
void gs_gilstat_keep_place(struct gs_gilstat_place *to, const struct gs_place *from);
/* And back, as long as that holds. */
struct gs_place gs_gilstat_place_of(const struct gs_gilstat_place *from);

enum { GS_LOCK_NAME = 128, GS_LOCK_WAITERS = 64 };

/* A lock that was waited for, other than a GIL. */
struct gs_gilstat_lock {
    enum gs_lock_kind kind;
    char type[GS_LOCK_NAME], name[GS_LOCK_NAME]; /* of the object, and what the program calls it; "": not known */
    gs_addr address;                             /* of the object, or else of the lock's word */
    double mean_waiters, half_width;             /* 95 % bound of its error */
    uint32_t most_waiters;
    uint64_t wait_us, longest_wait_us;
    uint64_t waits;                  /* that were seen to end */
    pid_t holder;                    /* who had it in most looks, 0: not known, */
    struct gs_gilstat_place held_in; /* and what for */
    pid_t waiters[GS_LOCK_WAITERS];  /* who waited */
    size_t waiter_count, waiters_left_out;
};

/* An event loop. Callbacks are steps of tasks in trio, and not known of loops of greenlets. */
struct gs_gilstat_loop {
    const char *kind;
    pid_t tid;
    double busy; /* share of the time that it did not wait for something to do */
    struct gs_figure callbacks_per_second;
    struct gs_figure ready;          /* callbacks that waited for their turn, on average */
    struct gs_count longest_us;      /* of one callback, at least, */
    struct gs_gilstat_place longest; /* and where that was seen */
    uint32_t tasks;                  /* that it has, of late */
};

/* Who paused the others, or itself, and from where. */
struct gs_gilstat_cause {
    pid_t tid;    /* 0: not known, or of many */
    char why[64]; /* of a stopped world: "gc", or the C function that asked for it; "": not known */
    struct gs_gilstat_place place;
    struct gs_count generation; /* of the longest collection */
    uint64_t us;
};

/* Collections of garbage, or stopped worlds. */
struct gs_gilstat_pauses {
    bool known;
    double share; /* of the watched time */
    struct gs_count count;
    uint64_t us, longest_us;
    struct gs_gilstat_cause longest, *causes; /* causes: by us, most first */
    size_t cause_count;
};

/* A thread that others waited for when the world was to stop. */
struct gs_gilstat_late {
    pid_t tid;
    uint64_t us;
};

struct gs_gilstat {
    pid_t pid;
    const char *python; /* version */
    enum gs_method method;
    const char *why;             /* it is not exact though that was asked for; NULL */
    double seconds;              /* watched */
    double exact_seconds;        /* of these, exactly */
    double rate_hz;              /* of the samples; 0: none were taken */
    uint64_t long_us;            /* from which length on a hold is listed */
    struct gs_gilstat_gil *gils; /* the main interpreter's first */
    size_t gil_count;
    struct gs_gilstat_thread *threads; /* main thread first, then by tid; at the end the sums of those that ended */
    size_t thread_count;
    struct gs_gilstat_natives natives;
    size_t threads_left_out;     /* there were too many */
    bool gils_left_out;          /* there were more than GS_GILS_MOST */
    size_t threads_known;        /* before some of them were chosen; 0: all are shown */
    struct gs_gilstat_hog *hogs; /* by held_us, most first */
    size_t hog_count;
    struct gs_gilstat_blame *blame; /* by us, most first */
    size_t blame_count;
    struct gs_gilstat_loop *loops;
    size_t loop_count;
    bool locks_known;
    struct gs_gilstat_lock *locks; /* by wait_us, most first */
    size_t lock_count;
    struct gs_gilstat_pauses gc, worlds;
    uint64_t collections[GS_GENERATIONS]; /* of gc, */
    bool by_generation;                   /* where these are known */
    struct gs_gilstat_late *late;         /* by tid */
    size_t late_count;
    struct gs_count events, events_lost, violations; /* of exact ones */
    bool lost_at_least;                              /* more may be lost than events_lost says */
    bool counting;                                   /* counters were asked for, */
    uint32_t counted;                                /* and these could be had: bits by enum gs_counter */
    struct gs_gilstat_counts counts;                 /* of all threads */
    struct gs_quality quality;
    struct gs_figure overhead; /* share of one processor that gilspy took, and, with exact events, their cost too */
};

/* Frees the lists; strings belong to the gs_account that it was made of. */
void gs_gilstat_fini(struct gs_gilstat *stat);
/* How many threads its rows are of. */
size_t gs_gilstat_threads(const struct gs_gilstat *stat);
/* The first of its threads that has this tid, or NULL. */
const struct gs_gilstat_thread *gs_gilstat_find(const struct gs_gilstat *stat, pid_t tid);
/* Keeps only threads whose name or tid one of the patterns fits, when there are any, and what is said of those; the
 * figures of the GIL stay those of all. */
void gs_gilstat_choose(struct gs_gilstat *stat, const char *const *patterns, size_t count);

#endif
