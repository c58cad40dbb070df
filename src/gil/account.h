/* Summing up who had the GIL, who waited and for how long, thread by thread: what samples (sample_feed.h) and exact
 * events are both counted into, and what a gs_gilstat is made of. Times are nanoseconds.
 *
 * A feeder of exact events: on each event, gs_account_spend for each thread what it did since its last event; at a drop
 * gs_account_hold; at a take after a wait gs_account_wait; gs_account_gil for the time since the last event of that
 * GIL; gs_account_blame while somebody held and others waited. */
#ifndef GS_GIL_ACCOUNT_H
#define GS_GIL_ACCOUNT_H

#include "base/ids.h"
#include "gil/bounds.h"
#include "gil/gil_sum.h"
#include "gil/spread.h"

enum {
    GS_ACCOUNT_THREADS = 1 << 14, /* more are left out, and counted */
    GS_ACCOUNT_ENDED = 512,       /* when so many have ended, they become one row, */
    GS_ACCOUNT_ENDED_KEPT = 64,   /* but for these */
    GS_ACCOUNT_BLAME = 1 << 16,   /* pairs */
    GS_ACCOUNT_HOGS = 1 << 12,
    GS_ACCOUNT_NATIVES = 8 /* C functions that are told apart in a place */
};

struct gs_account_thread {
    pid_t tid;
    uint64_t ident; /* as in gs_gilstat_thread */
    char *name;
    bool main;
    bool ended, folding, vacant; /* folding: it is about to become part of the row of those that ended */
    uint32_t folded;             /* threads that it stands for, 0: itself */
    uint32_t gil;
    uint64_t word_ns[GS_UNKNOWN + 1]; /* by enum gs_gil_word */
    uint64_t takes, waits;
    uint64_t longest_wait_ns, longest_hold_ns;
    struct gs_spread *holds; /* NULL: there were none */
    double half_width;       /* both are for the feeder to set before gs_account_finish, */
    struct gs_figure on_cpu;
    struct gs_bounds_thread bounds; /* out of what it may keep here: how sure it is, and time on a processor */
    struct gs_count ran_ns;
    uint64_t unread_ns; /* that it lived on after ran_ns was read last */
    bool to_the_end;    /* of the span, or of its process: it did not end by itself */
};

struct gs_account_gil {
    int64_t interpreter;
    enum gs_gil_state state;
    struct gs_gil_sum sum; /* its averages are since the beginning, not only of the span */
    struct gs_count switches;
    uint64_t longest_hold_ns;
    pid_t longest_hold_tid;
};

/* What the threads' and the GIL's figures are worth: which are not known although they were counted. */
struct gs_account_knows {
    bool takes, waits, holds, longest;
};

struct gs_account_pair {
    uint32_t waiter, holder; /* numbers of threads */
    uint64_t ns;             /* 0: an empty slot */
};

/* The first C functions that were met in one place. */
struct gs_account_natives {
    struct {
        uint32_t place; /* 0: none of C */
        uint64_t ns;
    } list[GS_ACCOUNT_NATIVES];
    uint32_t count;
};

/* What was done in long holds of a thread in one place. */
struct gs_account_hog {
    uint32_t thread, place;                    /* place 0: not known */
    struct gs_account_natives natives, called; /* as of struct gs_hold_call */
    uint64_t ns, longest_ns, holds;
    uint64_t last_hold; /* its number */
    uint32_t waiters;
};

struct gs_account {
    struct gs_account_thread *threads;
    size_t thread_count, thread_room, left_out;
    struct gs_ids by_tid;              /* numbers of those that are there */
    uint32_t vacant[GS_ACCOUNT_ENDED]; /* threads whose slots are free */
    size_t vacant_count, ended_count;  /* ended_count: those that have rows of their own */
    uint32_t folded;                   /* the row of all the others that have ended, UINT32_MAX: there is none */
    struct gs_account_gil gils[GS_GILS_MOST];
    size_t gil_count;
    struct gs_account_pair *pairs; /* open addressing */
    size_t pair_count, pair_slots;
    struct gs_account_hog *hogs;
    size_t hog_count, hog_room;
    struct gs_stacks *places; /* of the hogs */
};

/* NULL: out of memory. */
struct gs_account *gs_account_new(void);
void gs_account_free(struct gs_account *sum);
/* Begins a new span: forgets all but the averages. Numbers of threads begin anew. */
void gs_account_clear(struct gs_account *sum);

/* The number of a native thread in this span, from 0 on: a new one, or that which has this tid already (0: not known,
 * which is a new one each time). UINT32_MAX: there are too many, or no memory is left. The name is copied. */
uint32_t gs_account_add(struct gs_account *sum, pid_t tid, uint64_t ident, const char *name, bool main);
/* That of a native thread that is there; UINT32_MAX: it is not. */
uint32_t gs_account_find(const struct gs_account *sum, pid_t tid);
struct gs_account_thread *gs_account_at(struct gs_account *sum, uint32_t thread);
size_t gs_account_count(const struct gs_account *sum);
/* The number that the next new one will have. */
uint32_t gs_account_next(const struct gs_account *sum);
/* It has ended, as far as is known: its number may become another's, unless gs_account_add asks for it again. */
void gs_account_ended(struct gs_account *sum, uint32_t thread);
/* It bears another name now. */
void gs_account_rename(struct gs_account *sum, uint32_t thread, const char *name);
/* The GIL of this number, from 0 (the main interpreter's) on; NULL when there are too many. */
struct gs_account_gil *gs_account_gil_at(struct gs_account *sum, uint32_t gil);

/* The thread did this for so long. */
static inline void gs_account_spend(struct gs_account_thread *thread, enum gs_gil_word word, uint64_t ns)
{
    thread->word_ns[word] += ns;
}
/* A hold of the GIL, or a wait for it, that lasted so long; counted `times`. */
void gs_account_hold(struct gs_account *sum, uint32_t thread, uint64_t ns, uint64_t times);
void gs_account_wait(struct gs_account *sum, uint32_t thread, uint64_t ns);
/* For so long the GIL was held or not, and so many waited for it. */
void gs_account_gil(struct gs_account *sum, uint32_t gil, bool held, uint32_t waiters, uint64_t ns);
void gs_account_blame(struct gs_account *sum, uint32_t waiter, uint32_t holder, uint64_t ns);
/* Part of a long hold was spent in a place. */
struct gs_account_part {
    const struct gs_place *place;           /* of Python, copied; NULL: not known */
    const struct gs_place *native, *called; /* as of struct gs_hold_call, copied */
    uint64_t ns;
    uint64_t hold;     /* a number of that hold, from 1 on, */
    uint64_t whole_ns; /* and how long it lasts by now */
    uint32_t waiters;  /* for it at once */
};
void gs_account_hog(struct gs_account *sum, uint32_t thread, const struct gs_account_part *part);

/* Makes the lists of *stat for a span of span_ns, which belong to the caller, and refer to strings of sum, until it is
 * cleared. What stat has beside them is the caller's to fill in. GS_NO_MEMORY. */
enum gs_status gs_account_finish(struct gs_account *sum, uint64_t span_ns, const struct gs_account_knows *knows,
                                 struct gs_gilstat *stat) GS_MUST_CHECK;

#endif
