/* The native threads of a process that is sampled, and which of its thread states are whose: a part of sample_feed.h.
 * Times are nanoseconds. */
#ifndef GS_GIL_FEED_THREADS_H
#define GS_GIL_FEED_THREADS_H

#include "gil/account.h"
#include "gilspy/sample.h"

#define GS_FEED_NO_ROW UINT32_MAX

struct gs_feed_thread {
    pid_t tid;
    uint64_t ident;
    uint64_t serial; /* from 1 on: what holds know it by */
    uint32_t row;    /* in the account; GS_FEED_NO_ROW: not there */
    char *name;
    bool main;
    bool any;             /* it was in a sample before */
    bool ended;           /* it is in the samples no more, and will not be */
    uint8_t word, before; /* enum gs_gil_word: now, and in the sample before (if any) */
    uint32_t gil;
    uint64_t sample;   /* number of the last one that had it, */
    uint64_t seen_ns;  /* and when that was */
    uint64_t waits_ns; /* waits since; 0: does not */
    bool ran_known;
    uint64_t ran_begin_ns, ran_ns;   /* on a processor: when the span began, and as last read, */
    uint64_t ran_from_ns, ran_at_ns; /* and when these were read */
};

/* One thread state: its number in the samples, and whose it is. */
struct gs_feed_state {
    uint32_t number;
    struct gs_feed_thread *thread;
    uint64_t sample; /* as in gs_feed_thread */
};

struct gs_feed_threads {        /* zeroed but for the first line: there are none */
    struct gs_account *account; /* not owned */
    pid_t pid;
    bool (*ran)(pid_t pid, pid_t tid, uint64_t *ran_ns); /* as in gs_sample_feed_options */
    bool over;                                           /* the process is no more what it was */
    struct gs_feed_thread **list;
    size_t count, room;
    struct gs_ids by_tid;         /* indexes of them */
    struct gs_feed_state *states; /* by number */
    size_t state_count, state_room;
    struct gs_feed_thread **at; /* of the threads of this sample; NULL: not known */
    size_t at_room;
    uint64_t serials, samples; /* samples: since the beginning, this one with them */
    uint64_t last_ns;          /* of the last sample */
    bool same;                 /* this sample has all states that are known, and no thread has ended */
    bool left_out;             /* there were threads of GILs that are not told apart */
};

void gs_feed_threads_fini(struct gs_feed_threads *threads);
/* A new thread state, or another name of one. GS_NO_MEMORY. */
enum gs_status gs_feed_threads_add(struct gs_feed_threads *threads, uint32_t number,
                                   const struct gs_sampled_thread *thread) GS_MUST_CHECK;
/* Whose state this is; NULL: not known. */
struct gs_feed_thread *gs_feed_threads_of(const struct gs_feed_threads *threads, uint32_t number);
/* Sets what each thread does in the sample. GS_NO_MEMORY. */
enum gs_status gs_feed_threads_take(struct gs_feed_threads *threads, const struct gs_sample *sample) GS_MUST_CHECK;
/* The sample came so late that what was before it is not known. */
void gs_feed_threads_break_off(struct gs_feed_threads *threads);
/* Forgets states that this sample has no more, and threads that have ended; left is called for each of these. */
void gs_feed_threads_drop(struct gs_feed_threads *threads, uint64_t gap_ns,
                          void (*left)(void *context, const struct gs_feed_thread *thread), void *context);
/* Reads how long each has been on a processor. */
void gs_feed_threads_ask(struct gs_feed_threads *threads, uint64_t now_ns);
/* The span ends with the last sample: what is known only now goes into the account; another one begins. */
void gs_feed_threads_cut(struct gs_feed_threads *threads);
void gs_feed_threads_next(struct gs_feed_threads *threads);

#endif
