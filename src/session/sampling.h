/* A run of samples: of whom, how often, until when. */
#ifndef GS_SESSION_SAMPLING_H
#define GS_SESSION_SAMPLING_H

#include "gilspy/sampler.h"
#include "session/family.h"

struct gs_sampling;

struct gs_sampling_options {
    struct gs_family_options family; /* verb, depths, at_once and hopeless are set by the run */
    double rate_hz;                  /* infinite: one after the other */
    uint64_t duration_us;            /* 0: until something else ends it */
    bool polls; /* samples are without stacks, but of threads that have had a GIL for half of long_us, which have C
                   frames above their innermost Python frame, too */
    uint64_t long_us;
    bool tasks, suspended; /* as gs_sampler_tasks says */
    bool opcodes;          /* as gs_sampler_opcodes says */
    bool exceptions;       /* of Pythons that tell them */
    bool locks, all_locks; /* as gs_sampler_locks says */
    bool loops;            /* as gs_sampler_loops says */
    bool joins;            /* as gs_sampler_join says */
    bool each;             /* tick is called after each sample, too */
    bool at_once;          /* the first sample is not taken at a random moment: somebody waits for it */
    bool keys;             /* standard input is waited for, too */
    bool lasts;            /* the run goes on when nobody is left, until tick ends it */
};

/* All but context and give_up may be NULL. */
struct gs_sampling_calls {
    void *context;
    /* Called now and then, at the latest at the moment of CLOCK_MONOTONIC that it returned the last time; 0: the run is
     * to end. woken: a signal came, or, with `keys`, there is something to read. */
    uint64_t (*tick)(void *context, uint64_t now_ns, bool woken);
    /* A process is sampled from now on; it is no more, and why (its attach goes when that returns). */
    void (*opened)(void *context, struct gs_attach *attach);
    void (*closed)(void *context, struct gs_attach *attach, enum gs_status why);
    /* Whoever controls the run asked for what there is so far; a sample was taken for it. What it returns, unless it is
     * GS_OK, ends the run. */
    enum gs_status (*asked)(void *context);
    /* The run ends: the last chance to look up what the sink was told. */
    void (*closing)(void *context);
    /* The thread that samples waits for the kernel for ever: what is there is to be finished. Called from another
     * thread, and must not return. */
    void (*give_up)(void *context);
    /* Instead of that, where no thread of the process stands still for us: the process is left out, and this is called
     * in the thread that takes the place of the one that is stuck. It is to call gs_sampling_run again, and must not
     * return. */
    void (*go_on)(void *context);
};

/* Opens the processes that are named, or starts the program; tells what cannot be opened. *exit is the exit status so
 * far. The sink, and what the options point to, must outlive it. Close it in any case (it may be NULL). */
enum gs_status gs_sampling_open(struct gs_sampling **sampling, const struct gs_sampling_options *options,
                                struct gs_sink *sink, const struct gs_sampling_calls *calls, int *exit,
                                struct gs_err *err) GS_MUST_CHECK;
/* Samples until the duration is over, nobody is left, or a signal came; then tells the sink that it ends. What the sink
 * returned, or GS_GONE: no sample could be taken. */
enum gs_status gs_sampling_run(struct gs_sampling *sampling, struct gs_err *err) GS_MUST_CHECK;
/* Another rate, from now on. */
void gs_sampling_rate(struct gs_sampling *sampling, double rate_hz);
/* Whether samples say for which locks threads sleep, of each process: from now on. */
void gs_sampling_locks(struct gs_sampling *sampling, bool all);
/* Lets go those of a host whom its search does not choose any more; `full` does not matter. What the sink returned. */
enum gs_status gs_sampling_review(struct gs_sampling *sampling) GS_MUST_CHECK;
/* What it did; also from give_up. */
void gs_sampling_sum(const struct gs_sampling *sampling, struct gs_run_end *end);
/* Processes that looked like Python and were gone before they could be sampled. */
uint64_t gs_sampling_missed(const struct gs_sampling *sampling);
/* Waits for the end of the program that it started, and passes on to it what signals come: its exit status; -1: none
 * was started. */
int gs_sampling_wait(struct gs_sampling *sampling);
/* That program, NULL: none was started. */
struct gs_spawn *gs_sampling_program(struct gs_sampling *sampling);
void gs_sampling_close(struct gs_sampling *sampling);

#endif
