/* What is counted of one process, between metrics.c, which counts, and page.c, which writes. */
#ifndef GS_PUSH_METERED_H
#define GS_PUSH_METERED_H

#include <pthread.h>
#include <stdio.h>

#include "gil/gil_track.h"
#include "gil/loops.h"
#include "gil/pauses.h"
#include "push/metrics.h"
#include "push/names.h"

struct gs_metered_group {
    char name[GS_PUSH_TEXT];
    uint64_t wait_ns;
    uint64_t held_ns, delay_ns; /* delay: that threads waited while one of these had the GIL, */
    uint64_t runnable_ns;       /* as in mode cpu, */
    uint64_t lock_wait_ns;      /* and for another lock */
};

/* Collections, or stopped worlds: those before this minute and its own, */
struct gs_metered_pauses {
    uint64_t count, ns;
    uint64_t longest_ns; /* but of the minute before alone */
};

struct gs_metered_process {
    uint32_t number; /* of the samples */
    pid_t pid;
    uint64_t start_ticks;
    char service[GS_PUSH_TEXT];
    uint64_t gone_ns; /* since when it is sampled no more; 0: it is */
    size_t threads;
    uint32_t waiters;
    bool has_gil; /* of the main interpreter: */
    struct gs_gil_track track;
    struct gs_gil_sum sum;
    uint64_t minute_ns;     /* when this minute began, 0: not yet */
    uint64_t longest_ns[2]; /* of the holds of this minute, and of the one before */
    bool has_loops;
    struct gs_loops loops; /* of this minute, */
    uint64_t callback_ns;  /* the longest callback of the one before, */
    uint64_t busy_ns;      /* and the time that all loops were busy before this one */
    uint64_t tasks;
    struct gs_pauses pauses; /* of this minute; where more figures are wanted */
    struct gs_metered_pauses gc, worlds;
    bool locks_known;
    uint64_t sampled_ns;             /* the last sample */
    struct gs_metered_group *groups; /* of threads, GS_PUSH_GROUPS at most */
    size_t group_count, group_room;
};

struct gs_metrics {
    struct gs_sink sink;
    bool more; /* what gs_metrics_new says */
    struct gs_hold_rule rule;
    /* The group of each thread: sorted by its number. */
    struct gs_metered_thread {
        uint32_t number, process, group;
    } * threads;
    size_t thread_count, thread_room;
    pthread_mutex_t lock;                  /* of what follows */
    struct gs_metered_process **processes; /* by number */
    size_t count, room, left_out;
    struct gs_metrics_own own;
};

/* Time that all loops were busy; the longest callback of this minute, and of the one `before`. */
uint64_t gs_metered_busy_ns(const struct gs_metered_process *process);
uint64_t gs_metered_callback_ns(const struct gs_metered_process *process, bool before);
/* With those of the minute that goes on. */
struct gs_metered_pauses gs_metered_gc(const struct gs_metered_process *process);
struct gs_metered_pauses gs_metered_worlds(const struct gs_metered_process *process);
/* The lock is held. */
void gs_metrics_write(const struct gs_metrics *metrics, bool open_metrics, FILE *out);

#endif
