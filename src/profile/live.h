/* Samples summed up for a screen that stays open: what threads do, functions, holds, blame, the last minutes. Memory
 * has a bound whatever comes and goes: 16 MB, and 2 KB for each thread that there is, of which 8192 are looked at. */
#ifndef GS_PROFILE_LIVE_H
#define GS_PROFILE_LIVE_H

#include "profile/picture.h"

struct gs_live;

/* recent: shares are of late, each 10 s older counts half; otherwise, of all time. Only threads of the selection are
 * listed and counted (its patterns must outlive the model); its mode is nothing to the model, which knows all of them.
 * GILs are those of the whole process. NULL: out of memory. */
struct gs_live *gs_live_new(bool recent, const struct gs_selection *selection);
void gs_live_free(struct gs_live *live);

/* Whether a thread without a thread state is there still: it may come back into Python. NULL: it has ended. */
struct gs_live_alive {
    void *context;
    bool (*ask)(void *context, pid_t pid, pid_t tid);
};
void gs_live_ask(struct gs_live *live, const struct gs_live_alive *alive);

/* Takes samples; belongs to live. */
struct gs_sink *gs_live_sink(struct gs_live *live);
/* The rate at which samples are to come, for the picture. */
void gs_live_rate(struct gs_live *live, double rate_hz);
/* What the readers say of their samples, all in all. */
void gs_live_quality(struct gs_live *live, const struct gs_quality *quality);
/* The process has ended: it goes, unless it is the last one. */
void gs_live_ended(struct gs_live *live, pid_t pid);
/* All counts and times begin anew. */
void gs_live_reset(struct gs_live *live);

/* The GILs of a process at that moment (CLOCK_MONOTONIC), looked at between samples. */
void gs_live_look(struct gs_live *live, pid_t pid, const struct gs_gil *gils, size_t count, uint64_t time_ns);
/* When they were last looked at, by a sample or in between, and a number that is another one when what was seen then
 * is. */
uint64_t gs_live_looked_ns(const struct gs_live *live, uint64_t *seen);

/* Processor time of a process so far, and since when there is such a process. */
void gs_live_process_cpu(struct gs_live *live, pid_t pid, uint64_t now_ns, uint64_t cpu_ns, uint64_t uptime_us);
/* The i-th thread, if its processor time is worth asking for: it ran since that was done, or has not been asked lately.
 * False: it is not; *more: whether there are that many. */
bool gs_live_cpu_wanted(const struct gs_live *live, size_t i, uint64_t now_ns, pid_t *pid, pid_t *tid, bool *more);
void gs_live_thread_cpu(struct gs_live *live, size_t i, uint64_t now_ns, uint64_t cpu_ns);

/* What a look at the tasks of event loops found, folded. */
struct gs_live_task {
    pid_t pid;
    struct gs_picture_task row; /* but for the process */
};
struct gs_live_tasks {
    struct gs_live_task *list;
    size_t count, left_out; /* left_out: tasks that are in none of these rows */
    uint64_t read_ns;       /* when it was */
};
/* They are used until the next call; NULL: nobody has looked. */
void gs_live_tasks(struct gs_live *live, const struct gs_live_tasks *tasks);

struct gs_arena; /* memory of a picture */
struct gs_arena *gs_arena_new(void);
void gs_arena_free(struct gs_arena *arena);

/* A picture of now, with what `show` (GS_SHOW_) asks for; it belongs to the arena, until that is used again, and does
 * not depend on live. thread: the number of the one whose stack is wanted. NULL: out of memory. */
const struct gs_picture *gs_live_picture(struct gs_live *live, struct gs_arena *arena, unsigned show, uint32_t thread,
                                         uint64_t now_ns);

#endif
