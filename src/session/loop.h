/* The one loop: calls what is due, and sleeps until something is, a descriptor can be read, or a signal came. */
#ifndef GS_SESSION_LOOP_H
#define GS_SESSION_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "gilspy/status.h"

/* Something that is to be done again and again. */
struct gs_loop_event {
    void *context;
    /* Asked before each wait: when it is due, in ns of CLOCK_MONOTONIC; UINT64_MAX: not as things are. */
    uint64_t (*due)(void *context, uint64_t now_ns);
    /* woken: the wait was ended by a signal or a descriptor. What it returns, unless it is GS_OK, ends the loop. */
    enum gs_status (*run)(void *context, uint64_t now_ns, bool woken); /* NULL: the round alone is what is wanted */
    bool wakes;      /* it is run, too, when a signal or a descriptor ended the wait */
    uint64_t due_ns; /* the loop's: what `due` said; 0 has it run in this round, if its turn is still to come */
};

enum { GS_LOOP_EVENTS = 5 };

struct gs_loop {
    struct gs_loop_event events[GS_LOOP_EVENTS]; /* those that are due are run in this order */
    int count;
    int fd; /* is waited for, too; -1: none */
    void *context;
    /* Asked after each round: true ends the loop. A signal that asks the program to end does so, too. */
    bool (*over)(void *context, uint64_t now_ns);
    uint64_t slept_ns; /* the loop's: when signals were let in the last time */
};

/* Runs until one of these; gs_signals_catch was called. GS_OK, or what an event returned. */
enum gs_status gs_loop_run(struct gs_loop *loop) GS_MUST_CHECK;

#endif
