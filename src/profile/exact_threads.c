/* Names, and what threads do when a window begins. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "profile/exact_threads.h"

enum {
    TAKE_ATTEMPTS = 20,         /* of a look at the process */
    NAMES_SOON_NS = 50000000,   /* from look to look for names, when somebody is new; */
    NAMES_LATE_NS = 1000000000, /* twice as long each time: it may have to wait for the GIL, and threads are renamed */
    NAMES_REST = 20             /* times as long as such a look took nothing is asked */
};

/* ---- names ---- */

static const struct gs_thread *find_thread(const struct gs_exact_threads *threads, pid_t tid)
{
    for (size_t i = 0; threads->snapshot && i < threads->snapshot->thread_count; i++) {
        if (threads->snapshot->threads[i].tid == tid)
            return &threads->snapshot->threads[i];
    }
    return NULL;
}

static const char *known_name(void *context, pid_t tid, uint64_t *ident)
{
    const struct gs_exact_threads *threads = context;
    const struct gs_thread *thread = find_thread(threads, tid);
    *ident = thread ? thread->ident : *ident;
    return thread ? gs_names_get(threads->names, thread->ident) : NULL;
}

void gs_exact_threads_name(struct gs_exact_threads *threads, pid_t tid, char *name, size_t size, uint64_t *ident,
                           bool *main)
{
    const struct gs_thread *thread = find_thread(threads, tid);
    const char *known = known_name(threads, tid, ident);
    char comm[16] = "";
    *main = thread ? thread->main : tid == threads->python->target->pid;
    if (!known) {
        gs_target_comm(threads->python->target, tid, comm);
        known = comm;
    }
    snprintf(name, size, "%s", known);
}

/* ---- looking at the process ---- */

void gs_exact_threads_look(struct gs_exact_threads *threads)
{
    enum gs_status status = GS_LOST;
    threads->snapshot = NULL;
    for (int i = 0; i < TAKE_ATTEMPTS && gs_status_class(status) == GS_CLASS_LOST; i++) {
        gs_reader_full_census(threads->reader);
        status = gs_reader_take(threads->reader, &threads->snapshot);
    }
    if (status)
        threads->snapshot = NULL;
}

void gs_exact_threads_expect(struct gs_exact_threads *threads)
{
    threads->names_wait_ns = NAMES_SOON_NS;
    if (threads->names_rest_ns < threads->names_ns)
        threads->names_ns = threads->names_rest_ns;
}

void gs_exact_threads_refresh(struct gs_exact_threads *threads, struct gs_exact_feed *feed)
{
    uint64_t begin_ns = gs_clock_ns();
    gs_exact_threads_look(threads);
    for (size_t i = 0; threads->snapshot && i < threads->snapshot->interpreter_count; i++)
        gs_names_refresh(threads->names, threads->snapshot->interpreters[i].addr);
    gs_exact_feed_rename(feed, known_name, threads);
    uint64_t now_ns = gs_clock_ns(), rest_ns = NAMES_REST * (now_ns - begin_ns), wait_ns = threads->names_wait_ns;
    threads->names_rest_ns = now_ns + (rest_ns > NAMES_SOON_NS ? rest_ns : NAMES_SOON_NS);
    threads->names_ns = now_ns + (rest_ns > wait_ns ? rest_ns : wait_ns);
    threads->names_wait_ns = 2 * wait_ns < NAMES_LATE_NS ? 2 * wait_ns : NAMES_LATE_NS;
}

/* ---- what they do ---- */

/* Which of the watched GILs the thread's interpreter is on. */
static unsigned lock_of(const struct gs_exact_threads *threads, const struct gs_gil_addresses *addresses,
                        const struct gs_thread *thread)
{
    const struct gs_snapshot *snapshot = threads->snapshot;
    uint32_t gil = snapshot->interpreters[thread->interpreter].gil;
    for (unsigned i = 0; i < gs_gil_addresses_gils(addresses); i++) {
        for (size_t k = 0; k < snapshot->interpreter_count; k++) {
            if (snapshot->interpreters[k].id == addresses->list[i].interpreter && snapshot->interpreters[k].gil == gil)
                return i;
        }
    }
    return GS_ADDRESSES_MOST;
}

/* One thread may have states in several interpreters: what it does with the GIL in any of them counts. */
static bool says_more(enum gs_gil_word word)
{
    return word == GS_HOLDS || word == GS_WAITS;
}

/* Whoever is on a processor all the time has no event that tells so. */
static void tell_runs(const struct gs_exact_threads *threads, struct gs_gilcounts *counts,
                      const struct gs_thread *thread)
{
    uint64_t ran_ns;
    if (counts && thread->activity.run != GS_RUN_SYSCALL &&
        gs_target_ran_ns(threads->python->target, thread->tid, &ran_ns))
        gs_gilcounts_tell(counts, thread->tid, ran_ns);
}

/* While nobody watched. */
static bool is_gone(void *context, pid_t tid)
{
    const struct gs_exact_threads *threads = context;
    char name[16] = "";
    if (find_thread(threads, tid))
        return false;
    gs_target_comm(threads->python->target, tid, name);
    return !name[0];
}

enum gs_status gs_exact_threads_tell(const struct gs_exact_threads *threads, const struct gs_exact_told *told)
{
    const struct gs_snapshot *snapshot = threads->snapshot;
    enum gs_status status = GS_OK;
    gs_exact_feed_end_gone(told->feed, is_gone, (void *)threads);
    for (int round = 0; snapshot && round < 2; round++) {
        for (size_t i = 0; i < snapshot->thread_count && !status; i++) {
            const struct gs_thread *thread = &snapshot->threads[i];
            unsigned lock = lock_of(threads, told->addresses, thread);
            if (!thread->tid || says_more(thread->gil) != (round == 1))
                continue;
            gs_exact_feed_meet(told->feed, thread->tid, told->since_begin);
            tell_runs(threads, told->counts, thread);
            if (!told->addresses->none)
                status = gs_gil_spans_tell(told->gil_spans, thread->tid, lock,
                                           lock == GS_ADDRESSES_MOST ? GS_UNKNOWN : thread->gil);
        }
    }
    return status;
}

void gs_exact_threads_switches(const struct gs_exact_threads *threads, const struct gs_gil_addresses *addresses,
                               struct gs_count counts[GS_ADDRESSES_MOST])
{
    const struct gs_snapshot *snapshot = threads->snapshot;
    memset(counts, 0, GS_ADDRESSES_MOST * sizeof *counts);
    for (size_t i = 0; snapshot && i < snapshot->interpreter_count; i++) {
        const struct gs_gil *gil = &snapshot->gils[snapshot->interpreters[i].gil];
        for (size_t k = 0; k < gs_gil_addresses_gils(addresses); k++) {
            if (addresses->list[k].interpreter == snapshot->interpreters[i].id && gil->has_switches)
                counts[k] = gs_count(gil->switches);
        }
    }
}
