/* Follows the callbacks of event loops, and tells of those that keep everything else in their loop waiting. */
#include <stdio.h>
#include <string.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_loops.h"
#include "diagnose/why_rules.h"
#include "python/held.h"
#include "python/names_attribute.h"
#include "python/tasks.h"
#include "python/uvloop.h"

enum role { OTHER, RUN_ONCE, RUN, RUNNER, UNKNOWN };

enum {
    SHARE_OF_LONG = 4, /* long callbacks that take a quarter of the time are worth a word */
    PROOFS_LEAST = 10  /* two handles that take turns have the same address in every other look */
};

#define PROVE_NS UINT64_C(20000000) /* after so long in what looks like one callback its handle is read each time */

static enum role ask_role(const struct gs_case *c, const struct gs_frame *frame)
{
    if (gs_frame_is(&c->lookup, frame, "asyncio/base_events.py", "_run_once"))
        return RUN_ONCE;
    if (gs_frame_is(&c->lookup, frame, "asyncio/events.py", "_run"))
        return RUN;
    return gs_frame_is(&c->lookup, frame, "asyncio/runners.py", "run") ? RUNNER : OTHER;
}

static enum role role_of(struct gs_why_loops *loops, const struct gs_case *c, const struct gs_frame *frame)
{
    size_t at = (size_t)(frame->code >> 4) % GS_LOOP_CODES;
    if (loops->codes[at].code != frame->code || loops->codes[at].role == UNKNOWN) {
        loops->codes[at].code = frame->code;
        loops->codes[at].role = (uint8_t)ask_role(c, frame);
    }
    return (enum role)loops->codes[at].role;
}

/* Where a thread's stack has a loop, and a callback in it. */
struct found {
    /* once NULL: the loop is uvloop's; run NULL: none runs; callback NULL: C code alone */
    const struct gs_frame *once, *run, *callback;
};

/* uvloop calls a callback from C code. Where nothing tells which frame runs the loop, the innermost one is in the
 * callback, unless the loop asks for what comes next. */
static void find_called(const struct gs_thread *thread, const struct gs_frame *runner, struct found *found)
{
    if (runner)
        found->callback = runner > thread->frames ? runner - 1 : NULL;
    else
        found->callback = gs_event_loop_polls(&thread->activity) ? NULL : thread->frames;
    found->run = found->callback;
}

static bool find(struct gs_why_loops *loops, const struct gs_case *c, const struct gs_thread *thread,
                 const struct gs_why_loop *loop, struct found *found)
{
    const struct gs_frame *runner = NULL;
    *found = (struct found){0};
    for (uint32_t i = 0; i < thread->frame_count; i++) {
        const struct gs_frame *frame = &thread->frames[i];
        if (frame->kind != GS_FRAME_PYTHON)
            continue;
        enum role role = role_of(loops, c, frame);
        if (role == RUN) {
            found->run = frame;
            found->callback = i > 0 ? frame - 1 : NULL;
        } else if (role == RUN_ONCE) {
            found->once = frame;
            return true;
        } else if (role == RUNNER) {
            runner = frame;
        }
    }
    bool uvloop = loop && loop->uvloop;
    if (loops->asks)
        uvloop = gs_uvloop_clock_ms(&c->python->layout, c->python->mem, thread->tstate) != 0;
    if (uvloop && thread->frame_count > 0)
        find_called(thread, runner, found);
    return uvloop;
}

static gs_addr self_of(const struct gs_case *c, const struct gs_frame *frame)
{
    struct gs_variable list[8];
    size_t count;
    const struct gs_code *code = c->lookup.code(c->lookup.context, frame);
    if (!code || gs_locals_objects(c->python, c->python->mem, frame->frame, code, list, 8, &count) != GS_OK)
        return 0;
    return count > 0 && strcmp(list[0].name, "self") == 0 ? list[0].object : 0;
}

/* How many a deque, a list or a dict has: the first field of each (Include/object.h: PyVarObject; Modules/
 * _collectionsmodule.c: dequeobject; Include/cpython/dictobject.h: ma_used). */
static int64_t length_of(const struct gs_case *c, struct gs_types *types, gs_addr object, const char *name)
{
    enum { MOST = 100000000 };
    const struct gs_layout *layout = &c->python->layout;
    uint64_t count;
    gs_addr value = object ? gs_attribute_find(layout, c->python->mem, types, object, name) : 0;
    if (value == 0 || gs_mem_read(c->python->mem, value + (gs_addr)layout->head_bytes, &count, sizeof count) ||
        count > MOST)
        return -1;
    return (int64_t)count;
}

static struct gs_loop_waiting waiting_of(const struct gs_case *c, const struct gs_frame *once)
{
    struct gs_types types = {0};
    gs_addr loop = once ? self_of(c, once) : 0;
    gs_addr selector = loop ? gs_attribute_find(&c->python->layout, c->python->mem, &types, loop, "_selector") : 0;
    int64_t descriptors = length_of(c, &types, selector, "_fd_to_key");
    return (struct gs_loop_waiting){.ready = length_of(c, &types, loop, "_ready"),
                                    .timers = length_of(c, &types, loop, "_scheduled"),
                                    .descriptors = descriptors > 0 ? descriptors - 1 : descriptors};
}

static void end_stay(struct gs_why_loop *loop, bool goes_on)
{
    loop->now.ns = loop->last_ns - loop->since_ns;
    loop->now.proven = loop->proofs >= PROOFS_LEAST;
    loop->now.goes_on = goes_on;
    if (loop->noted) {
        loop->long_ns += loop->now.ns;
        loop->long_count++;
        if (loop->now.ns > loop->longest.ns)
            loop->longest = loop->now;
    }
    loop->noted = false;
    loop->frame = loop->code = loop->handle = 0;
    loop->proofs = 0;
}

static void begin_stay(struct gs_why_loop *loop, const struct found *found, uint64_t now_ns)
{
    const struct gs_frame *frame = found->callback ? found->callback : found->run;
    loop->frame = frame->frame;
    loop->code = frame->code;
    loop->since_ns = loop->last_ns = now_ns;
}

/* The frames are those of the look before, and so is the handle, or what uvloop's clock shows, as far as it is known.
 */
static bool stays(const struct gs_case *c, struct gs_why_loop *loop, const struct gs_thread *thread,
                  const struct found *found, uint64_t now_ns)
{
    const struct gs_frame *frame = found->callback ? found->callback : found->run;
    if (frame->frame != loop->frame || frame->code != loop->code)
        return false;
    if (now_ns - loop->since_ns < PROVE_NS)
        return true;
    gs_addr handle =
        loop->uvloop ? gs_uvloop_clock_ms(&c->python->layout, c->python->mem, thread->tstate) : self_of(c, found->run);
    if (handle == 0)
        return !loop->uvloop;
    bool same = loop->handle == 0 || loop->handle == handle;
    loop->proofs += loop->handle == handle;
    loop->handle = handle;
    return same;
}

static void note_place(const struct gs_case *c, struct gs_why_loop *loop, const struct gs_thread *thread,
                       const struct found *found)
{
    struct gs_said callback = {"a callback of C code"};
    if (found->callback)
        callback = gs_said_function(c, found->callback);
    loop->noted = true;
    snprintf(loop->now.callback, sizeof loop->now.callback, "%.239s", callback.words);
    snprintf(loop->now.stack, sizeof loop->now.stack, "%s", gs_said_stack(c, thread).words);
    loop->now.activity = thread->activity;
    loop->now.waiting = waiting_of(c, found->once);
}

static struct gs_why_loop *loop_of(struct gs_why_loops *loops, pid_t tid, bool add)
{
    for (size_t i = 0; i < loops->count; i++) {
        if (loops->list[i].tid == tid)
            return &loops->list[i];
    }
    if (!add || loops->count == GS_LOOPS_MOST)
        return NULL;
    loops->list[loops->count] = (struct gs_why_loop){.tid = tid};
    return &loops->list[loops->count++];
}

static void add_thread(struct gs_why_loops *loops, const struct gs_case *c, const struct gs_thread *thread)
{
    struct found found;
    uint64_t now_ns = c->snapshot->time_ns;
    struct gs_why_loop *loop = loop_of(loops, thread->tid, false);
    bool unmoved = loop && loop->read == thread->read && loop->frame;
    if (unmoved)
        loop->proofs++;
    bool has = find(loops, c, thread, loop, &found);
    if (!loop && has)
        loop = loop_of(loops, thread->tid, true);
    if (!loop)
        return;
    loop->read = thread->read;
    loop->uvloop = has && !found.once;
    if (loop->frame && !(unmoved && has && found.run) && !(has && found.run && stays(c, loop, thread, &found, now_ns)))
        end_stay(loop, false);
    if (!has || !found.run)
        return;
    if (!loop->frame)
        begin_stay(loop, &found, now_ns);
    loop->last_ns = now_ns;
    if (!loop->noted && now_ns - loop->since_ns >= GS_LOOP_LONG_NS &&
        (loop->proofs >= PROOFS_LEAST || loop->handle == 0))
        note_place(c, loop, thread, &found);
}

void gs_why_loops_add(struct gs_why_loops *loops, const struct gs_case *c)
{
    loops->asks = c->snapshot->time_ns - loops->asked_ns >= GS_LOOP_LONG_NS;
    if (loops->asks)
        loops->asked_ns = c->snapshot->time_ns;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        if (!thread->torn && !thread->apart)
            add_thread(loops, c, thread);
    }
}

void gs_why_loops_end(struct gs_why_loops *loops)
{
    for (size_t i = 0; i < loops->count; i++) {
        if (loops->list[i].frame)
            end_stay(&loops->list[i], true);
    }
}

/* ---- the rule ---- */

/* How many tasks the loop has that a thread runs. */
static uint32_t tasks_of(const struct gs_case *c, size_t i)
{
    for (size_t k = 0; c->tasks && k < c->tasks->loop_count; k++) {
        if (c->tasks->loops[k].tstate == c->snapshot->threads[i].tstate)
            return c->tasks->loops[k].count;
    }
    return 0;
}

/* Something else may want to run in that loop. */
static bool others_wait(const struct gs_case *c, size_t i, const struct gs_why_loop *loop)
{
    const struct gs_loop_waiting *waiting = &loop->longest.waiting;
    if (loop->uvloop)
        return tasks_of(c, i) > 1;
    return waiting->ready != 0 || waiting->timers != 0 || waiting->descriptors != 0;
}

static void tell_waiting(struct gs_judging *j, struct gs_verdict *v, size_t i, const struct gs_why_loop *loop)
{
    const struct gs_loop_waiting *waiting = &loop->longest.waiting;
    if (loop->uvloop)
        gs_why_evidence(j, v, "Until it gives way nothing else of that loop runs, which has %s tasks.",
                        gs_said_number(tasks_of(j->c, i)).words);
    if (waiting->ready < 0 || waiting->timers < 0 || waiting->descriptors < 0)
        return;
    gs_why_evidence(
        j, v,
        "Until it gives way nothing else of that loop runs: when this was seen %s callbacks were ready, and it "
        "had %s timers and %s descriptors to look after.",
        gs_said_number((uint64_t)waiting->ready).words, gs_said_number((uint64_t)waiting->timers).words,
        gs_said_number((uint64_t)waiting->descriptors).words);
}

static void tell_loop(struct gs_judging *j, size_t i, const struct gs_why_loop *loop)
{
    const struct gs_case *c = j->c;
    const struct gs_loop_stay *stay = &loop->longest;
    struct gs_said who = gs_said_thread(c, &c->snapshot->threads[i]), longest = gs_said_us(stay->ns / 1000),
                   watched = gs_said_us(gs_case_watched_ns(c) / 1000);
    struct gs_verdict *v;
    if (loop->long_count == 1)
        v = gs_why_say(j, GS_WHY_loop_blocked, stay->proven,
                       "The event loop of %s stood in one callback, %s, for %s of the %s watched%s.", who.words,
                       stay->callback, longest.words, watched.words, stay->goes_on ? ", and still does" : "");
    else
        v = gs_why_say(
            j, GS_WHY_loop_blocked, stay->proven,
            "The event loop of %s stands in one callback again and again, the longest time in %s: %s times for "
            "%s of the %s watched, up to %s at a time.",
            who.words, stay->callback, gs_said_number(loop->long_count).words, gs_said_us(loop->long_ns / 1000).words,
            watched.words, longest.words);
    gs_why_evidence(j, v, "There it %s, in %s.", gs_said_call(c, &stay->activity).words, stay->stack);
    tell_waiting(j, v, i, loop);
    gs_why_advise(
        j, v,
        "Await what lasts (asyncio.sleep for time.sleep, an asynchronous client for a blocking one), or have a "
        "thread or a process do it (asyncio.to_thread, loop.run_in_executor).");
    gs_why_basis(j, v,
                 !stay->proven  ? "the callback's frame was the same in all looks, of %s in %s."
                 : loop->uvloop ? "the loop's clock stood in all looks at that callback, of %s in %s."
                                : "the loop's handle was the same in all looks at that callback, of %s in %s.",
                 gs_said_number(c->watch->samples).words, watched.words);
    gs_why_concerns(j, v, i);
}

/* What it waits for in that callback, and who has that, is a verdict of its own. */
static bool waits_for_lock(const struct gs_judging *j, pid_t tid)
{
    for (size_t i = 0; i < j->why->count; i++) {
        const struct gs_verdict *verdict = &j->why->list[i];
        for (size_t k = 0; verdict->kind == GS_WHY_lock_wait && k < verdict->thread_count; k++) {
            if (verdict->threads[k] == tid)
                return true;
        }
    }
    return false;
}

/* For the time that the thread could have run and had no processor the machine is to blame. */
static bool is_blocked(const struct gs_case *c, size_t i, const struct gs_why_loop *loop)
{
    double watched_ns = (double)gs_case_watched_ns(c), kept_ns = gs_case_kept(c, i) * watched_ns;
    double own = loop->long_ns > 0 && (double)loop->long_ns > kept_ns ? 1 - kept_ns / (double)loop->long_ns : 0;
    return others_wait(c, i, loop) && (own * (double)loop->longest.ns >= (double)GS_WHY_HANGS_NS ||
                                       own * (double)loop->long_ns >= watched_ns / SHARE_OF_LONG);
}

void gs_why_find_loops(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; i < c->snapshot->thread_count && c->loops && !c->stopped; i++) {
        pid_t tid = c->snapshot->threads[i].tid;
        bool told = j->told[i] && !waits_for_lock(j, tid);
        for (size_t k = 0; k < c->loops->count && !told; k++) {
            told = c->loops->list[k].tid == tid && is_blocked(c, i, &c->loops->list[k]);
            if (told)
                tell_loop(j, i, &c->loops->list[k]);
        }
    }
}
