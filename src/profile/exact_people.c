/* Who the threads of exact tracing are, and what a look at the process tells of them. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/room.h"
#include "profile/exact_parts.h"

enum {
    TAKE_ATTEMPTS = 20,         /* of a look at the process */
    NAMES_SOON_NS = 50000000,   /* from look to look for names, when somebody is new; */
    NAMES_LATE_NS = 1000000000, /* twice as long each time: it may have to wait for the GIL, and threads are renamed */
    NAMES_REST = 20,            /* times as long as such a look took nothing is asked */
    AGAIN_NS = 20000000,        /* from look to look at a hold */
    SOONEST_NS = 5000000,       /* so soon, and so late, it is asked again who has the GIL, when somebody has */
    LATEST_NS = 10000000
};

/* ---- names ---- */

static const struct gs_thread *find_thread(const struct gs_exact *exact, pid_t tid)
{
    for (size_t i = 0; exact->snapshot && i < exact->snapshot->thread_count; i++) {
        if (exact->snapshot->threads[i].tid == tid)
            return &exact->snapshot->threads[i];
    }
    return NULL;
}

static void name_of(struct gs_exact *exact, pid_t tid, char *name, size_t size, bool *main)
{
    const struct gs_thread *thread = find_thread(exact, tid);
    const char *known = thread ? gs_names_get(exact->names, thread->ident) : NULL;
    char comm[16] = "";
    *main = thread ? thread->main : tid == exact->python->target->pid;
    if (!known) {
        gs_target_comm(exact->python->target, tid, comm);
        known = comm;
    }
    snprintf(name, size, "%s", known);
}

/* Somebody is met for the first time in this span. */
void gs_exact_find_name(void *context, pid_t tid, char *name, size_t size, bool *main)
{
    struct gs_exact *exact = context;
    size_t number = gs_account_next(exact->sum);
    name_of(exact, tid, name, size, main);
    if (!exact->beginning)
        gs_exact_expect_names(exact);
    if (!gs_room((void **)&exact->ran_ns, &exact->ran_room, number + 1, sizeof *exact->ran_ns))
        return;
    exact->ran_ns[number] = 0; /* born since */
    if (exact->beginning && !gs_target_ran_ns(exact->python->target, tid, &exact->ran_ns[number]))
        exact->ran_ns[number] = UINT64_MAX;
}

void gs_exact_name(struct gs_exact *exact, pid_t tid, char *name, size_t size)
{
    bool main;
    name_of(exact, tid, name, size, &main);
}

static void rename_one(void *context, pid_t tid, uint32_t number)
{
    struct gs_exact *exact = context;
    const struct gs_thread *thread = find_thread(exact, tid);
    const char *name = thread ? gs_names_get(exact->names, thread->ident) : NULL;
    if (name && strcmp(name, gs_account_at(exact->sum, number)->name) != 0)
        gs_account_rename(exact->sum, number, name);
}

/* ---- looking at the process ---- */

void gs_exact_look_again(struct gs_exact *exact)
{
    enum gs_status status = GS_LOST;
    exact->snapshot = NULL;
    for (int i = 0; i < TAKE_ATTEMPTS && gs_status_class(status) == GS_CLASS_LOST; i++) {
        gs_reader_full_census(exact->reader);
        status = gs_reader_take(exact->reader, &exact->snapshot);
    }
    if (status)
        exact->snapshot = NULL;
}

void gs_exact_expect_names(struct gs_exact *exact)
{
    exact->names_wait_ns = NAMES_SOON_NS;
    if (exact->names_rest_ns < exact->names_ns)
        exact->names_ns = exact->names_rest_ns;
}

void gs_exact_refresh_names(struct gs_exact *exact)
{
    uint64_t begin_ns = gs_clock_ns();
    gs_exact_look_again(exact);
    for (size_t i = 0; exact->snapshot && i < exact->snapshot->interpreter_count; i++)
        gs_names_refresh(exact->names, exact->snapshot->interpreters[i].addr);
    gs_turn_feed_each(exact->figures, rename_one, exact);
    uint64_t now_ns = gs_clock_ns(), rest_ns = NAMES_REST * (now_ns - begin_ns), wait_ns = exact->names_wait_ns;
    exact->names_rest_ns = now_ns + (rest_ns > NAMES_SOON_NS ? rest_ns : NAMES_SOON_NS);
    exact->names_ns = now_ns + (rest_ns > wait_ns ? rest_ns : wait_ns);
    exact->names_wait_ns = 2 * wait_ns < NAMES_LATE_NS ? 2 * wait_ns : NAMES_LATE_NS;
}

/* Which of the watched GILs the thread's interpreter is on. */
static unsigned lock_of(const struct gs_exact *exact, const struct gs_thread *thread)
{
    const struct gs_spots *spots = &gs_tracer_setup(exact->tracer)->spots;
    const struct gs_snapshot *snapshot = exact->snapshot;
    uint32_t gil = snapshot->interpreters[thread->interpreter].gil;
    for (unsigned i = 0; i < spots->count; i++) {
        for (size_t k = 0; k < snapshot->interpreter_count; k++) {
            if (snapshot->interpreters[k].id == spots->list[i].interpreter && snapshot->interpreters[k].gil == gil)
                return i;
        }
    }
    return GS_SPOTS_MOST;
}

/* One thread may have states in several interpreters: what it does with the GIL in any of them counts. */
static bool says_more(enum gs_gil_word word)
{
    return word == GS_HOLDS || word == GS_WAITS;
}

/* Whoever is on a processor all the time has no event that tells so. */
static void tell_runs(struct gs_exact *exact, const struct gs_thread *thread)
{
    uint64_t ran_ns;
    if (exact->counts && thread->activity.run != GS_RUN_SYSCALL &&
        gs_target_ran_ns(exact->python->target, thread->tid, &ran_ns))
        gs_gilcounts_tell(exact->counts, thread->tid, ran_ns);
}

/* While nobody watched. */
static void end_one(void *context, pid_t tid, uint32_t number)
{
    struct gs_exact *exact = context;
    char name[16] = "";
    (void)number;
    if (find_thread(exact, tid))
        return;
    gs_target_comm(exact->python->target, tid, name);
    if (!name[0])
        gs_turn_feed_ended(exact->figures, tid);
}

enum gs_status gs_exact_tell_states(struct gs_exact *exact)
{
    const struct gs_snapshot *snapshot = exact->snapshot;
    enum gs_status status = GS_OK;
    gs_turn_feed_each(exact->figures, end_one, exact);
    for (int round = 0; snapshot && round < 2; round++) {
        for (size_t i = 0; i < snapshot->thread_count && !status; i++) {
            const struct gs_thread *thread = &snapshot->threads[i];
            unsigned lock = lock_of(exact, thread);
            if (!thread->tid || says_more(thread->gil) != (round == 1))
                continue;
            gs_turn_feed_meet(exact->figures, thread->tid);
            tell_runs(exact, thread);
            if (!gs_tracer_setup(exact->tracer)->spots.none)
                status =
                    gs_turns_tell(exact->turns, thread->tid, lock, lock == GS_SPOTS_MOST ? GS_UNKNOWN : thread->gil);
        }
    }
    return status;
}

/* ---- the hold that goes on ---- */

static bool see(struct gs_exact *exact, pid_t tid, struct gs_exact_seen *seen)
{
    return exact->eye.see && exact->eye.see(exact->eye.context, tid, seen, &exact->snapshot);
}

/* As far as is known by now: of what is not handed on yet the order may still change. */
static pid_t find_holder(const struct gs_exact *exact, unsigned lock, uint64_t *since_ns)
{
    const struct gs_event *last = gs_tracer_latest(exact->tracer, lock);
    if (!last)
        return gs_turns_holder(exact->turns, lock, since_ns);
    *since_ns = last->time_ns;
    return last->act == GS_ACT_DROP ? 0 : last->tid;
}

/* When to look at this hold, at the soonest. */
static uint64_t look_at(struct gs_exact *exact, unsigned lock, pid_t tid, uint64_t since_ns)
{
    uint64_t now_ns = gs_clock_ns(), due_ns = since_ns + exact->long_ns / 2;
    struct gs_exact_seen seen;
    if (exact->looks[lock].since_ns == since_ns && exact->looks[lock].seen_ns + AGAIN_NS > due_ns)
        due_ns = exact->looks[lock].seen_ns + AGAIN_NS;
    if (now_ns < due_ns || !see(exact, tid, &seen))
        return due_ns;
    gs_turn_feed_see(exact->figures, lock, tid, since_ns, now_ns, &seen.place,
                     seen.native.function ? &seen.native : NULL);
    exact->looks[lock].since_ns = since_ns;
    exact->looks[lock].seen_ns = now_ns;
    return now_ns + AGAIN_NS;
}

void gs_exact_see_holds(struct gs_exact *exact)
{
    exact->look_ns = UINT64_MAX;
    for (unsigned lock = 0; lock < gs_tracer_setup(exact->tracer)->spots.count; lock++) {
        uint64_t since_ns, due_ns;
        pid_t tid = find_holder(exact, lock, &since_ns);
        if (!tid)
            continue;
        due_ns = look_at(exact, lock, tid, since_ns);
        uint64_t now_ns = gs_clock_ns(), soonest_ns = now_ns + SOONEST_NS, latest_ns = now_ns + LATEST_NS;
        due_ns = due_ns < soonest_ns ? soonest_ns : due_ns > latest_ns ? latest_ns : due_ns;
        exact->look_ns = due_ns < exact->look_ns ? due_ns : exact->look_ns;
    }
}
