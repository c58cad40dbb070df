/* Who keeps the GIL: by collecting garbage; in a core, asleep. */
#include <stdlib.h>
#include <string.h>

#include "diagnose/why_rules.h"

enum {
    SHARE_OF_GC = 4,  /* garbage collection that takes a quarter of the time is worth a word, */
    SHARE_OF_ONE = 10 /* and who does a tenth of it a name */
};

size_t gs_case_waiters(const struct gs_case *c, uint32_t gil, uint32_t holder, bool *chosen)
{
    const struct gs_snapshot *s = c->snapshot;
    size_t count = 0;
    for (uint32_t i = 0; i < s->thread_count; i++) {
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, s->threads[i].tstate);
        bool waited = s->threads[i].gil == GS_WAITS || (sum && sum->longest_wait_ns >= GS_WHY_LONG_NS);
        chosen[i] = i != holder && waited && s->interpreters[s->threads[i].interpreter].gil == gil;
        count += chosen[i];
    }
    return count;
}

void gs_why_tell_waiters(struct gs_judging *j, struct gs_verdict *v, uint32_t gil, uint32_t holder)
{
    const struct gs_case *c = j->c;
    bool *chosen = calloc(c->snapshot->thread_count + 1, sizeof *chosen);
    size_t count = chosen ? gs_case_waiters(c, gil, holder, chosen) : 0;
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

/* ---- garbage collection ---- */

/* The share of the time collected that is the collection's own: a machine with too much to do makes each one longer by
 * what the threads that do it wait for a processor. Where they wait for memory from a disk that is not counted. */
static double own_share(const struct gs_case *c)
{
    double kept_ns = 0, collecting_ns = (double)c->watch->collecting_ns;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, c->snapshot->threads[i].tstate);
        if (sum && sum->collecting_ns >= c->watch->collecting_ns / SHARE_OF_ONE)
            kept_ns += gs_case_kept(c, i) * (double)gs_case_watched_ns(c);
    }
    return collecting_ns > kept_ns ? (collecting_ns - kept_ns) / collecting_ns : 0;
}

void gs_why_find_gc(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    uint64_t watched_ns = gs_case_watched_ns(c);
    struct gs_verdict *v = NULL;
    double own = own_share(c), longest_ns = own * (double)c->watch->longest_collecting_ns;
    bool now = false;
    for (size_t i = 0; i < c->snapshot->interpreter_count; i++) {
        now |= c->snapshot->interpreters[i].collecting_garbage;
        if (c->snapshot->interpreters[i].finalizing) /* that collects, too, and says more */
            return;
    }
    if (c->target->still && now)
        v = gs_why_say(j, GS_WHY_gc, true, "Python was collecting garbage.");
    else if (!c->target->still && longest_ns >= (double)GS_WHY_HANGS_NS)
        v = gs_why_say(j, GS_WHY_gc, true, "Python collects garbage: %s of the %s watched, up to %s without a pause%s.",
                       gs_said_us(c->watch->collecting_ns / 1000).words, gs_said_us(watched_ns / 1000).words,
                       gs_said_us(c->watch->longest_collecting_ns / 1000).words, now ? ", and still does" : "");
    else if (!c->target->still && watched_ns >= GS_WHY_HANGS_NS &&
             own * (double)c->watch->collecting_ns >= (double)watched_ns / SHARE_OF_GC)
        v = gs_why_say(j, GS_WHY_gc, true, "Python spends much of its time on garbage: %s of the %s watched.",
                       gs_said_us(c->watch->collecting_ns / 1000).words, gs_said_us(watched_ns / 1000).words);
    if (!v)
        return;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, thread->tstate);
        if ((sum && sum->collecting_ns > 0 && sum->collecting_ns >= c->watch->collecting_ns / SHARE_OF_ONE) ||
            (now && thread->gil == GS_HOLDS)) {
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

void gs_why_find_blocked_in_core(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        if (thread->gil != GS_HOLDS || thread->activity.run != GS_RUN_SYSCALL || j->told[i])
            continue;
        bool *chosen = calloc(c->snapshot->thread_count + 1, sizeof *chosen);
        uint32_t gil = c->snapshot->interpreters[thread->interpreter].gil;
        size_t waiting = chosen ? gs_case_waiters(c, gil, (uint32_t)i, chosen) : 0;
        free(chosen);
        if (waiting == 0)
            continue;
        struct gs_verdict *v =
            gs_why_say(j, GS_WHY_gil_held_blocked, false, "%s slept in a system call while it had the GIL: it %s.",
                       gs_said_thread(c, thread).words, gs_said_call(c, &thread->activity).words);
        gs_why_evidence(j, v, "It was in %s.", gs_said_stack(c, thread).words);
        gs_why_concerns(j, v, i);
        gs_why_tell_waiters(j, v, gil, (uint32_t)i);
        gs_why_basis(j, v, "the core is one moment: for how long, it does not tell.");
    }
}
