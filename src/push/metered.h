/* What is counted of one process, between metrics.c, which counts, and page.c, which writes. */
#ifndef GS_PUSH_METERED_H
#define GS_PUSH_METERED_H

#include <pthread.h>
#include <stdio.h>

#include "gil/gil_track.h"
#include "gil/loops.h"
#include "push/metrics.h"
#include "push/names.h"

struct gs_metered_group {
    char name[GS_PUSH_TEXT];
    uint64_t wait_ns;
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
    uint64_t longest_ns[2], longest_since_ns; /* of the holds of this minute, and of the one before */
    struct gs_loops loops;                    /* of this minute, */
    uint64_t callback_ns;                     /* the longest callback of the one before, */
    uint64_t busy_ns;                         /* and the time that all loops were busy before this one; */
    uint64_t loops_since_ns;                  /* 0: it has no loops */
    uint64_t sampled_ns;                      /* the last sample */
    uint64_t tasks;
    struct gs_metered_group *groups; /* of threads, GS_PUSH_GROUPS at most */
    size_t group_count, group_room;
};

struct gs_metrics {
    struct gs_sink sink;
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
/* The lock is held. */
void gs_metrics_write(const struct gs_metrics *metrics, bool open_metrics, FILE *out);

#endif
