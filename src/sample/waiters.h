/* Who waits for the GIL. Its fields tell who holds it; of the others the kernel tells what they sleep on, which is
 * checked against the count of users that the GIL's mutex keeps.
 *
 * ask_threads.c asks the kernel about those that may have changed; recheck_sleepers.c in turn about the others, as far
 * as the CPU time of the process (cpu_audit.h) does not tell that they sleep on; stack_top_probe.c looks for waiters
 * that are missing; awake.c sees who computes without the GIL; classify_threads.c puts that together, and
 * verdict.c judges. */
#ifndef GS_SAMPLE_WAITERS_H
#define GS_SAMPLE_WAITERS_H

#include "base/ids.h"
#include "sample/cpu_audit.h"
#include "sample/thread_list.h"
#include "sample/verdict.h"

enum { GS_FEW_THREADS = 64 /* can all be asked in every sample */ };

struct gs_waiters {
    struct gs_thread_list *threads;
    bool ask_all;        /* in the next sample */
    bool movers_known;   /* in this sample: whoever ran Python since the last one has moved_sample set */
    bool locks;          /* those that threads sleep for are asked for, too */
    uint64_t lock_waits; /* numbers given out */
    bool all_asked;      /* the kernel, once at least */
    bool any_open;       /* somebody is awake without holding a GIL */
    bool any_gone;       /* somebody may have ended whose state is still in a list */
    bool all_run;        /* all threads that are awake are on a CPU, */
    uint32_t all_ran;    /* seen so this many times, one after the other */
    size_t search_at;    /* the member whose turn it is to be asked when somebody is missing */
    struct gs_ids conds; /* musl: the words on which they sleep who wait in this sample: cond_lists.c */
    struct {
        struct gs_cpu_audit audit;
        uint64_t clock_ns;   /* CPU time of the process, as it was a moment before this sample; 0: not known */
        uint64_t crowded_ns; /* when a thread was last seen to have waited long for a CPU, 0: never */
        uint64_t last_ns;    /* when it was somebody's turn */
        uint64_t turn_ns;    /* while CPU time is missing: the time for each thread, */
        size_t turn_at;      /* the one that was looked at last, */
        uint64_t turn_of;    /* and the discovery that they are of */
    } recheck;
};

static inline bool gs_member_awake(const struct gs_member *member)
{
    return member->wait.activity.run == GS_RUN_RUNNING || member->wait.activity.run == GS_RUN_BLOCKED;
}

/* ---- classify_threads.c ---- */

/* Finds out who waits: asks the kernel about every thread, or only about those that may have changed. `moved`: how
 * many hand-overs lie between this snapshot and the last. */
void gs_classify_threads(struct gs_waiters *waiters, uint64_t moved);

/* ---- ask_threads.c ---- */

/* Reads what the member's thread does now. */
void gs_ask_thread(struct gs_waiters *waiters, struct gs_member *member);
/* Asks about those who may do something else than when they were last asked. */
void gs_ask_movers(struct gs_waiters *waiters, uint64_t moved);
/* Asks about everybody but those who sleep over something else than the GIL. */
void gs_ask_concerned(struct gs_waiters *waiters);
/* It had the GIL at the last sample, or has it now, or had it in between, where that is known. */
bool gs_had_gil(const struct gs_waiters *waiters, const struct gs_member *member);

/* ---- recheck_sleepers.c ---- */

/* Asks a share of those who were not asked in this sample, so that all are in turn. */
void gs_recheck_sleepers(struct gs_waiters *waiters);
/* Threads were lately seen to wait long for a CPU: of one that was woken, no CPU time tells. */
bool gs_is_crowded(const struct gs_waiters *waiters);
/* It may have been woken, and wait for a CPU. */
bool gs_may_queue(const struct gs_waiters *waiters, const struct gs_member *member);
/* Asks what the member does, who may have had the GIL, unless it slept on since it was asked last. */
void gs_recheck_mover(struct gs_waiters *waiters, struct gs_member *member);

/* The file with how often and how long the member's thread was on a CPU. False: it cannot be had. */
bool gs_recheck_open(struct gs_waiters *waiters, struct gs_member *member);

/* ---- lock_waits.c ---- */

/* For which lock each thread sleeps that does not sleep for the GIL. moved: as of gs_classify_threads. */
void gs_lock_waits_take(struct gs_waiters *waiters, uint64_t moved);

/* ---- stack_top_probe.c ---- */

/* Asks on when more wait for the lock than the `known` ones, or less by more than a few that are awake for a moment at
 * their timeout. */
void gs_ask_for_missing(struct gs_waiters *waiters, const struct gs_lock *lock, uint32_t known);

/* ---- cond_lists.c ---- */

/* Where waiters hang in lists: follows those of the GIL with this index, and sets the counts of users. */
void gs_cond_lists_read(struct gs_waiters *waiters, uint32_t lock, struct gs_gil_fields *fields);
/* Whether a thread that sleeps on this word is in a list of that GIL. */
enum gs_gil_futex gs_cond_lists_futex(struct gs_waiters *waiters, uint32_t lock, gs_addr word);

/* ---- awake.c ---- */

/* Takes a look at the member, whose thread is `awake` and does not hold the GIL, or else forgets what was known. */
void gs_awake_note(const struct gs_waiters *waiters, struct gs_member *member, const struct gs_gil_fields *now,
                   bool awake);
/* It is known to compute without the GIL. */
bool gs_awake_outside(const struct gs_waiters *waiters, const struct gs_member *member);

/* Asks all who may wait, or run, twice with a pause between, and judges whether all that are awake were on a CPU
 * meanwhile (all_run). */
void gs_awake_look(struct gs_waiters *waiters, long pause_ns);

#endif
