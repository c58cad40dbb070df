/* The C stacks of a snapshot's threads, each of the same moment as its Python stack.
 *
 * A thread that sleeps is not touched: the kernel tells where its stack is, and how often it was put on a CPU. If
 * that count is the same before the snapshot and after its C stack was copied, it did not move in between. One that
 * runs is stopped while registers, C stack and Python stack are copied together. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sorted.h"
#include "sample/stack_reader.h"
#include "target/postmortem.h"

enum {
    LIST_NS = 100000000,
    POLLED_MOST = 64, /* who is polled no more is forgotten some day */
    TRIES = 5,
    COPY_LEAST = 4096 /* bytes of a stack */
};

/* ---- whose they are: the threads that the kernel has of the process, or one of them ---- */

static void drop(struct gs_cstack *cstack)
{
    if (cstack->syscall_fd >= 0)
        close(cstack->syscall_fd);
    if (cstack->runs_fd >= 0)
        close(cstack->runs_fd);
    free(cstack->stack.frames);
}

void gs_natives_free(struct gs_stack_reader *stacks)
{
    struct gs_natives *natives = &stacks->natives;
    for (size_t i = 0; i < natives->count; i++)
        drop(&natives->list[i]);
    free(natives->list);
    gs_native_copy_fini(&natives->copy);
    gs_native_free(natives->engine);
}

GS_BY(by_tid, struct gs_cstack, tid);

struct gs_cstack *gs_natives_find(const struct gs_stack_reader *stacks, pid_t tid)
{
    const struct gs_natives *natives = &stacks->natives;
    struct gs_cstack wanted = {.tid = tid};
    return natives->count > 0 ? bsearch(&wanted, natives->list, natives->count, sizeof wanted, by_tid) : NULL;
}

static bool add(struct gs_stack_reader *stacks, const struct gs_task *task)
{
    struct gs_thread_list *threads = stacks->threads;
    struct gs_natives *natives = &stacks->natives;
    const struct gs_target *target = threads->python->target;
    if (!gs_grow(stacks, (void **)&natives->list, &natives->room, natives->count + 1, sizeof *natives->list))
        return false;
    natives->list[natives->count++] =
        (struct gs_cstack){.tid = task->tid,
                           .ns_tid = task->ns_tid,
                           .found = true,
                           .syscall_fd = gs_identity_keep(threads, gs_activity_open(target, task->tid)),
                           .runs_fd = gs_identity_keep(threads, gs_runs_open(target, task->tid)),
                           .want = GS_NATIVE_COPY_BYTES};
    return true;
}

/* Takes in the threads that are there, and lets go of those that are no more. */
static bool take_in(struct gs_stack_reader *stacks, const struct gs_task *tasks, size_t count)
{
    struct gs_natives *natives = &stacks->natives;
    size_t known = natives->count, kept = 0;
    bool ok = true;
    for (size_t i = 0; i < known; i++)
        natives->list[i].found = false;
    for (size_t i = 0; i < count && ok; i++) {
        struct gs_cstack wanted = {.tid = tasks[i].tid};
        struct gs_cstack *old = known > 0 ? bsearch(&wanted, natives->list, known, sizeof wanted, by_tid) : NULL;
        /* Its number may be another thread's by now. */
        if (old && old->before.run != GS_RUN_GONE)
            old->found = true;
        else if (!natives->only || natives->only == tasks[i].tid)
            ok = add(stacks, &tasks[i]);
    }
    for (size_t i = 0; i < natives->count; i++) {
        if (natives->list[i].found)
            natives->list[kept++] = natives->list[i];
        else
            drop(&natives->list[i]);
    }
    natives->count = kept;
    if (kept > 0)
        qsort(natives->list, kept, sizeof *natives->list, by_tid);
    return ok;
}

/* Takes in who is new, and lets go of who is no more. */
static enum gs_status list_threads(struct gs_stack_reader *stacks)
{
    struct gs_thread_list *threads = stacks->threads;
    struct gs_natives *natives = &stacks->natives;
    struct gs_task *tasks;
    size_t count;
    if (natives->listed_ns && natives->discovery == threads->discovery &&
        threads->taken_ns - natives->listed_ns < LIST_NS)
        return GS_OK;
    enum gs_status status = gs_target_tasks(threads->python->target, &tasks, &count);
    if (status)
        return status;
    bool ok = take_in(stacks, tasks, count);
    free(tasks);
    natives->listed_ns = threads->taken_ns;
    natives->discovery = threads->discovery;
    return ok ? GS_OK : GS_NO_MEMORY;
}

/* That of this thread, whoever else is in the list; NULL: out of memory. */
static struct gs_cstack *list_one(struct gs_stack_reader *stacks, pid_t tid, pid_t ns_tid)
{
    struct gs_natives *natives = &stacks->natives;
    struct gs_cstack *found = gs_natives_find(stacks, tid);
    natives->listed_ns = 0; /* it is no list of all any more */
    if (found && found->before.run != GS_RUN_GONE)
        return found;
    if (found || natives->count >= POLLED_MOST) {
        for (size_t i = 0; i < natives->count; i++)
            drop(&natives->list[i]);
        natives->count = 0;
    }
    if (!add(stacks, &(struct gs_task){.tid = tid, .ns_tid = ns_tid}))
        return NULL;
    qsort(natives->list, natives->count, sizeof *natives->list, by_tid);
    return gs_natives_find(stacks, tid);
}

/* ---- one thread ---- */

static bool read_runs(const struct gs_stack_reader *stacks, const struct gs_cstack *cstack, uint64_t *count)
{
    struct gs_runs runs = {0};
    bool kept = cstack->runs_fd >= 0 || stacks->threads->python->target->postmortem;
    int fd = kept ? cstack->runs_fd : gs_runs_open(stacks->threads->python->target, cstack->tid);
    bool told = gs_runs_read(fd, &runs);
    if (!kept && fd >= 0)
        close(fd);
    *count = runs.count;
    return told && runs.count > 0;
}

static void read_activity(const struct gs_stack_reader *stacks, const struct gs_cstack *cstack,
                          struct gs_activity *activity)
{
    if (cstack->syscall_fd >= 0)
        gs_activity_read(cstack->syscall_fd, activity);
    else
        gs_target_activity(stacks->threads->python->target, cstack->tid, activity);
}

static bool asleep(const struct gs_activity *activity)
{
    return activity->run == GS_RUN_SYSCALL || activity->run == GS_RUN_BLOCKED;
}

/* What it does now. The count first: if it is the same later, it was so in between. */
static void look(struct gs_stack_reader *stacks, struct gs_cstack *cstack)
{
    cstack->has_runs = read_runs(stacks, cstack, &cstack->runs);
    if (cstack->kept && cstack->has_runs && cstack->runs == cstack->kept_runs)
        return; /* it sleeps on */
    cstack->kept = false;
    read_activity(stacks, cstack, &cstack->before);
}

/* It slept since look() all the time. */
static bool slept_on(const struct gs_stack_reader *stacks, const struct gs_cstack *cstack)
{
    uint64_t runs;
    struct gs_activity now;
    if (!asleep(&cstack->before))
        return false;
    if (cstack->has_runs)
        return read_runs(stacks, cstack, &runs) && runs == cstack->runs;
    read_activity(stacks, cstack, &now);
    return now.run == cstack->before.run && now.number == cstack->before.number && now.sp == cstack->before.sp &&
           now.pc == cstack->before.pc && memcmp(now.args, cstack->before.args, sizeof now.args) == 0;
}

static void end_as(const struct gs_stack_reader *stacks, struct gs_cstack *cstack, enum gs_native_end end)
{
    cstack->stack.count = 0;
    cstack->stack.end = end;
    cstack->read_sample = stacks->threads->sample;
}

static void unwind(struct gs_stack_reader *stacks, struct gs_cstack *cstack)
{
    gs_native_unwind(stacks->natives.engine, &stacks->natives.copy, &cstack->stack);
    cstack->read_sample = stacks->threads->sample;
}

/* Copies and follows the stack of a thread that sleeps, more of it where it is long. False: it did not sleep on. */
static bool take_sleeper(struct gs_stack_reader *stacks, struct gs_cstack *cstack)
{
    struct gs_native_copy *copy = &stacks->natives.copy;
    copy->registers = (struct gs_arch_registers){.known = GS_ARCH_BIT(GS_ARCH_SP) | GS_ARCH_BIT(GS_ARCH_PC)};
    copy->registers.value[GS_ARCH_SP] = cstack->before.sp;
    copy->registers.value[GS_ARCH_PC] = cstack->before.pc;
    /* vfork(2) of glibc keeps its return address in one of them. */
    if (cstack->before.run == GS_RUN_SYSCALL)
        gs_arch_registers_of_call(&copy->registers, cstack->before.args, cstack->before.sp, cstack->before.pc);
    copy->second_sp = 0;
    for (size_t bytes = GS_NATIVE_COPY_BYTES; bytes <= GS_NATIVE_COPY_SLEEPER;) {
        if (!gs_native_is_mapped(stacks->natives.engine, cstack->before.sp) || !gs_native_copy_reserve(copy, bytes) ||
            !gs_native_copy_take(stacks->natives.engine, copy, bytes)) {
            end_as(stacks, cstack, cstack->before.sp ? GS_NATIVE_DAMAGED : GS_NATIVE_HIDDEN);
            return true;
        }
        unwind(stacks, cstack);
        if (!slept_on(stacks, cstack))
            return false;
        if (!gs_native_copy_more(copy, &cstack->stack, 8, &bytes))
            break;
    }
    cstack->kept = cstack->has_runs;
    cstack->kept_runs = cstack->runs;
    return true;
}

static bool may_stop(const struct gs_stack_reader *stacks, const struct gs_cstack *cstack,
                     const struct gs_member *member)
{
    return stacks->options.stopping != GS_STOP_NEVER && !gs_was_refused(stacks, cstack->refused_ns) &&
           cstack->syscall_fd >= 0 && gs_budget_allows(&stacks->budget) && (!member || gs_may_stop(stacks, member));
}

/* So much will be copied the next time: twice what it took now, or a little less than this time. */
static void expect(struct gs_cstack *cstack, gs_addr sp)
{
    const struct gs_native_stack *stack = &cstack->stack;
    size_t used = stack->count > 0 ? stack->frames[stack->count - 1].cfa - sp : 0;
    size_t less = cstack->want - cstack->want / 16, want = used < less / 2 ? less : 2 * used;
    want -= want % 8;
    cstack->want = want < COPY_LEAST ? COPY_LEAST : want < GS_NATIVE_COPY_MOST ? want : GS_NATIVE_COPY_MOST;
}

/* GS_OK: it was stopped; its stack is known. */
static enum gs_status take_runner(struct gs_stack_reader *stacks, struct gs_cstack *cstack, struct gs_member *member)
{
    struct gs_natives *natives = &stacks->natives;
    if (!may_stop(stacks, cstack, member)) {
        bool traced =
            gs_was_refused(stacks, cstack->refused_ns) || (member && gs_was_refused(stacks, member->stack.refused_ns));
        stacks->quality.refused += traced;
        end_as(stacks, cstack, traced ? GS_NATIVE_TRACED : GS_NATIVE_RUNS);
        return GS_OK;
    }
    natives->copy.second_sp = 0;
    for (int i = 0; i < TRIES && cstack->want <= GS_NATIVE_COPY_MOST; i++) {
        enum gs_status status = gs_stop_and_copy(stacks, member, cstack);
        if (status == GS_NOT_PERMITTED) {
            cstack->refused_ns = stacks->threads->taken_ns;
            stacks->quality.refused++;
            end_as(stacks, cstack, GS_NATIVE_TRACED);
            return GS_OK;
        }
        if (status)
            return status;
        if (member && member->stack.torn)
            continue;
        unwind(stacks, cstack);
        if (!gs_native_copy_more(&natives->copy, &cstack->stack, 4, &cstack->want))
            break;
    }
    expect(cstack, natives->copy.registers.value[GS_ARCH_SP]);
    return GS_OK;
}

static void take_still(struct gs_stack_reader *stacks, struct gs_cstack *cstack)
{
    const struct gs_arch_registers *registers =
        gs_postmortem_registers(stacks->threads->python->target->postmortem, cstack->tid);
    struct gs_native_copy *copy = &stacks->natives.copy;
    end_as(stacks, cstack, GS_NATIVE_HIDDEN);
    copy->second_sp = 0;
    for (size_t bytes = GS_NATIVE_COPY_BYTES; registers && bytes <= GS_NATIVE_COPY_SLEEPER;) {
        copy->registers = *registers;
        if (!gs_native_copy_reserve(copy, bytes) || !gs_native_copy_take(stacks->natives.engine, copy, bytes)) {
            cstack->stack.end = GS_NATIVE_DAMAGED;
            return;
        }
        unwind(stacks, cstack);
        if (!gs_native_copy_more(copy, &cstack->stack, 8, &bytes))
            return;
    }
}

/* The state in which its thread runs Python, of several the one that tells most. */
static struct gs_member *member_of(const struct gs_stack_reader *stacks, pid_t tid)
{
    struct gs_member *best = NULL;
    for (size_t i = 0; i < stacks->threads->member_count; i++) {
        struct gs_member *member = stacks->threads->members[i];
        if (member->tid == tid &&
            (!best || member->wait.gil == GS_HOLDS || (best->wait.gil != GS_HOLDS && !best->stack.frame_count)))
            best = member;
    }
    return best;
}

/* It moved since the snapshot began, or runs: both its stacks are taken anew. */
static void take_anew(struct gs_stack_reader *stacks, struct gs_cstack *cstack)
{
    struct gs_member *member = cstack->has_state ? member_of(stacks, cstack->tid) : NULL;
    for (int i = 0; i < TRIES; i++) {
        if (i > 0 || cstack->before.run != GS_RUN_RUNNING)
            look(stacks, cstack);
        if (cstack->before.run == GS_RUN_GONE || cstack->before.run == GS_RUN_UNKNOWN)
            break;
        /* Who waits for the GIL awakes for a moment when its wait times out. */
        bool dozes = member && member->wait.gil == GS_WAITS && i + 1 < TRIES;
        if (cstack->before.run == GS_RUN_RUNNING) {
            if (!dozes && take_runner(stacks, cstack, member) == GS_OK)
                return;
            continue;
        }
        if (member && gs_read_members(stacks, &member, 1) != GS_OK)
            break;
        if (take_sleeper(stacks, cstack))
            return;
    }
    end_as(stacks, cstack, cstack->before.run == GS_RUN_UNKNOWN ? GS_NATIVE_HIDDEN : GS_NATIVE_MOVED);
}

/* ---- all of them ---- */

enum gs_status gs_natives_begin(struct gs_stack_reader *stacks)
{
    struct gs_natives *natives = &stacks->natives;
    if (natives->scope == GS_NATIVE_NONE)
        return GS_OK;
    gs_native_refresh(natives->engine);
    enum gs_status status = natives->only == 0                   ? list_threads(stacks)
                            : list_one(stacks, natives->only, 0) ? GS_OK
                                                                 : GS_NO_MEMORY;
    for (size_t i = 0; i < natives->count && !status; i++) {
        struct gs_cstack *cstack = &natives->list[i];
        if (!stacks->threads->python->target->postmortem && (!natives->only || natives->only == cstack->tid))
            look(stacks, cstack);
    }
    return status;
}

static void mark_members(struct gs_stack_reader *stacks)
{
    struct gs_thread_list *threads = stacks->threads;
    for (size_t i = 0; i < stacks->natives.count; i++)
        stacks->natives.list[i].has_state = stacks->natives.list[i].python_anew = false;
    for (size_t i = 0; i < threads->member_count; i++) {
        const struct gs_member *member = threads->members[i];
        struct gs_cstack *cstack = gs_natives_find(stacks, member->tid);
        if (!cstack)
            continue;
        cstack->has_state = true;
        cstack->python_anew |= member->stack.read_sample == threads->sample;
    }
}

/* Python's own threads only, where no more is asked for. */
static bool is_wanted(const struct gs_natives *natives, const struct gs_cstack *cstack)
{
    return (!natives->only || natives->only == cstack->tid) && (cstack->has_state || natives->scope == GS_NATIVE_ALL);
}

/* Stops a member whose thread ran when the snapshot began, and takes both its stacks. False: it is to be read like
 * others. */
static bool stop_runner(struct gs_stack_reader *stacks, struct gs_member *member)
{
    if (stacks->natives.scope == GS_NATIVE_NONE || stacks->threads->polling || !member->stack.read_sample ||
        !member->tid)
        return false;
    struct gs_cstack *cstack = gs_natives_find(stacks, member->tid);
    if (!cstack || cstack->before.run != GS_RUN_RUNNING ||
        (stacks->natives.only && stacks->natives.only != member->tid) || !may_stop(stacks, cstack, member))
        return false;
    member->stack.paired =
        take_runner(stacks, cstack, member) == GS_OK && cstack->stack.end != GS_NATIVE_TRACED && !member->stack.torn;
    return member->stack.paired;
}

enum gs_status gs_natives_read(struct gs_stack_reader *stacks, struct gs_member **members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        members[i]->news = true;
    return count == 1 && stop_runner(stacks, members[0]) ? GS_OK : gs_read_and_stop(stacks, members, count);
}

/* The fields of the GILs, as the snapshot has them, are not those of the threads that are read once more. */
static void keep_gils(struct gs_stack_reader *stacks)
{
    struct gs_thread_list *threads = stacks->threads;
    for (size_t i = 0; i < threads->lock_count; i++) {
        threads->locks[i].judged[0] = threads->locks[i].before;
        threads->locks[i].judged[1] = threads->locks[i].after;
    }
}

static void put_gils_back(struct gs_stack_reader *stacks)
{
    struct gs_thread_list *threads = stacks->threads;
    for (size_t i = 0; i < threads->lock_count; i++) {
        threads->locks[i].before = threads->locks[i].judged[0];
        threads->locks[i].after = threads->locks[i].judged[1];
    }
}

/* Both its stacks were taken in one stop, and neither since. */
static bool is_paired(const struct gs_stack_reader *stacks, const struct gs_cstack *cstack)
{
    const struct gs_member *member = cstack->has_state ? member_of(stacks, cstack->tid) : NULL;
    return member && member->stack.paired && member->stack.read_sample == stacks->threads->sample &&
           cstack->read_sample == stacks->threads->sample;
}

void gs_natives_take(struct gs_stack_reader *stacks)
{
    struct gs_natives *natives = &stacks->natives;
    if (natives->scope == GS_NATIVE_NONE)
        return;
    mark_members(stacks);
    keep_gils(stacks);
    for (size_t i = 0; i < natives->count; i++) {
        struct gs_cstack *cstack = &natives->list[i];
        if (!is_wanted(natives, cstack))
            continue;
        /* Neither stack has changed before the snapshot began, and none was read since. */
        if (cstack->kept && !cstack->python_anew)
            continue;
        if (is_paired(stacks, cstack))
            continue;
        if (stacks->threads->python->target->postmortem)
            take_still(stacks, cstack);
        else if (!slept_on(stacks, cstack) || (!cstack->kept && !take_sleeper(stacks, cstack)))
            take_anew(stacks, cstack);
    }
    put_gils_back(stacks);
}

void gs_natives_poll(struct gs_stack_reader *stacks, struct gs_member *member)
{
    struct gs_cstack *cstack = list_one(stacks, member->tid, member->ns_tid);
    if (!cstack)
        return;
    gs_native_refresh(stacks->natives.engine);
    cstack->has_state = true;
    cstack->kept = false;
    cstack->before.run = GS_RUN_UNKNOWN;
    keep_gils(stacks);
    take_anew(stacks, cstack);
    put_gils_back(stacks);
    stacks->natives.polled = stacks->threads->changed = true;
}
