/* The C stacks of a snapshot's threads, each of the same moment as its Python stack.
 *
 * A thread that sleeps is not touched: the kernel tells where its stack is, and how often it was put on a processor. If
 * that count is the same before the snapshot and after its C stack was copied, it did not move in between. One that
 * runs is stopped while registers, C stack and Python stack are copied together. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "sample/reader.h"
#include "target/still.h"

enum { TRIES = 5, COPY_LEAST = 4096 /* bytes of a stack */ };

enum gs_status gs_reader_native(struct gs_reader *reader, enum gs_native_scope scope, pid_t tid)
{
    struct gs_natives *natives = &reader->natives;
    natives->scope = scope;
    natives->only = tid;
    if (scope == GS_NATIVE_NONE || natives->engine)
        return GS_OK;
    return gs_native_new(&natives->engine, reader->python->target, &reader->options.native_options);
}

struct gs_native *gs_reader_natives(struct gs_reader *reader)
{
    return reader->natives.engine;
}

/* ---- one thread ---- */

static bool read_runs(const struct gs_reader *reader, const struct gs_cstack *cstack, uint64_t *count)
{
    struct gs_runs runs = {0};
    bool kept = cstack->runs_fd >= 0 || reader->python->target->still;
    int fd = kept ? cstack->runs_fd : gs_runs_open(reader->python->target, cstack->tid);
    bool told = gs_runs_read(fd, &runs);
    if (!kept && fd >= 0)
        close(fd);
    *count = runs.count;
    return told && runs.count > 0;
}

static void read_activity(const struct gs_reader *reader, const struct gs_cstack *cstack, struct gs_activity *activity)
{
    if (cstack->syscall_fd >= 0)
        gs_activity_read(cstack->syscall_fd, activity);
    else
        gs_target_activity(reader->python->target, cstack->tid, activity);
}

static bool asleep(const struct gs_activity *activity)
{
    return activity->run == GS_RUN_SYSCALL || activity->run == GS_RUN_BLOCKED;
}

/* What it does now. The count first: if it is the same later, it was so in between. */
static void look(struct gs_reader *reader, struct gs_cstack *cstack)
{
    cstack->has_runs = read_runs(reader, cstack, &cstack->runs);
    if (cstack->kept && cstack->has_runs && cstack->runs == cstack->kept_runs)
        return; /* it sleeps on */
    cstack->kept = false;
    read_activity(reader, cstack, &cstack->before);
}

/* It slept since look() all the time. */
static bool slept_on(const struct gs_reader *reader, const struct gs_cstack *cstack)
{
    uint64_t runs;
    struct gs_activity now;
    if (!asleep(&cstack->before))
        return false;
    if (cstack->has_runs)
        return read_runs(reader, cstack, &runs) && runs == cstack->runs;
    read_activity(reader, cstack, &now);
    return now.run == cstack->before.run && now.number == cstack->before.number && now.sp == cstack->before.sp &&
           now.pc == cstack->before.pc && memcmp(now.args, cstack->before.args, sizeof now.args) == 0;
}

static void end_as(const struct gs_reader *reader, struct gs_cstack *cstack, enum gs_native_end end)
{
    cstack->stack.count = 0;
    cstack->stack.end = end;
    cstack->read_sample = reader->sample;
}

static void unwind(struct gs_reader *reader, struct gs_cstack *cstack)
{
    gs_native_unwind(reader->natives.engine, &reader->natives.copy, &cstack->stack);
    cstack->read_sample = reader->sample;
}

/* Copies and follows the stack of a thread that sleeps, more of it where it is long. False: it did not sleep on. */
static bool take_sleeper(struct gs_reader *reader, struct gs_cstack *cstack)
{
    struct gs_native_copy *copy = &reader->natives.copy;
    copy->registers = (struct gs_arch_registers){.known = 1u << GS_ARCH_SP | 1u << GS_ARCH_PC};
    copy->registers.value[GS_ARCH_SP] = cstack->before.sp;
    copy->registers.value[GS_ARCH_PC] = cstack->before.pc;
    /* vfork(2) of glibc keeps its return address in one of them. */
    if (cstack->before.run == GS_RUN_SYSCALL)
        gs_arch_registers_of_call(&copy->registers, cstack->before.args, cstack->before.sp, cstack->before.pc);
    copy->second_sp = 0;
    for (size_t bytes = GS_NATIVE_COPY_BYTES; bytes <= GS_NATIVE_COPY_SLEEPER;) {
        if (!gs_native_is_mapped(reader->natives.engine, cstack->before.sp) || !gs_native_copy_reserve(copy, bytes) ||
            !gs_native_copy_take(reader->natives.engine, copy, bytes)) {
            end_as(reader, cstack, cstack->before.sp ? GS_NATIVE_DAMAGED : GS_NATIVE_HIDDEN);
            return true;
        }
        unwind(reader, cstack);
        if (!slept_on(reader, cstack))
            return false;
        if (!gs_native_copy_more(copy, &cstack->stack, 8, &bytes))
            break;
    }
    cstack->kept = cstack->has_runs;
    cstack->kept_runs = cstack->runs;
    return true;
}

static bool may_stop(const struct gs_reader *reader, const struct gs_cstack *cstack, const struct gs_member *member)
{
    return reader->options.stopping != GS_STOP_NEVER && !gs_was_refused(reader, cstack->refused_ns) &&
           cstack->syscall_fd >= 0 && gs_budget_allows(&reader->budget) && (!member || gs_may_stop(reader, member));
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
static enum gs_status take_runner(struct gs_reader *reader, struct gs_cstack *cstack, struct gs_member *member)
{
    struct gs_natives *natives = &reader->natives;
    if (!may_stop(reader, cstack, member)) {
        bool traced =
            gs_was_refused(reader, cstack->refused_ns) || (member && gs_was_refused(reader, member->refused_ns));
        reader->quality.refused += traced;
        end_as(reader, cstack, traced ? GS_NATIVE_TRACED : GS_NATIVE_RUNS);
        return GS_OK;
    }
    natives->copy.second_sp = 0;
    for (int i = 0; i < TRIES && cstack->want <= GS_NATIVE_COPY_MOST; i++) {
        enum gs_status status = gs_stop_and_copy(reader, member, cstack);
        if (status == GS_NOT_PERMITTED) {
            cstack->refused_ns = reader->taken_ns;
            reader->quality.refused++;
            end_as(reader, cstack, GS_NATIVE_TRACED);
            return GS_OK;
        }
        if (status)
            return status;
        if (member && member->torn)
            continue;
        unwind(reader, cstack);
        if (!gs_native_copy_more(&natives->copy, &cstack->stack, 4, &cstack->want))
            break;
    }
    expect(cstack, natives->copy.registers.value[GS_ARCH_SP]);
    return GS_OK;
}

static void take_still(struct gs_reader *reader, struct gs_cstack *cstack)
{
    const struct gs_arch_registers *registers = gs_still_registers(reader->python->target->still, cstack->tid);
    struct gs_native_copy *copy = &reader->natives.copy;
    end_as(reader, cstack, GS_NATIVE_HIDDEN);
    copy->second_sp = 0;
    for (size_t bytes = GS_NATIVE_COPY_BYTES; registers && bytes <= GS_NATIVE_COPY_SLEEPER;) {
        copy->registers = *registers;
        if (!gs_native_copy_reserve(copy, bytes) || !gs_native_copy_take(reader->natives.engine, copy, bytes)) {
            cstack->stack.end = GS_NATIVE_DAMAGED;
            return;
        }
        unwind(reader, cstack);
        if (!gs_native_copy_more(copy, &cstack->stack, 8, &bytes))
            return;
    }
}

/* The state in which its thread runs Python, of several the one that tells most. */
static struct gs_member *member_of(const struct gs_reader *reader, pid_t tid)
{
    struct gs_member *best = NULL;
    for (size_t i = 0; i < reader->member_count; i++) {
        struct gs_member *member = reader->members[i];
        if (member->tid == tid && (!best || member->gil == GS_HOLDS || (best->gil != GS_HOLDS && !best->frame_count)))
            best = member;
    }
    return best;
}

/* It moved since the snapshot began, or runs: both its stacks are taken anew. */
static void take_anew(struct gs_reader *reader, struct gs_cstack *cstack)
{
    struct gs_member *member = cstack->has_state ? member_of(reader, cstack->tid) : NULL;
    for (int i = 0; i < TRIES; i++) {
        if (i > 0 || cstack->before.run != GS_RUN_RUNNING)
            look(reader, cstack);
        if (cstack->before.run == GS_RUN_GONE || cstack->before.run == GS_RUN_UNKNOWN)
            break;
        /* Who waits for the GIL awakes for a moment when its wait times out. */
        bool dozes = member && member->gil == GS_WAITS && i + 1 < TRIES;
        if (cstack->before.run == GS_RUN_RUNNING) {
            if (!dozes && take_runner(reader, cstack, member) == GS_OK)
                return;
            continue;
        }
        if (member && gs_read_members(reader, &member, 1) != GS_OK)
            break;
        if (take_sleeper(reader, cstack))
            return;
    }
    end_as(reader, cstack, cstack->before.run == GS_RUN_UNKNOWN ? GS_NATIVE_HIDDEN : GS_NATIVE_MOVED);
}

/* ---- all of them ---- */

enum gs_status gs_natives_begin(struct gs_reader *reader)
{
    struct gs_natives *natives = &reader->natives;
    if (natives->scope == GS_NATIVE_NONE)
        return GS_OK;
    gs_native_refresh(natives->engine);
    enum gs_status status = natives->only == 0                         ? gs_natives_list(reader)
                            : gs_natives_one(reader, natives->only, 0) ? GS_OK
                                                                       : GS_NO_MEMORY;
    for (size_t i = 0; i < natives->count && !status; i++) {
        struct gs_cstack *cstack = &natives->list[i];
        if (!reader->python->target->still && (!natives->only || natives->only == cstack->tid))
            look(reader, cstack);
    }
    return status;
}

static void mark_members(struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->natives.count; i++)
        reader->natives.list[i].has_state = reader->natives.list[i].python_anew = false;
    for (size_t i = 0; i < reader->member_count; i++) {
        const struct gs_member *member = reader->members[i];
        struct gs_cstack *cstack = gs_natives_find(reader, member->tid);
        if (!cstack)
            continue;
        cstack->has_state = true;
        cstack->python_anew |= member->read_sample == reader->sample;
    }
}

/* Python's own threads only, where no more is asked for. */
static bool is_wanted(const struct gs_natives *natives, const struct gs_cstack *cstack)
{
    return (!natives->only || natives->only == cstack->tid) && (cstack->has_state || natives->scope == GS_NATIVE_ALL);
}

bool gs_natives_stop(struct gs_reader *reader, struct gs_member *member)
{
    if (reader->natives.scope == GS_NATIVE_NONE || reader->polling || !member->read_sample || !member->tid)
        return false;
    struct gs_cstack *cstack = gs_natives_find(reader, member->tid);
    if (!cstack || cstack->before.run != GS_RUN_RUNNING ||
        (reader->natives.only && reader->natives.only != member->tid) || !may_stop(reader, cstack, member))
        return false;
    member->paired =
        take_runner(reader, cstack, member) == GS_OK && cstack->stack.end != GS_NATIVE_TRACED && !member->torn;
    return member->paired;
}

/* The words of the GILs, as the snapshot has them, are not those of the threads that are read once more. */
static void keep_words(struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->lock_count; i++) {
        reader->locks[i].judged[0] = reader->locks[i].before;
        reader->locks[i].judged[1] = reader->locks[i].after;
    }
}

static void put_words_back(struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->lock_count; i++) {
        reader->locks[i].before = reader->locks[i].judged[0];
        reader->locks[i].after = reader->locks[i].judged[1];
    }
}

/* Both its stacks were taken in one stop, and neither since. */
static bool is_paired(const struct gs_reader *reader, const struct gs_cstack *cstack)
{
    const struct gs_member *member = cstack->has_state ? member_of(reader, cstack->tid) : NULL;
    return member && member->paired && member->read_sample == reader->sample && cstack->read_sample == reader->sample;
}

void gs_natives_take(struct gs_reader *reader)
{
    struct gs_natives *natives = &reader->natives;
    if (natives->scope == GS_NATIVE_NONE)
        return;
    mark_members(reader);
    keep_words(reader);
    for (size_t i = 0; i < natives->count; i++) {
        struct gs_cstack *cstack = &natives->list[i];
        if (!is_wanted(natives, cstack))
            continue;
        /* Neither stack has changed before the snapshot began, and none was read since. */
        if (cstack->kept && !cstack->python_anew)
            continue;
        if (is_paired(reader, cstack))
            continue;
        if (reader->python->target->still)
            take_still(reader, cstack);
        else if (!slept_on(reader, cstack) || (!cstack->kept && !take_sleeper(reader, cstack)))
            take_anew(reader, cstack);
    }
    put_words_back(reader);
}

void gs_natives_poll(struct gs_reader *reader, struct gs_member *member)
{
    struct gs_cstack *cstack = gs_natives_one(reader, member->tid, member->ns_tid);
    if (!cstack)
        return;
    gs_native_refresh(reader->natives.engine);
    cstack->has_state = true;
    cstack->kept = false;
    cstack->before.run = GS_RUN_UNKNOWN;
    keep_words(reader);
    take_anew(reader, cstack);
    put_words_back(reader);
    reader->natives.polled = reader->changed = true;
}
