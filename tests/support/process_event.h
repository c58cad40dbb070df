/* Things that happen to a made process while it is read. */
#ifndef TESTS_PROCESS_EVENT_H
#define TESTS_PROCESS_EVENT_H

#include "support/process_fake.h"

/* Something that happens to the target before piece `index` of scattered read `call`; PROCESS_EVERY: each time. */
#define PROCESS_EVERY SIZE_MAX

struct process_event {
    size_t call, index;
    void (*happen)(struct process *p);
    struct process *process;
    size_t times; /* how often it did */
};

/* A mem_script whose context is a struct process_event. */
void process_event_script(void *context, size_t call, size_t index, const struct gs_piece *piece);

/* Threads of the sleepers 0 to 2, each with a stack of its own; 1 holds. */
void process_three_threads(struct process *p);
/* The stack that the last snapshot shows of the thread of that sleeper. */
const char *process_stack_of(struct process *p, size_t sleeper);

#endif
