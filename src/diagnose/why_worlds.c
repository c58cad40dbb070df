/* Free-threaded Pythons: a thread has all others stopped, as to collect garbage or to change a type. Each of them stops
 * where it next looks whether it is asked to, which C code does not (Python/pystate.c, 3.13). */
#include "diagnose/why_rules.h"
#include "diagnose/why_say.h"

enum {
    SHARE_OF_STOPS = 4, /* of the time watched is much */
    SHARE_OF_ONE = 10   /* who has a tenth of it, has a name */
};

static bool goes_on(const struct gs_case *c)
{
    bool now = false;
    for (size_t i = 0; i < c->snapshot->interpreter_count; i++)
        now |= gs_why_watch_stopping(&c->snapshot->interpreters[i]);
    return now;
}

/* Who is late, and who has asked for it. */
static bool tell_threads(struct gs_judging *j, struct gs_verdict *v, bool late)
{
    const struct gs_case *c = j->c;
    bool any = false;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, thread);
        uint64_t ns = !sum ? 0 : late ? sum->late_ns : sum->stopping_ns;
        if (!(c->target->postmortem && late && thread->late) && (ns == 0 || ns < c->watch->stopping.ns / SHARE_OF_ONE))
            continue;
        any = true;
        if (late)
            gs_why_evidence(j, v, "%s does not stop, in %s.", gs_said_thread(c, thread).words,
                            gs_said_stack(c, thread).words);
        else
            gs_why_evidence(j, v, "%s asked for it%s, in %s.", gs_said_thread(c, thread).words,
                            gs_why_watch_collects(thread) ? " to collect garbage" : "", gs_said_stack(c, thread).words);
        gs_why_concerns(j, v, i);
    }
    return any;
}

void gs_why_find_stopped_worlds(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    const struct gs_why_spell *stopping = &c->watch->stopping;
    uint64_t watched_ns = gs_case_watched_ns(c);
    struct gs_verdict *v = NULL;
    if (c->target->postmortem && goes_on(c))
        v = gs_why_say(j, GS_WHY_world_stopped, true, "One thread was stopping all others.");
    else if (!c->target->postmortem && (stopping->longest_ns >= GS_WHY_HANGS_NS ||
                                        (watched_ns >= GS_WHY_HANGS_NS && stopping->ns >= watched_ns / SHARE_OF_STOPS)))
        v = gs_why_say(j, GS_WHY_world_stopped, true,
                       "One thread has all others stopped: for %s of the %s watched, up to %s at a time%s.",
                       gs_said_us(stopping->ns / 1000).words, gs_said_us(watched_ns / 1000).words,
                       gs_said_us(stopping->longest_ns / 1000).words, goes_on(c) ? ", and still does" : "");
    if (!v)
        return;
    tell_threads(j, v, false);
    if (tell_threads(j, v, true))
        gs_why_advise(
            j, v,
            "All wait for a thread that is in C code and does not say that it needs no Python: that code must "
            "do so around what lasts (Py_BEGIN_ALLOW_THREADS; ctypes.CDLL instead of PyDLL).");
    else
        gs_why_advise(j, v, "Change types and functions before threads are many, and not again and again.");
    gs_why_basis(j, v, "the interpreter says so, and so do the states of its threads.");
}
