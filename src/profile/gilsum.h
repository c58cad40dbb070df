/* Summing up who had the GIL, who waited and for how long, thread by thread: what samples (gilpolls.h) and exact events
 * are both counted into, and what a gs_gilstat is made of. Times are nanoseconds.
 *
 * A feeder of exact events: on each event, gs_gilsum_spend for each thread what it did since its last event; at a drop
 * gs_gilsum_hold; at a take after a wait gs_gilsum_wait; gs_gilsum_gil for the time since the last event of that GIL;
 * gs_gilsum_blame while somebody held and others waited. */
#ifndef GS_PROFILE_GILSUM_H
#define GS_PROFILE_GILSUM_H

#include "profile/gilstat.h"
#include "profile/spread.h"

enum {
    GS_GILSUM_THREADS = 1 << 14, /* more are left out, and counted */
    GS_GILSUM_ENDED = 512,       /* when so many have ended, they become one row, */
    GS_GILSUM_ENDED_KEPT = 64,   /* but for these */
    GS_GILSUM_BLAME = 1 << 16,   /* pairs */
    GS_GILSUM_HOGS = 1 << 12,
    GS_GILSUM_GILS = 64,
    GS_GILSUM_PROCESSORS = 16 /* by which shares are told apart; those beyond them go to these, too */
};

struct gs_gilsum_thread {
    pid_t tid;
    char *name;
    bool main;
    bool ended, folding, vacant; /* folding: it is about to become part of the row of those that ended */
    uint32_t folded;             /* threads that it stands for, 0: itself */
    uint32_t gil;
    uint64_t word_ns[GS_UNKNOWN + 1]; /* by enum gs_gil_word */
    uint64_t takes, waits;
    uint64_t longest_wait_ns, longest_hold_ns;
    struct gs_spread *holds; /* NULL: there were none */
    double half_width;       /* both are for the feeder to set before gs_gilsum_finish, */
    struct gs_figure on_cpu;
    double error_ns2; /* out of what it may keep here: the variance of word_ns[GS_HOLDS], and time on a processor */
    struct gs_count ran_ns;
    uint64_t unread_ns;                         /* that it lived on after ran_ns was read last */
    bool to_the_end;                            /* of the span, or of its process: it did not end by itself */
    uint64_t has_from_ns[GS_GILSUM_PROCESSORS]; /* of word_ns[GS_HOLDS]: what was seen from each processor */
};

struct gs_gilsum_gil {
    int64_t interpreter;
    enum gs_gil_state state;
    uint64_t watched_ns, held_ns, contended_ns, waiters_ns; /* waiters_ns: summed up over the waiters */
    struct gs_count switches;
    uint64_t longest_hold_ns;
    pid_t longest_hold_tid;
    struct gs_average {
        double value[GS_AVERAGES], weight[GS_AVERAGES]; /* since the beginning, not only of the span */
    } held_avg, wait_avg;
    uint64_t averaged_ns;
};

/* What the threads' and the GIL's figures are worth: which are not known although they were counted. */
struct gs_gilsum_knows {
    bool takes, waits, holds, longest;
};

struct gs_gilsum;

/* NULL: out of memory. */
struct gs_gilsum *gs_gilsum_new(void);
void gs_gilsum_free(struct gs_gilsum *sum);
/* Begins a new span: forgets all but the averages. Numbers of threads begin anew. */
void gs_gilsum_clear(struct gs_gilsum *sum);

/* The number of a new thread of this span, from 0 on; UINT32_MAX: there are too many, or no memory is left. The name is
 * copied. */
uint32_t gs_gilsum_add(struct gs_gilsum *sum, pid_t tid, const char *name, bool main);
struct gs_gilsum_thread *gs_gilsum_at(struct gs_gilsum *sum, uint32_t thread);
size_t gs_gilsum_count(const struct gs_gilsum *sum);
/* It has ended, and nothing more is told of it: its number may become another's. */
void gs_gilsum_ended(struct gs_gilsum *sum, uint32_t thread);
/* It bears another name now. */
void gs_gilsum_rename(struct gs_gilsum *sum, uint32_t thread, const char *name);
/* The GIL of this number, from 0 (the main interpreter's) on; NULL when there are too many. */
struct gs_gilsum_gil *gs_gilsum_gil_at(struct gs_gilsum *sum, uint32_t gil);

/* The thread did this for so long. */
static inline void gs_gilsum_spend(struct gs_gilsum_thread *thread, enum gs_gil_word word, uint64_t ns)
{
    thread->word_ns[word] += ns;
}
/* A hold of the GIL, or a wait for it, that lasted so long; counted `times`. */
void gs_gilsum_hold(struct gs_gilsum *sum, uint32_t thread, uint64_t ns, uint64_t times);
void gs_gilsum_wait(struct gs_gilsum *sum, uint32_t thread, uint64_t ns);
/* For so long the GIL was held or not, and so many waited for it. */
void gs_gilsum_gil(struct gs_gilsum *sum, uint32_t gil, bool held, uint32_t waiters, uint64_t ns);
void gs_gilsum_blame(struct gs_gilsum *sum, uint32_t waiter, uint32_t holder, uint64_t ns);
/* Part of a long hold was spent in a place. */
struct gs_gilsum_part {
    const struct gs_place *place;  /* of Python, copied; NULL: not known */
    const struct gs_place *native; /* the C function that was called there, copied; NULL: none, or not known */
    uint64_t ns;
    uint64_t hold;     /* a number of that hold, from 1 on, */
    uint64_t whole_ns; /* and how long it lasts by now */
    uint32_t waiters;  /* for it at once */
};
void gs_gilsum_hog(struct gs_gilsum *sum, uint32_t thread, const struct gs_gilsum_part *part);

/* Makes the lists of *stat for a span of span_ns, which belong to the caller, and refer to strings of sum, until it is
 * cleared. What stat has beside them is the caller's to fill in. GS_NO_MEMORY. */
enum gs_status gs_gilsum_finish(struct gs_gilsum *sum, uint64_t span_ns, const struct gs_gilsum_knows *knows,
                                struct gs_gilstat *stat) GS_MUST_CHECK;

#endif
