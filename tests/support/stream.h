/* A stream of samples made by hand: what a sampler or a recording would give to a sink. */
#ifndef TESTS_STREAM_H
#define TESTS_STREAM_H

#include "gilspy/sample.h"

enum { STREAM_THREADS = 512, STREAM_TASKS = 8, STREAM_GILS = 2 /* whose hand-overs are counted */ };

struct stream {
    struct gs_sink *sink;
    struct gs_stacks *stacks;
    uint32_t process, process_count, thread_count;
    uint64_t start_ticks;                            /* of the next process */
    struct gs_thread_sample threads[STREAM_THREADS]; /* of the next sample */
    size_t count;
    struct gs_task_sample tasks[STREAM_TASKS]; /* of the next sample */
    size_t task_count;
    bool counted; /* its GILs count hand-overs: */
    uint64_t switches[STREAM_GILS];
    uint64_t time_ns, samples, thread_samples;
    struct gs_quality quality;
};

/* Begins a run at 100 Hz. */
void stream_begin(struct stream *stream, struct gs_sink *sink);
/* Samples are of this process from now on; command: NULL-terminated. */
void stream_process(struct stream *stream, int pid, char *const *command);
/* The number of a new thread of that process. */
uint32_t stream_thread(struct stream *stream, int tid, const char *name);
/* The stack in which `caller` (0: nobody) calls this. */
uint32_t stream_call(struct stream *stream, uint32_t caller, const char *qualname, const char *file, int line);
/* The stack of a task alone. */
uint32_t stream_task(struct stream *stream, const char *name);
uint32_t stream_gap(struct stream *stream, enum gs_gap gap);
/* Adds a thread to the next sample. */
struct gs_thread_sample *stream_add(struct stream *stream, uint32_t thread, uint32_t stack, enum gs_gil_word gil,
                                    enum gs_run run);
/* Adds a task that is suspended, of the loop that its thread number `thread_at` runs. */
void stream_suspend(struct stream *stream, uint32_t thread_at, uint32_t stack);
/* Hands on the sample, which keeps its threads and tasks for the next one. */
enum gs_status stream_tick(struct stream *stream, uint64_t weight_ns, uint64_t gap_ns);
/* The next sample has no thread and no task yet. */
void stream_clear(struct stream *stream);
/* The source gives its numbers anew: stacks are to be made again. */
void stream_forget(struct stream *stream);
/* Ends the run, and forgets the stacks. */
enum gs_status stream_end(struct stream *stream);

#endif
