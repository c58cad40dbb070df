/* Whether a thread that is awake and does not hold the GIL computes without it, or is on its way in or out.
 *
 * The fields of the GIL do not tell: a thread that has let go and was sent off its CPU before it waits again looks
 * like one that computes (two threads that compete on a busy machine do that half of the time). But that one is on no
 * CPU, and to be on one on the way in or out is a matter of a microsecond. The kernel does not tell who is on a
 * CPU, only how long the whole process was, exactly, and each thread, as of the last tick. So a thread is known
 * to compute when the process ran as many threads at once as are awake; or when it got time of a CPU between two
 * ticks between which it cannot have held the GIL, and until its stack changes. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "sample/waiters.h"

enum {
    ENOUGH_NS = 300000, /* of a CPU's time: more than the way in and out takes */
    TIMES = 2           /* that all must be seen to run, one after the other */
};

/* ---- all that are awake run ---- */

static uint32_t count_awake(const struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    uint32_t awake = 0;
    for (size_t i = 0; i < threads->member_count; i++)
        awake += threads->members[i]->tid && threads->members[i]->wait.activity.run == GS_RUN_RUNNING;
    return awake;
}

/* Threads that Python does not know may run too, and would be taken for those that it knows. */
static bool others_sleep(const struct gs_waiters *waiters)
{
    struct gs_thread_list *threads = waiters->threads;
    struct gs_task *tasks;
    size_t count, known = 0;
    bool sleep = true;
    for (size_t i = 0; i < threads->member_count; i++)
        known += threads->members[i]->tid != 0;
    if (gs_target_tasks(threads->python->target, &tasks, &count))
        return false;
    for (size_t i = 0; i < count && sleep && count > known; i++) {
        struct gs_activity activity = {.run = GS_RUN_UNKNOWN};
        bool member = false;
        for (size_t k = 0; k < threads->member_count && !member; k++)
            member = threads->members[k]->tid == tasks[i].tid;
        if (!member)
            gs_target_activity(threads->python->target, tasks[i].tid, &activity);
        sleep = member || activity.run == GS_RUN_SYSCALL || activity.run == GS_RUN_GONE;
    }
    free(tasks);
    return sleep;
}

void gs_awake_look(struct gs_waiters *waiters, long pause_ns)
{
    const struct gs_target *target = waiters->threads->python->target;
    uint64_t begun_ns, ended_ns;
    gs_ask_concerned(waiters);
    uint32_t awake = count_awake(waiters);
    bool told = gs_target_clock_ns(target, &begun_ns);
    uint64_t wall_ns = gs_clock_ns();
    nanosleep(&(struct timespec){.tv_nsec = pause_ns}, NULL);
    told = told && gs_target_clock_ns(target, &ended_ns);
    wall_ns = gs_clock_ns() - wall_ns;
    gs_ask_concerned(waiters);
    /* At most a quarter of one thread's time may be missing: we ourselves take some. */
    bool all = told && awake > 0 && count_awake(waiters) == awake &&
               4 * (ended_ns - begun_ns) >= (4 * awake - 1) * wall_ns && others_sleep(waiters);
    /* Once it may be a thread whose virtual CPU was taken away on its way. */
    waiters->all_ran = all ? waiters->all_ran + 1 : 0;
    waiters->all_run = waiters->all_ran >= TIMES;
}

/* ---- one thread, over ticks ---- */

/* The innermost frame, and where it is in it. */
static bool same_place(const struct gs_member *member)
{
    return member->stack.frame_count > 0 && !member->stack.torn &&
           member->stack.frames[0].frame == member->wait.awake.frame &&
           member->stack.frames[0].instr == member->wait.awake.instr &&
           member->stack.frames[0].code == member->wait.awake.code;
}

bool gs_awake_outside(const struct gs_waiters *waiters, const struct gs_member *member)
{
    return waiters->all_run || (member->wait.awake.outside && (member->stack.frame_count == 0 || same_place(member)));
}

void gs_awake_note(const struct gs_waiters *waiters, struct gs_member *member, const struct gs_gil_fields *now,
                   bool awake)
{
    struct gs_awake *known = &member->wait.awake;
    uint64_t ran_ns;
    if (!awake || !now->has_switches || now->last_holder == member->tstate) {
        known->looked = known->outside = false;
        return;
    }
    if (gs_awake_outside(waiters, member) || !gs_target_ran_ns(waiters->threads->python->target, member->tid, &ran_ns))
        return;
    known->outside = false;
    if (!known->looked || now->switches - known->switches > 1) {
        *known = (struct gs_awake){.looked = true, .ran_ns = ran_ns, .switches = now->switches};
    } else if (!known->accounted && ran_ns != known->ran_ns) {
        /* Some of this may be of the time before the look. */
        known->accounted = true;
        known->ran_ns = ran_ns;
    } else if (known->accounted) {
        /* With one hand-over at most, nobody but the last holder then and the one now had it since. */
        known->outside = ran_ns - known->ran_ns >= ENOUGH_NS;
    }
    if (member->stack.frame_count > 0) {
        known->frame = member->stack.frames[0].frame;
        known->code = member->stack.frames[0].code;
        known->instr = member->stack.frames[0].instr;
    }
}
