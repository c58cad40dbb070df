/* Turns of exact tracing (src/trace/turns.h) summed up into a gs_account. */
#ifndef GS_GIL_TURN_FEED_H
#define GS_GIL_TURN_FEED_H

#include "gil/account.h"
#include "trace/turns.h"

struct gs_turn_feed;

/* Whose turn it is, when a thread is met for the first time: its name, into `name`, and whether it is the main one. */
struct gs_turn_feed_names {
    void *context;
    void (*find)(void *context, pid_t tid, char *name, size_t size, bool *main);
};

/* sum (not owned) gets the figures; from long_ns on a hold is listed. NULL: out of memory. */
struct gs_turn_feed *gs_turn_feed_new(struct gs_account *sum, const struct gs_spots *spots, uint64_t long_ns,
                                      const struct gs_turn_feed_names *names);
void gs_turn_feed_free(struct gs_turn_feed *exact);
/* The sum was cleared: numbers of threads begin anew. */
void gs_turn_feed_clear(struct gs_turn_feed *exact);

/* As struct gs_turns_calls has them. */
void gs_turn_feed_turn(struct gs_turn_feed *exact, const struct gs_turn *turn);
void gs_turn_feed_moment(struct gs_turn_feed *exact, unsigned lock, pid_t holder, uint32_t waiters, uint64_t ns);
void gs_turn_feed_blame(struct gs_turn_feed *exact, pid_t waiter, pid_t holder, uint64_t ns);

/* A thread that is there, also if it does nothing with the GIL. */
void gs_turn_feed_meet(struct gs_turn_feed *exact, pid_t tid);
/* One that has ended, and all its turns have come: of very many the most become one row (gs_account_ended). */
void gs_turn_feed_ended(struct gs_turn_feed *exact, pid_t tid);
/* Calls for each thread that was met and has a row of its own, with its number in the sum. call may end it. */
void gs_turn_feed_each(struct gs_turn_feed *exact, void (*call)(void *context, pid_t tid, uint32_t thread),
                       void *context);
/* What a thread was seen to do in a hold that began at since_ns. native: the C function that it called there, NULL:
 * none, or not known. */
void gs_turn_feed_see(struct gs_turn_feed *exact, unsigned lock, pid_t tid, uint64_t since_ns, uint64_t now_ns,
                      const struct gs_place *place, const struct gs_place *native);

/* A window of exact tracing has ended, which was so long. */
void gs_turn_feed_window(struct gs_turn_feed *exact, uint64_t ns);
/* Sets how far each thread's share in the windows may be off, of a whole that was so long. */
void gs_turn_feed_judge(struct gs_turn_feed *exact, uint64_t whole_ns);

#endif
