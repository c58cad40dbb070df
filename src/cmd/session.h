/* A run of record: who is sampled, until when. */
#ifndef GS_CMD_SESSION_H
#define GS_CMD_SESSION_H

#include "cmd/args.h"
#include "cmd/spawn.h"
#include "gilspy/sampler.h"

struct gs_session;

struct gs_session_calls {
    bool polls; /* samples are without stacks, but of threads that have had a GIL for args->long_us */
    void *context;
    /* Called about twice a second while the run lasts; NULL: never. */
    void (*progress)(void *context, double seconds);
    /* The thread that samples waits for the kernel for ever: what is there is to be finished. Called from another
     * thread, and must not return. */
    void (*give_up)(void *context);
};

/* Opens the processes that args name, or starts the program that they name; tells on stderr what cannot be opened.
 * *exit is the program's exit status so far. The sink and args must outlive it. Close it in any case (it may be NULL).
 */
enum gs_status gs_session_open(struct gs_session **session, const struct gs_args *args, struct gs_sink *sink,
                               const struct gs_session_calls *calls, int *exit, struct gs_err *err) GS_MUST_CHECK;
/* Samples until the duration is over, nobody is left, or a signal came; then tells the sink that it ends. What the sink
 * returned, or GS_GONE: no sample could be taken. */
enum gs_status gs_session_run(struct gs_session *session, struct gs_err *err) GS_MUST_CHECK;
/* What it did; also from give_up. */
void gs_session_sum(const struct gs_session *session, struct gs_run_end *end);
/* Processes that looked like Python and were gone before they could be sampled. */
uint64_t gs_session_missed(const struct gs_session *session);
/* Waits for the end of the program that it started, and passes on to it what signals come: its exit status; -1: none
 * was started. */
int gs_session_wait(struct gs_session *session);
void gs_session_close(struct gs_session *session);

#endif
