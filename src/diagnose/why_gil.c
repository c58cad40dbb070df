/* Who keeps the GIL too long: by collecting garbage, by sleeping with it, by one call of C code. */
#include <stdlib.h>
#include <string.h>

#include "diagnose/why_native.h"
#include "diagnose/why_rules.h"

enum {
    SHARE_OF_LONG = 4, /* long holds that take a quarter of the time are worth a word, */
    SHARE_OF_GC = 4    /* and so is garbage collection */
};

/* The threads that wait for the GIL that this thread has or had. */
static size_t waiters_of(const struct gs_case *c, size_t holder, bool *chosen)
{
    const struct gs_snapshot *s = c->snapshot;
    uint32_t gil = s->interpreters[s->threads[holder].interpreter].gil;
    size_t count = 0;
    for (size_t i = 0; i < s->thread_count; i++) {
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, s->threads[i].tstate);
        bool waited = s->threads[i].gil == GS_WAITS || (sum && sum->longest_wait_ns >= GS_WHY_LONG_NS);
        chosen[i] = i != holder && waited && s->interpreters[s->threads[i].interpreter].gil == gil;
        count += chosen[i];
    }
    return count;
}

static void tell_waiters(struct gs_judging *j, struct gs_verdict *v, size_t holder)
{
    const struct gs_case *c = j->c;
    bool *chosen = calloc(c->snapshot->thread_count + 1, sizeof *chosen);
    size_t count = chosen ? waiters_of(c, holder, chosen) : 0;
    if (count > 0)
        gs_why_evidence(j, v, "%s %s for the GIL: %s. Until it is free nothing else in this process runs Python.",
                        count == 1 ? "One thread" : gs_said_number(count).words, count == 1 ? "waits" : "threads wait",
                        gs_said_threads(c, chosen).words);
    else
        gs_why_evidence(j, v, "No other thread asks for the GIL at the moment.");
    for (size_t i = 0; i < c->snapshot->thread_count && chosen; i++) {
        if (chosen[i])
            gs_why_concerns(j, v, i);
    }
    free(chosen);
}

static uint64_t length_ns(const struct gs_why_hold *hold)
{
    return hold->end_ns - hold->begin_ns;
}

/* It covers the whole time, but for what is lost at the edges. */
static bool throughout(const struct gs_case *c, const struct gs_why_hold *hold)
{
    uint64_t watched_ns = gs_case_watched_ns(c);
    return hold->ended_ns == 0 && length_ns(hold) + watched_ns / 20 >= watched_ns;
}

/* Others asked for it all the time, and the switch count stood still: it cannot have let go in between. */
static bool proven(const struct gs_why_hold *hold)
{
    return hold->counted && hold->contended_ns >= length_ns(hold) * 9 / 10 && hold->asked >= hold->looks * 9 / 10;
}

static void give_basis(struct gs_judging *j, struct gs_verdict *v, const struct gs_why_hold *hold)
{
    if (proven(hold))
        gs_why_basis(j, v, "in each of %s looks the GIL's switch count stood at %s, and it was asked to let go.",
                     gs_said_number(hold->looks).words, gs_said_number(hold->switches).words);
    else if (hold->counted)
        gs_why_basis(j, v,
                     "in each of %s looks the GIL's switch count stood at %s; whether it let go for a moment and "
                     "took it again, that does not tell.",
                     gs_said_number(hold->looks).words, gs_said_number(hold->switches).words);
    else
        gs_why_basis(j, v,
                     "in each of %s looks it had the GIL and stood at the same instruction; this Python does not "
                     "count how often the GIL changes hands.",
                     gs_said_number(hold->looks).words);
}

/* ---- garbage collection ---- */

void gs_why_find_gc(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    uint64_t watched_ns = gs_case_watched_ns(c);
    struct gs_verdict *v = NULL;
    bool now = false;
    for (size_t i = 0; i < c->snapshot->interpreter_count; i++) {
        now |= c->snapshot->interpreters[i].collecting_garbage;
        if (c->snapshot->interpreters[i].finalizing) /* that collects, too, and says more */
            return;
    }
    if (c->target->still && now)
        v = gs_why_say(j, GS_WHY_gc, true, "Python was collecting garbage.");
    else if (!c->target->still && c->watch->longest_collecting_ns >= GS_WHY_HANGS_NS)
        v = gs_why_say(j, GS_WHY_gc, true, "Python collects garbage: %s of the %s watched, up to %s without a pause%s.",
                       gs_said_us(c->watch->collecting_ns / 1000).words, gs_said_us(watched_ns / 1000).words,
                       gs_said_us(c->watch->longest_collecting_ns / 1000).words, now ? ", and still does" : "");
    else if (!c->target->still && c->watch->collecting_ns >= watched_ns / SHARE_OF_GC)
        v = gs_why_say(j, GS_WHY_gc, true, "Python spends much of its time on garbage: %s of the %s watched.",
                       gs_said_us(c->watch->collecting_ns / 1000).words, gs_said_us(watched_ns / 1000).words);
    if (!v)
        return;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, thread->tstate);
        if ((sum && sum->long_count[GS_WHY_COLLECTING] > 0) || (now && thread->gil == GS_HOLDS)) {
            gs_why_evidence(j, v, "%s does it, in %s.", gs_said_thread(c, thread).words,
                            gs_said_stack(c, thread).words);
            gs_why_concerns(j, v, i);
        }
    }
    gs_why_evidence(j, v, "While it collects, the thread keeps the GIL, and nobody else runs Python.");
    gs_why_advise(j, v,
                  "Many objects that live long make each full collection long: call gc.freeze() after start-up, "
                  "raise gc.set_threshold(), or collect at a time of your own with gc.disable() and gc.collect().");
    gs_why_basis(j, v, "the interpreter's flag for that was set.");
}

/* ---- holders that sleep ---- */

/* Of a core: the holder at that moment. */
static void find_blocked_in_core(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        if (thread->gil != GS_HOLDS || thread->activity.run != GS_RUN_SYSCALL || j->told[i])
            continue;
        bool *chosen = calloc(c->snapshot->thread_count + 1, sizeof *chosen);
        size_t waiting = chosen ? waiters_of(c, i, chosen) : 0;
        free(chosen);
        if (waiting == 0)
            continue;
        struct gs_verdict *v =
            gs_why_say(j, GS_WHY_gil_held_blocked, false, "%s slept in a system call while it had the GIL: it %s.",
                       gs_said_thread(c, thread).words, gs_said_call(c, &thread->activity).words);
        gs_why_evidence(j, v, "It was in %s.", gs_said_stack(c, thread).words);
        gs_why_concerns(j, v, i);
        tell_waiters(j, v, i);
        gs_why_basis(j, v, "the core is one moment: for how long, it does not tell.");
    }
}

static void tell_blocked(struct gs_judging *j, size_t index, const struct gs_why_thread *sum)
{
    const struct gs_case *c = j->c;
    const struct gs_thread *thread = &c->snapshot->threads[index];
    const struct gs_why_hold *hold = &sum->longest[GS_WHY_ASLEEP];
    const struct gs_wait *wait = &c->now->list[index];
    struct gs_said who = gs_said_thread(c, thread), watched = gs_said_us(gs_case_watched_ns(c) / 1000);
    struct gs_verdict *v;
    if (throughout(c, hold))
        v = gs_why_say(j, GS_WHY_gil_held_blocked, proven(hold),
                       "%s sleeps in a system call with the GIL, and did not let go once in the %s watched.", who.words,
                       watched.words);
    else
        v = gs_why_say(j, GS_WHY_gil_held_blocked, proven(hold),
                       "%s slept in system calls with the GIL for %s of the %s watched, up to %s without letting go.",
                       who.words, gs_said_us(sum->long_ns[GS_WHY_ASLEEP] / 1000).words, watched.words,
                       gs_said_us(length_ns(hold) / 1000).words);
    bool now = hold->ended_ns == 0;
    const struct gs_why_native *native = gs_case_native(c, thread->tid);
    gs_why_evidence(j, v, "It %s%s, in %s.", gs_said_call(c, &hold->activity).words,
                    now ? gs_said_asleep(c, thread->tid).words : " each time", gs_said_stack(c, thread).words);
    if (native)
        gs_why_evidence(j, v, "The C function that sleeps with the GIL is %s, in %s.", native->function,
                        native->module);
    if (now && (wait->kind == GS_WAIT_MUTEX || wait->kind == GS_WAIT_LOCK))
        gs_why_evidence(j, v, "What it waits for is %s, which %s has.", gs_said_wait(c, wait).words,
                        wait->owner_tid      ? gs_said_tid(c, wait->owner_tid).words
                        : wait->outsider > 0 ? gs_said_tid(c, wait->outsider).words
                                             : "somebody that cannot be seen");
    gs_why_concerns(j, v, index);
    tell_waiters(j, v, index);
    gs_why_advise(j, v,
                  "C code that may have to wait must give up the GIL first (Py_BEGIN_ALLOW_THREADS; ctypes.CDLL "
                  "instead of PyDLL; `with nogil` in Cython). Until that is mended: do the call in another process.");
    give_basis(j, v, hold);
}

void gs_why_find_held_blocked(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    if (c->target->still) {
        find_blocked_in_core(j);
        return;
    }
    for (size_t i = 0; i < c->snapshot->thread_count && !c->stopped; i++) {
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, c->snapshot->threads[i].tstate);
        if (!sum || j->told[i] || sum->long_contended_ns[GS_WHY_ASLEEP] == 0)
            continue;
        const struct gs_why_hold *hold = &sum->longest[GS_WHY_ASLEEP];
        bool long_one = length_ns(hold) >= GS_WHY_HANGS_NS && hold->contended_ns >= length_ns(hold) / 2;
        bool many = sum->long_contended_ns[GS_WHY_ASLEEP] >= gs_case_watched_ns(c) / SHARE_OF_LONG;
        if (long_one || many)
            tell_blocked(j, i, sum);
    }
}

/* ---- one call of C code ---- */

/* It did not get half of the processor time that its long holds took. */
static bool starved(const struct gs_case *c, size_t index, const struct gs_why_thread *sum)
{
    double ran = gs_case_ran(c, index);
    return ran >= 0 && ran * (double)gs_case_watched_ns(c) < (double)sum->long_ns[GS_WHY_RUNNING] / 2;
}

static void tell_hog(struct gs_judging *j, size_t index, const struct gs_why_thread *sum)
{
    const struct gs_case *c = j->c;
    const struct gs_thread *thread = &c->snapshot->threads[index];
    const struct gs_why_hold *hold = &sum->longest[GS_WHY_RUNNING];
    struct gs_said who = gs_said_thread(c, thread), watched = gs_said_us(gs_case_watched_ns(c) / 1000);
    struct gs_verdict *v;
    struct gs_frame frame = {.frame = hold->frame, .code = hold->code, .instr = hold->instr, .kind = GS_FRAME_PYTHON};
    if (throughout(c, hold))
        v = gs_why_say(j, GS_WHY_gil_hog, proven(hold), "%s keeps the GIL: it did not let go once in the %s watched.",
                       who.words, watched.words);
    else if (sum->long_count[GS_WHY_RUNNING] == 1)
        v = gs_why_say(j, GS_WHY_gil_hog, proven(hold),
                       "%s kept the GIL for %s of the %s watched without letting go%s.", who.words,
                       gs_said_us(length_ns(hold) / 1000).words, watched.words,
                       hold->ended_ns ? "; it has let go since" : ", and still does");
    else
        v = gs_why_say(
            j, GS_WHY_gil_hog, proven(hold),
            "%s keeps the GIL again and again: %s times for %s of the %s watched, up to %s without letting go.",
            who.words, gs_said_number(sum->long_count[GS_WHY_RUNNING]).words,
            gs_said_us(sum->long_ns[GS_WHY_RUNNING] / 1000).words, watched.words,
            gs_said_us(length_ns(hold) / 1000).words);
    bool there = thread->gil == GS_HOLDS && gs_case_innermost(thread) && gs_case_innermost(thread)->code == hold->code;
    const struct gs_why_native *native = gs_case_native(c, thread->tid);
    struct gs_said caller = there ? gs_said_stack(c, thread) : gs_said_place(c, &frame);
    if (native)
        gs_why_evidence(j, v, "It runs %s, in %s, called by %s.", native->function, native->module, caller.words);
    else
        gs_why_evidence(j, v, "It runs C code, called by %s.", caller.words);
    if (starved(c, index, sum))
        gs_why_evidence(j, v,
                        "It had a processor for only %.0f %% of the time watched: this machine has more to do than "
                        "it can, which makes each hold longer.",
                        100 * gs_case_ran(c, index));
    gs_why_concerns(j, v, index);
    tell_waiters(j, v, index);
    gs_why_advise(j, v, "%s", gs_why_advice_for_c(c, thread));
    give_basis(j, v, hold);
}

void gs_why_find_hogs(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; i < c->snapshot->thread_count && !c->target->still && !c->stopped; i++) {
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, c->snapshot->threads[i].tstate);
        const struct gs_why_hold *hold = sum ? &sum->longest[GS_WHY_RUNNING] : NULL;
        /* Who runs Python code is asked to let go every few milliseconds: it does not stay in one place for long. */
        if (!sum || j->told[i] || length_ns(hold) == 0 || !hold->one_place || hold->contended_ns < length_ns(hold) / 2)
            continue;
        bool many = sum->long_contended_ns[GS_WHY_RUNNING] >= gs_case_watched_ns(c) / SHARE_OF_LONG;
        if (length_ns(hold) >= GS_WHY_HANGS_NS || (many && sum->long_count[GS_WHY_RUNNING] > 1 && !starved(c, i, sum)))
            tell_hog(j, i, sum);
    }
}
