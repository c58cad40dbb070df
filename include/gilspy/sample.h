/* What a sampler and a recording give, and what each format takes: samples, one after the other. */
#ifndef GILSPY_SAMPLE_H
#define GILSPY_SAMPLE_H

#include "gilspy/snapshot.h"
#include "gilspy/stack.h"

/* A process that is sampled. Numbers of processes and threads are dense, from 0 on, in the order in which they were
 * first seen, and are never used again. */
struct gs_sampled_process {
    pid_t pid, ns_pid;
    char *const *command; /* NULL-terminated */
    const char *python, *build, *exe;
    uint64_t start_ticks;         /* when it started: clock ticks since boot; 0: not known */
    const char *service, *cgroup; /* as of struct gs_target */
    bool exceptions;              /* it is known which of its threads handle one */
};

struct gs_sampled_thread {
    uint32_t process;
    pid_t tid, ns_tid;
    uint64_t ident;
    const char *name; /* UTF-8, uncleaned */
    bool main;
};

/* What one thread does in one sample. */
struct gs_thread_sample {
    uint32_t thread;
    uint32_t stack;    /* of the sample's stacks; 0: it runs no Python */
    uint32_t owner_at; /* at_lock: which of the sample's threads has that, from 1 on; 0: not known */
    uint8_t gil;       /* enum gs_gil_word */
    uint8_t evidence;  /* enum gs_evidence */
    uint8_t run;       /* enum gs_run */
    bool torn;         /* the stack could not be read whole: it ends in a gap */
    uint8_t lock;      /* which of the sample's GILs, in the order of the process's interpreters; GS_GIL_LEFT_OUT */
    bool at_lock;      /* it waits for a lock that is no GIL; where that is asked for */
    bool handles;      /* an exception, or was called by who does: of processes that tell */
    bool late;         /* another one waits for it to stop: of samples that are just taken */
};

#define GS_NO_THREAD UINT32_MAX

/* One GIL in one sample. */
struct gs_sampled_gil {
    int64_t interpreter; /* id of the first one that has it */
    uint64_t switches;   /* how often it went to another thread, if `counted` */
    uint32_t holder_at;  /* of the sample's threads; GS_NO_THREAD: nobody has it, or nobody knows who (state held) */
    uint32_t last;       /* number of the thread that took it last, which may have ended; GS_NO_THREAD: not known */
    uint32_t waiters;    /* of the sample's threads */
    uint8_t state;       /* enum gs_gil_state */
    bool counted;
};

/* A task of an event loop that is suspended. */
struct gs_task_sample {
    uint32_t thread_at; /* of the sample's threads: the one that runs its loop */
    uint32_t stack;
};

/* An event loop at that moment. */
struct gs_loop_sample {
    const char *kind;   /* "asyncio", "trio", "gevent", "eventlet" */
    uint32_t thread_at; /* of the sample's threads: the one that runs it */
    uint64_t loop;      /* an address: what tells it from others */
    bool polls;         /* it asks the kernel for what comes next: none of its callbacks runs */
    bool counted;       /* callback and ready are known */
    uint64_t callback;  /* another number whenever it takes a callback from its queue: so many more */
    uint64_t clock_ms;  /* of uvloop, which calls some besides: it stands still as long as one runs; else 0 */
    uint64_t ready;     /* callbacks in the queue */
    uint32_t tasks;     /* that it has, of late */
};

/* A thread that waits for a lock other than the GIL, or to be notified: sleeping looks the same in both. */
struct gs_lock_sample {
    uint32_t thread_at; /* of the sample's threads */
    gs_addr word;       /* one lock, one word */
    gs_addr object;     /* as in struct gs_lock_wait: no notice, before any look */
    uint64_t since_ns;  /* CLOCK_MONOTONIC: when it asked for that; 0: not known */
    uint64_t number;    /* another one for each wait */
    bool is_lock;       /* a look has told that it is one, and no notice, */
    uint32_t
        owner_at; /* and which of the sample's threads has it, from 1 on; 0: not known. Where samples have stacks */
};

/* What was found out of such a wait by looking at the stacks. Strings hold until the sample's end. */
struct gs_lock_look {
    uint64_t number; /* of the wait */
    gs_addr word, object;
    enum gs_lock_kind kind;
    const char *type, *name; /* of the object, and what the program calls it; "": not known */
    pid_t holder;            /* 0: not known */
    struct gs_place held_in; /* where it does what it has the lock for; function "": not known */
};

/* Looks at the locks that threads of a snapshot with stacks wait for. */
struct gs_lock_looks {
    struct gs_lock_look *list;
    size_t count;
};

/* One moment of one process. */
struct gs_sample {
    uint32_t process;
    uint64_t time_ns;   /* CLOCK_MONOTONIC */
    uint64_t weight_ns; /* since the sample before of this process, but at most 10 slots, */
    uint64_t gap_ns;    /* the rest: nobody knows what was done then, because the sampler was late */
    uint32_t processor; /* from 1 on: it was looked from this one on purpose; 0: from wherever the kernel let us */
    const struct gs_thread_sample *threads;
    size_t thread_count;
    const struct gs_sampled_gil *gils;
    size_t gil_count;
    const struct gs_interpreter *interpreters; /* of samples that are just taken */
    size_t interpreter_count;
    uint64_t tasks_ns; /* since tasks were looked at before, without gaps; 0: they were not in this sample */
    const struct gs_task_sample *tasks;
    size_t task_count;
    const struct gs_loop_sample *loops; /* of samples without stacks, if tasks are wanted */
    size_t loop_count;
    bool locks_known; /* it was asked for which locks threads sleep */
    const struct gs_lock_sample *locks;
    size_t lock_count;
    struct gs_lock_looks looks;     /* at some of them */
    const struct gs_stacks *stacks; /* the same in all samples of a source */
};

/* Sets holders and waiters as the threads have them. */
void gs_sampled_gils_count(struct gs_sampled_gil *gils, size_t count, const struct gs_thread_sample *threads,
                           size_t thread_count);
/* What can be told of the GILs by the threads alone, where no more was recorded: their states too, and neither counts
 * nor who was last. Returns how many there are; room for GS_GILS_MOST. */
size_t gs_sampled_gils_infer(struct gs_sampled_gil *gils, const struct gs_thread_sample *threads, size_t thread_count);
/* Who has this GIL; NULL: nobody, or not known. */
static inline const struct gs_thread_sample *gs_sample_holder(const struct gs_sample *sample, size_t gil)
{
    uint32_t at = gil < sample->gil_count ? sample->gils[gil].holder_at : GS_NO_THREAD;
    return at < sample->thread_count ? &sample->threads[at] : NULL;
}

/* Who makes a thread wait that waits for a GIL or for a lock; NULL: not known. */
const struct gs_thread_sample *gs_sample_blocker(const struct gs_sample *sample, const struct gs_thread_sample *waiter);

/* About the whole run. */
struct gs_run_info {
    uint64_t begin_ns;   /* CLOCK_MONOTONIC at which the first slot began */
    int64_t realtime_ns; /* CLOCK_REALTIME at that moment */
    double rate_hz;      /* infinite: max */
    const char *gilspy;  /* version that took the samples */
    const char *host;
};

struct gs_run_end {
    uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC */
    uint64_t samples, thread_samples;
    struct gs_quality quality;
    bool complete; /* false: the recording ends before the run did, or has no end yet */
};

/* Takes samples: what a format, or whatever else wants them, implements. All but end may be NULL; any status but GS_OK
 * stops the source, which returns it. What the arguments point to holds until the call returns, strings and `stacks`
 * until end; what is in `stacks` (numbers, places, their strings) holds until `forget`. */
struct gs_sink {
    enum gs_status (*begin)(struct gs_sink *sink, const struct gs_run_info *run);
    enum gs_status (*process)(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process);
    /* A new native thread, or a known one that has another name now, or has a thread state again. */
    enum gs_status (*thread)(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread);
    enum gs_status (*sample)(struct gs_sink *sink, const struct gs_sample *sample);
    /* Numbers of places and stacks begin anew when it returns: the last chance to look them up. */
    enum gs_status (*forget)(struct gs_sink *sink);
    enum gs_status (*end)(struct gs_sink *sink, const struct gs_run_end *end);
};

#endif
