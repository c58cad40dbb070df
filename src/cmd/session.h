/* A run of samples: who is sampled, until when. */
#ifndef GS_CMD_SESSION_H
#define GS_CMD_SESSION_H

#include "cmd/look.h"
#include "cmd/spawn.h"
#include "gilspy/sampler.h"

struct gs_session;

/* What the run is used for. All but context and give_up may be NULL. */
struct gs_session_calls {
    bool polls; /* samples are without stacks, but of threads that have had a GIL for half of args->long_us, which
                   have C frames above their innermost Python frame, too */
    void *context;
    /* Called now and then, at the latest at the moment of CLOCK_MONOTONIC that it returned the last time; 0: the run is
     * to end. woken: a signal came, or, with `keys`, there is something to read. */
    uint64_t (*tick)(void *context, uint64_t now_ns, bool woken);
    /* A process is sampled from now on; it is no more, and why (its look goes when that returns). */
    void (*opened)(void *context, struct gs_look *look);
    void (*closed)(void *context, struct gs_look *look, enum gs_status why);
    /* The run ends: the last chance to look up what the sink was told. */
    void (*closing)(void *context);
    /* The thread that samples waits for the kernel for ever: what is there is to be finished. Called from another
     * thread, and must not return. */
    void (*give_up)(void *context);
    bool each;    /* tick is called after each sample, too */
    bool at_once; /* the first sample is not taken at a random moment: somebody waits for it */
    bool keys;    /* standard input is waited for, too */
    bool lasts;   /* the run goes on when nobody is left, until tick ends it */
    int output;   /* what a program that is started writes goes there, and it has no terminal; 0: it has ours */
};

/* Opens the processes that args name, or starts the program that they name; tells on stderr what cannot be opened.
 * *exit is the program's exit status so far. The sink and args must outlive it. Close it in any case (it may be NULL).
 */
enum gs_status gs_session_open(struct gs_session **session, const struct gs_args *args, struct gs_sink *sink,
                               const struct gs_session_calls *calls, int *exit, struct gs_err *err) GS_MUST_CHECK;
/* Samples until the duration is over, nobody is left, or a signal came; then tells the sink that it ends. What the sink
 * returned, or GS_GONE: no sample could be taken. */
enum gs_status gs_session_run(struct gs_session *session, struct gs_err *err) GS_MUST_CHECK;
/* Another rate, from now on. */
void gs_session_rate(struct gs_session *session, double rate_hz);
/* What it did; also from give_up. */
void gs_session_sum(const struct gs_session *session, struct gs_run_end *end);
/* Processes that looked like Python and were gone before they could be sampled. */
uint64_t gs_session_missed(const struct gs_session *session);
/* Waits for the end of the program that it started, and passes on to it what signals come: its exit status; -1: none
 * was started. */
int gs_session_wait(struct gs_session *session);
/* That program, NULL: none was started. */
struct gs_spawn *gs_session_program(struct gs_session *session);
void gs_session_close(struct gs_session *session);

#endif
