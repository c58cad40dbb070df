/* The tasks of event loops, and greenlets: which there are, what each does, where it stands and what it waits for.
 *
 * Nothing is stopped: a loop that runs meanwhile changes what is read. Each task is therefore read twice, until both
 * readings agree; one that never holds still is there with a gap instead of frames. A task that has ended is left out.
 */
#ifndef GS_PYTHON_TASKS_H
#define GS_PYTHON_TASKS_H

#include "gilspy/snapshot.h"

enum {
    GS_TASKS_MOST = 1 << 16, /* further ones are counted */
    GS_EVENT_LOOPS_MOST = 256,
    GS_TASK_NAME = 64,
    GS_TASK_WORDS = 96
};

enum gs_task_state { GS_TASK_RUNNING, GS_TASK_READY, GS_TASK_WAITS };
const char *gs_task_state_name(enum gs_task_state state);

enum gs_await_kind {
    GS_AWAIT_NOTHING,
    GS_AWAIT_TASK,
    GS_AWAIT_FUTURE,
    GS_AWAIT_LOCK,
    GS_AWAIT_EVENT,
    GS_AWAIT_QUEUE,
    GS_AWAIT_SLEEP,
    GS_AWAIT_IO,
    GS_AWAIT_GATHER,
    GS_AWAIT_OTHER
};
const char *gs_await_kind_name(enum gs_await_kind kind);

struct gs_await {
    enum gs_await_kind kind;
    gs_addr object;            /* the task, lock, queue, ... ; 0: not known */
    gs_addr owner;             /* of a lock that knows: the task that has it; else 0 */
    bool alone;                /* of an event: nothing refers to it but those that wait for it */
    int32_t descriptor;        /* of a socket that is read or written; 0: not known */
    double due_s;              /* of a sleep: when it ends, by the loop's clock; 0: not known */
    char words[GS_TASK_WORDS]; /* UTF-8, uncleaned: "sleep, 3.0 s left" */
};

#define GS_NO_TASK   UINT32_MAX
#define GS_NO_TSTATE UINT64_MAX

struct gs_async_task {
    gs_addr addr, loop, coroutine;
    gs_addr waiter; /* the future that it waits for; 0: none that is known */
    enum gs_task_state state;
    uint32_t cancels;        /* how often it was cancelled; 0: never, or not known (up to 3.10) */
    bool torn;               /* it did not hold still */
    char name[GS_TASK_NAME]; /* UTF-8, uncleaned; empty: it has none (3.7) */
    struct gs_await await;   /* of one that waits */
    uint32_t holder;         /* of the lock that it waits for: index of a task, GS_NO_TASK: not known; */
    bool holder_likely; /* it is the only one that stands in code that takes locks by acquire(), and knows this one */
    size_t frame_at;    /* in gs_tasks.frames: innermost first */
    uint32_t frame_count;
    size_t awaited_at; /* in gs_tasks.awaited_by: who waits for it, indexes of tasks */
    uint32_t awaited_count;
};

enum gs_loop_kind { GS_LOOP_ASYNCIO, GS_LOOP_GREENLET, GS_LOOP_GEVENT, GS_LOOP_EVENTLET, GS_LOOP_TRIO };
const char *gs_loop_kind_name(enum gs_loop_kind kind);

/* Where the steps of trio's tasks are counted. */
struct gs_trio_place {
    gs_addr generator;     /* runs the tasks, 0: not known */
    struct gs_frame frame; /* its own; */
    gs_addr batch_at;      /* where that keeps the address of the list of those that have their turn in this pass; */
    gs_addr random;        /* what gives it a random number for each pass */
};

/* Of greenlets all that belong to one thread: `addr` is its main greenlet. */
struct gs_event_loop {
    enum gs_loop_kind kind;
    gs_addr addr;
    gs_addr tstate;     /* of the thread that runs it, GS_NO_TSTATE: none does */
    gs_addr current;    /* of a kind that is not asyncio: the task that runs, 0: none */
    gs_addr current_at; /* of greenlets: where the address of the one that runs stands, 0: not known */
    struct gs_trio_place trio;
    gs_addr hub;           /* of greenlets: the one that is the loop itself, and no task; 0: none */
    uint32_t running;      /* index of the task that runs; GS_NO_TASK: none */
    bool has_ready;        /* `ready` is known */
    uint64_t ready;        /* callbacks that wait for their turn */
    gs_addr queue;         /* of these: a deque; 0: not known */
    bool calls;            /* it calls some that never were in the queue (uvloop) */
    bool has_due;          /* there is a timer, */
    double due_s;          /* and the earliest is due at that time of the loop's clock, CLOCK_MONOTONIC in seconds */
    uint32_t first, count; /* in gs_tasks.tasks */
};

struct gs_tasks {
    double now_s;                /* CLOCK_MONOTONIC when they were read; 0: not known */
    struct gs_event_loop *loops; /* those that no thread runs last */
    size_t loop_count;
    struct gs_async_task *tasks; /* those of one loop together, in the order of their addresses */
    size_t task_count;
    size_t run_count; /* of these, those of loops that threads run; they come first */
    size_t left_out;  /* tasks beyond the limit, greenlets whose thread is not known */
    bool unknown;     /* there are greenlets, of a version or a build that is not known: none is shown */
    bool partial;     /* a list broke off: there may be more */
    struct gs_frame *frames;
    size_t frame_count;
    uint32_t *awaited_by;
    size_t awaited_count;
};

/* A thread whose snapshot was taken the moment before. */
struct gs_tasks_thread {
    gs_addr tstate, interpreter;
    uint64_t ident;
    bool main;
    const struct gs_frame *frames; /* innermost first */
    uint32_t frame_count;
};

struct gs_tasks_question {
    const struct gs_python *python;
    struct gs_mem *mem; /* from which is read */
    struct gs_codes *codes;
    const struct gs_tasks_thread *threads;
    size_t thread_count;
    double now_s; /* CLOCK_MONOTONIC; 0: not known (a core) */
};

/* Whether a loop runs a task that did not run yet when its thread was looked at, so that where it stands is not known.
 */
bool gs_tasks_moved(const struct gs_tasks *tasks);

/* GS_NO_MEMORY, GS_GONE; what cannot be read otherwise is left out. Free the result in any case. */
enum gs_status gs_tasks_read(const struct gs_tasks_question *question, struct gs_tasks *tasks) GS_MUST_CHECK;
/* For how long, at least, the callback that runs now has been running: as long as a timer is overdue; 0: none runs, or
 * nothing tells. */
uint64_t gs_event_loop_late_us(const struct gs_tasks *tasks, const struct gs_event_loop *loop,
                               const struct gs_thread *thread);
/* A loop's thread asks the kernel for what comes next: none of its callbacks runs. */
bool gs_event_loop_polls(const struct gs_activity *activity);
/* How many callbacks the queue of a loop has given away, modulo 2^63 or so, and has. False: they cannot be read. */
bool gs_event_loop_queue(const struct gs_layout *layout, struct gs_mem *mem, gs_addr queue, uint64_t *taken,
                         uint64_t *ready);
/* The index of the task at an address; GS_NO_TASK: there is none. */
uint32_t gs_task_find(const struct gs_tasks *tasks, gs_addr addr);
/* The index of the task that this one waits for: it awaits it, or waits for a lock that it holds. GS_NO_TASK: of none.
 */
uint32_t gs_task_next(const struct gs_tasks *tasks, uint32_t task);
/* What a task that waits waits for, with names: "Lock held by Task-7", "Task-9"; empty: it waits for nothing. */
void gs_task_words(const struct gs_tasks *tasks, const struct gs_async_task *task, char *words, size_t size);
void gs_tasks_free(struct gs_tasks *tasks);

#endif
