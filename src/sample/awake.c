/* Whether a thread that is awake and does not hold the GIL computes without it, or is on its way in or out.
 *
 * The words of the GIL do not tell: a thread that has let go and was sent off its processor before it waits again looks
 * like one that computes (two threads that compete on a busy machine do that half of the time). But that one is on no
 * processor, and to be on one on the way in or out is a matter of a microsecond. The kernel does not tell who is on a
 * processor, only how long the whole process was, exactly, and each thread, as of the last tick. So a thread is known
 * to compute when the process ran as many threads at once as are awake; or when it got time of a processor between two
 * ticks between which it cannot have held the GIL, and until its stack changes. */
#include <stdlib.h>

#include "base/clock.h"
#include "sample/reader.h"

enum {
    ENOUGH_NS = 300000, /* of a processor's time: more than the way in and out takes */
    TIMES = 2           /* that all must be seen to run, one after the other */
};

/* ---- all that are awake run ---- */

static uint32_t count_awake(const struct gs_reader *reader)
{
    uint32_t awake = 0;
    for (size_t i = 0; i < reader->member_count; i++)
        awake += reader->members[i]->tid && reader->members[i]->activity.run == GS_RUN_RUNNING;
    return awake;
}

/* Threads that Python does not know may run too, and would be taken for those that it knows. */
static bool others_sleep(const struct gs_reader *reader)
{
    struct gs_task *tasks;
    size_t count, known = 0;
    bool sleep = true;
    for (size_t i = 0; i < reader->member_count; i++)
        known += reader->members[i]->tid != 0;
    if (gs_target_tasks(reader->python->target, &tasks, &count))
        return false;
    for (size_t i = 0; i < count && sleep && count > known; i++) {
        struct gs_activity activity = {.run = GS_RUN_UNKNOWN};
        bool member = false;
        for (size_t k = 0; k < reader->member_count && !member; k++)
            member = reader->members[k]->tid == tasks[i].tid;
        if (!member)
            gs_target_activity(reader->python->target, tasks[i].tid, &activity);
        sleep = member || activity.run == GS_RUN_SYSCALL || activity.run == GS_RUN_GONE;
    }
    free(tasks);
    return sleep;
}

void gs_awake_begin(const struct gs_reader *reader, struct gs_awake_span *span)
{
    span->awake = count_awake(reader);
    span->valid = gs_target_clock_ns(reader->python->target, &span->cpu_ns);
    span->wall_ns = gs_clock_ns();
}

void gs_awake_end(const struct gs_reader *reader, struct gs_awake_span *span)
{
    uint64_t cpu_ns;
    span->valid = span->valid && gs_target_clock_ns(reader->python->target, &cpu_ns);
    if (span->valid)
        span->cpu_ns = cpu_ns - span->cpu_ns;
    span->wall_ns = gs_clock_ns() - span->wall_ns;
}

void gs_awake_judge(struct gs_reader *reader, const struct gs_awake_span *span)
{
    /* At most a quarter of one thread's time may be missing: we ourselves take some. */
    bool all = span->valid && span->awake > 0 && count_awake(reader) == span->awake &&
               4 * span->cpu_ns >= (4 * span->awake - 1) * span->wall_ns && others_sleep(reader);
    /* Once it may be a thread whose virtual processor was taken away on its way. */
    reader->all_ran = all ? reader->all_ran + 1 : 0;
    reader->all_run = reader->all_ran >= TIMES;
}

/* ---- one thread, over ticks ---- */

/* The innermost frame, and where it is in it. */
static bool same_place(const struct gs_member *member)
{
    return member->frame_count > 0 && !member->torn && member->frames[0].frame == member->awake.frame &&
           member->frames[0].instr == member->awake.instr && member->frames[0].code == member->awake.code;
}

bool gs_awake_outside(const struct gs_reader *reader, const struct gs_member *member)
{
    return reader->all_run || (member->awake.outside && (member->frame_count == 0 || same_place(member)));
}

void gs_awake_note(struct gs_reader *reader, struct gs_member *member, const struct gs_gil_words *words, bool awake)
{
    struct gs_awake *known = &member->awake;
    uint64_t ran_ns;
    if (!awake || !words->has_switches || words->last_holder == member->tstate) {
        known->looked = known->outside = false;
        return;
    }
    if (gs_awake_outside(reader, member) || !gs_target_ran_ns(reader->python->target, member->tid, &ran_ns))
        return;
    known->outside = false;
    if (!known->looked || words->switches - known->switches > 1) {
        *known = (struct gs_awake){.looked = true, .ran_ns = ran_ns, .switches = words->switches};
    } else if (!known->accounted && ran_ns != known->ran_ns) {
        /* Some of this may be of the time before the look. */
        known->accounted = true;
        known->ran_ns = ran_ns;
    } else if (known->accounted) {
        /* With one hand-over at most, nobody but the last holder then and the one now had it since. */
        known->outside = ran_ns - known->ran_ns >= ENOUGH_NS;
    }
    if (member->frame_count > 0) {
        known->frame = member->frames[0].frame;
        known->code = member->frames[0].code;
        known->instr = member->frames[0].instr;
    }
}
