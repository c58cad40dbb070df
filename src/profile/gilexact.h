/* Turns of exact tracing (src/trace/turns.h) summed up into a gs_gilsum. */
#ifndef GS_PROFILE_GILEXACT_H
#define GS_PROFILE_GILEXACT_H

#include "profile/gilsum.h"
#include "trace/turns.h"

struct gs_gilexact;

/* Whose turn it is, when a thread is met for the first time: its name, into `name`, and whether it is the main one. */
struct gs_gilexact_names {
    void *context;
    void (*find)(void *context, pid_t tid, char *name, size_t size, bool *main);
};

/* sum (not owned) gets the figures; from long_ns on a hold is listed. NULL: out of memory. */
struct gs_gilexact *gs_gilexact_new(struct gs_gilsum *sum, const struct gs_spots *spots, uint64_t long_ns,
                                    const struct gs_gilexact_names *names);
void gs_gilexact_free(struct gs_gilexact *exact);
/* The sum was cleared: numbers of threads begin anew. */
void gs_gilexact_clear(struct gs_gilexact *exact);

/* As struct gs_turns_calls has them. */
void gs_gilexact_turn(struct gs_gilexact *exact, const struct gs_turn *turn);
void gs_gilexact_moment(struct gs_gilexact *exact, unsigned lock, pid_t holder, uint32_t waiters, uint64_t ns);
void gs_gilexact_blame(struct gs_gilexact *exact, pid_t waiter, pid_t holder, uint64_t ns);

/* A thread that is there, also if it does nothing with the GIL. */
void gs_gilexact_meet(struct gs_gilexact *exact, pid_t tid);
/* Calls for each thread that was met, with its number in the sum. */
void gs_gilexact_each(struct gs_gilexact *exact, void (*call)(void *context, pid_t tid, uint32_t thread),
                      void *context);
/* What a thread was seen to do in a hold that began at since_ns. native: the C function that it called there, NULL:
 * none, or not known. */
void gs_gilexact_see(struct gs_gilexact *exact, unsigned lock, pid_t tid, uint64_t since_ns, uint64_t now_ns,
                     const struct gs_place *place, const struct gs_place *native);

/* A window of exact tracing has ended, which was so long. */
void gs_gilexact_window(struct gs_gilexact *exact, uint64_t ns);
/* Sets how far each thread's share in the windows may be off, of a whole that was so long. */
void gs_gilexact_judge(struct gs_gilexact *exact, uint64_t whole_ns);

#endif
