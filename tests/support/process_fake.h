/* A whole process made by hand, in the shape of any version that has a table: runtime, interpreters, GILs, thread
 * states, stacks, code objects. Its threads are threads of this process that sleep, so that the kernel's part is
 * real. */
#ifndef TESTS_PROCESS_FAKE_H
#define TESTS_PROCESS_FAKE_H

#include <pthread.h>

#include "gilspy/snapshot.h"
#include "support/mem_script.h"
#include "support/objects_fake.h"
#include "support/unit.h"

enum {
    PROCESS_THREADS = 512,
    PROCESS_SLEEPERS = 8,
    PROCESS_CHUNK_BYTES = 16384,
    PROCESS_FRAME_WORDS = 24, /* of each code object's frame */
    PROCESS_CODE_BYTES = 40
};

struct process_thread {
    gs_addr addr, interp, cframe;
    gs_addr chunk, top, frame; /* newest chunk, first free byte in it, innermost frame */
    uint64_t ident;
};

struct process {
    struct objects o;
    struct gs_target target;
    struct gs_python python;
    struct gs_mem *mem; /* python.mem, takes a script */
    gs_addr next_region;
    gs_addr runtime, interp_head; /* interp_head: the word */
    gs_addr interp, gil;          /* those of the main interpreter */
    gs_addr codes[4];             /* functions f, g, h and t; t is a trampoline from 3.12 on */
    struct process_thread threads[PROCESS_THREADS];
    size_t thread_count;
    uint64_t switches;
    struct gs_reader *reader;
    const struct gs_snapshot *snapshot;
    /* Threads of ours that sleep in read(). */
    pid_t sleepers[PROCESS_SLEEPERS];
    pthread_t pthreads[PROCESS_SLEEPERS];
    int pipe[2];
};

/* Runs the test on a fresh process of each version from..to that has a table, with a reader that stops nothing. */
typedef void process_test(struct process *p);
void process_for_versions(uint32_t from, uint32_t to, process_test *test);
/* A function for cmocka that does so. */
#define PROCESS_TEST(name, from, to, test)                                                                             \
    UNIT_TEST(name)                                                                                                    \
    {                                                                                                                  \
        process_for_versions(from, to, test);                                                                          \
    }                                                                                                                  \
    _Static_assert(1, "")
#define PROCESS_FIRST GS_VERSION(2, 7)
#define PROCESS_LAST  GS_VERSION(3, 15)

/* One interpreter, a free GIL, no thread. */
void process_init(struct process *p, uint32_t version);
void process_fini(struct process *p);

/* Zeroed pages far from all others. */
gs_addr process_map(struct process *p, size_t bytes);
/* A further interpreter, at the head of the list; with a GIL of its own from 3.12 on if wanted (*gil is set). */
gs_addr process_interpreter(struct process *p, gs_addr *gil);
/* A thread state at the head of its interpreter's list, that of the kernel thread tid. */
struct process_thread *process_thread(struct process *p, gs_addr interp, pid_t tid);
void process_unlink(struct process *p, struct process_thread *thread);
/* The same memory, linked in again. */
void process_link(struct process *p, struct process_thread *thread);

/* Calls code (index into codes) at instruction `instr`: the new innermost frame, whose address is returned. */
gs_addr process_call(struct process *p, struct process_thread *thread, size_t code, int instr);
/* The same in a frame outside the data stack, as a generator's is. */
gs_addr process_resume(struct process *p, struct process_thread *thread, size_t code, int instr);
/* A mark on the C stack (3.12 on). */
gs_addr process_shim(struct process *p, struct process_thread *thread);
/* Leaves the innermost frame, which `size` words take (0: outside the chunks). */
void process_return(struct process *p, struct process_thread *thread, size_t words);
/* The next frame goes to a new chunk (3.11 on). */
void process_chunk(struct process *p, struct process_thread *thread);
/* Moves an existing frame on to another instruction, or sets the word that points to the innermost frame. */
void process_step(struct process *p, gs_addr frame, size_t code, int instr);
void process_set_current(struct process *p, struct process_thread *thread, gs_addr frame);

/* The words of the main GIL: holder NULL keeps the last one. A switch is counted when the holder is another. */
void process_take(struct process *p, struct process_thread *holder);
void process_drop(struct process *p);
/* A word of the GIL at gil (of 3.6 on). */
enum process_word {
    PROCESS_LOCKED,
    PROCESS_LAST_HOLDER,
    PROCESS_SWITCHES,
    PROCESS_INTERVAL,
    PROCESS_COND,
    PROCESS_MUTEX,
    PROCESS_SWITCH_COND,
    PROCESS_SWITCH_MUTEX
};
gs_addr process_gil_word(struct process *p, gs_addr gil, enum process_word word);

void process_open(struct process *p, enum gs_stopping stopping);
/* Begins anew with a fresh reader. */
void process_reopen(struct process *p);
/* A snapshot, which must come off. */
void process_must_take(struct process *p);
enum gs_status process_take_snapshot(struct process *p);
/* What the last snapshot says of a thread; fails the test when it is not there. */
const struct gs_thread *process_find(struct process *p, pid_t tid);
bool process_has(struct process *p, pid_t tid);
/* The functions of its stack, innermost first, as "f:3 g:0 ?2": instructions in units of 2 bytes, a gap as ?
 * and its number. Good until it was asked for four more times. */
const char *process_stack(struct process *p, const struct gs_thread *thread);

#endif
