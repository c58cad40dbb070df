/* Reading stacks, and again with the thread stopped where that is needed: when a stack came out torn, or when most of
 * its readings do.
 *
 * A torn stack is never just tried again: that would go on until the thread happens to be in a state that lasts, and
 * short functions would vanish from the picture (3.11, a loop over functions of 50 ns: 20 % of the time in them, 0.25 %
 * seen). A thread whose readings mostly come out torn moves so fast that one that does not is rather two that happen
 * to agree: it is stopped at once. */
#include "base/clock.h"
#include "base/watch.h"
#include "sample/stack_reader.h"

enum {
    TORN_OFTEN = 3,   /* of the last 32 readings more than this torn: stop first, */
    PROBE_EVERY = 16, /* but see now and then whether it would go without */
    TRIES = 8
};

/* Whole samples are left out when the stops take more than their share of the time: leaving out only the torn ones
 * would make short functions vanish. A look at one thread (gs_reader_native) is not a sample of the time: it goes
 * without a stop where there is no time for one (gs_may_stop). */
bool gs_over_budget(struct gs_stack_reader *stacks)
{
    return stacks->options.stopping != GS_STOP_NEVER && !stacks->natives.only &&
           !gs_budget_admits(&stacks->budget, gs_clock_ns());
}

static void copy_c_stack(struct gs_stack_reader *stacks, struct gs_cstack *cstack,
                         const struct gs_arch_registers *registers)
{
    struct gs_native_copy *copy = &stacks->natives.copy;
    copy->first.len = 0;
    copy->registers = *registers;
    gs_native_copy_take(stacks->natives.engine, copy, cstack->want);
}

/* A thread that is stopped ran, or it would not have been; once it is let go the kernel must not be asked: until it is
 * back on a CPU, the answer is that it is blocked, or in a system call that it was about to leave. But it may
 * have come to wait for the GIL meanwhile. */
static void note_run(const struct gs_stack_reader *stacks, struct gs_member *member, bool came_in)
{
    struct gs_activity met = {.run = GS_RUN_RUNNING, .number = -1};
    if (came_in)
        gs_activity_read(member->syscall_fd, &met);
    if (gs_gil_futex(&gs_lock_of(stacks->threads, member)->place, &met) == GS_FUTEX_OTHER)
        member->stack.ran_sample = stacks->threads->sample;
}

/* All that is done while a thread stands still. */
static enum gs_status read_while_stopped(struct gs_stack_reader *stacks, struct gs_member *member,
                                         struct gs_cstack *cstack)
{
    enum gs_status status = GS_LOST;
    struct gs_arch_registers registers = {.known = 0};
    bool came_in = false;
    if (cstack) {
        gs_stop_registers(&stacks->stop, &registers, &came_in);
        copy_c_stack(stacks, cstack, &registers);
    }
    for (int i = 0; i < TRIES && status != GS_OK && member; i++)
        status = gs_read_stopped(stacks, member);
    /* Until it has left its CPU the kernel makes us wait for that. */
    if (!cstack)
        gs_stop_registers(&stacks->stop, &registers, &came_in);
    stacks->quality.stopped_in_syscall += came_in;
    if (member)
        note_run(stacks, member, came_in);
    return member ? status : GS_OK;
}

enum gs_status gs_stop_and_copy(struct gs_stack_reader *stacks, struct gs_member *member, struct gs_cstack *cstack)
{
    int fd = cstack ? cstack->syscall_fd : member->syscall_fd;
    if ((member && !gs_read_reserve(stacks, member)) ||
        (cstack && !gs_native_copy_reserve(&stacks->natives.copy, cstack->want)))
        return GS_LOST;
    enum gs_status status =
        gs_stop_begin(&stacks->stop, stacks->threads->python->target, cstack ? cstack->tid : member->tid, fd);
    if (status)
        return status;
    gs_watch_hold(stacks->threads->python->target->watch, true);
    stacks->stopping = true;
    status = read_while_stopped(stacks, member, cstack);
    stacks->stopping = false;
    bool held = gs_stop_holds(&stacks->stop);
    uint64_t stood_ns = gs_stop_end(&stacks->stop);
    stacks->quality.stopped_us += (stood_ns + 500) / 1000;
    gs_budget_spend(&stacks->budget, gs_clock_ns(), stood_ns);
    gs_watch_hold(stacks->threads->python->target->watch, false);
    stacks->quality.stopped++;
    if (member && (!held || status != GS_OK || gs_read_finish(stacks, member) != GS_OK))
        member->stack.torn = true;
    return held || member ? GS_OK : GS_LOST;
}

/* One reading of a thread that is stopped for it. False when it could not be stopped, and nothing has changed. */
static bool copy_stopped(struct gs_stack_reader *stacks, struct gs_member *member)
{
    enum gs_status status = gs_stop_and_copy(stacks, member, NULL);
    if (status)
        member->stack.refused_ns = status == GS_NOT_PERMITTED ? stacks->threads->taken_ns : 0;
    return status == GS_OK;
}

/* It runs, and would be stopped if somebody else did not trace it. */
static void count_refused(struct gs_stack_reader *stacks, const struct gs_member *member)
{
    struct gs_activity activity;
    gs_activity_read(member->syscall_fd, &activity);
    stacks->quality.refused += activity.run == GS_RUN_RUNNING;
}

/* Reads a stack that must not be believed as it is: stopped, if its thread runs. */
static void read_again(struct gs_stack_reader *stacks, struct gs_member *member)
{
    if (gs_was_refused(stacks, member->stack.refused_ns))
        count_refused(stacks, member);
    for (int i = 0; i < TRIES; i++) {
        if (gs_may_stop(stacks, member) && copy_stopped(stacks, member)) {
            if (!member->stack.torn)
                return;
            continue;
        }
        /* It sleeps, so that nothing moves, or it cannot be stopped. What is whole stays as it is. */
        if (!member->stack.torn || gs_read_members(stacks, &member, 1) != GS_OK)
            return;
    }
}

static bool often_torn(const struct gs_member *member)
{
    return __builtin_popcount(member->stack.torn_history) > TORN_OFTEN;
}

static void remember(struct gs_member *member)
{
    if (member->stack.doubled)
        member->stack.torn_history = member->stack.torn_history << 1 | member->stack.torn;
}

/* Reads one thread that is best stopped at once. False when that did not work out. */
static bool stop_first(struct gs_stack_reader *stacks, struct gs_member *member)
{
    bool always = stacks->options.stopping == GS_STOP_ALWAYS;
    if (!gs_may_stop(stacks, member) || !(always || often_torn(member)))
        return false;
    if (!always && stacks->threads->sample % PROBE_EVERY == 0 && gs_read_members(stacks, &member, 1) == GS_OK)
        remember(member);
    for (int i = 0; i < TRIES; i++) {
        if (!copy_stopped(stacks, member))
            return false;
        if (!member->stack.torn)
            return true;
    }
    return false;
}

enum gs_status gs_read_and_stop(struct gs_stack_reader *stacks, struct gs_member **members, size_t count)
{
    if (count == 1 && stop_first(stacks, members[0]))
        return GS_OK;
    enum gs_status status = gs_read_members(stacks, members, count);
    for (size_t i = 0; i < count && !status; i++) {
        struct gs_member *member = members[i];
        remember(member);
        bool doubtful = member->stack.doubled && (stacks->options.stopping == GS_STOP_ALWAYS || often_torn(member));
        if (stacks->options.stopping != GS_STOP_NEVER && member->tid && member->stack.linked &&
            (member->stack.torn || doubtful))
            read_again(stacks, member);
    }
    return status;
}
