/* Deadlocks: circles in which each thread waits for what the next one has. */
#include <stdlib.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_rules.h"

enum { CIRCLE_MOST = 64 };

/* "holds the GIL", "has the C mutex at 0x7f…" */
static void tell_member(struct gs_judging *j, struct gs_verdict *v, uint32_t member, const struct gs_wait *has)
{
    const struct gs_case *c = j->c;
    const struct gs_thread *thread = &c->snapshot->threads[member];
    const struct gs_wait *wants = &c->now->list[member];
    struct gs_said said = gs_said_possession(c, has), place = {""}, stack = gs_said_stack(c, thread);
    const char *possession = has->kind == GS_WAIT_GIL      ? "holds"
                             : has->kind == GS_WAIT_THREAD ? "must end: this is"
                                                           : "has";
    if (has->kind == GS_WAIT_LOCK && !has->owner_stated)
        place = gs_said_function(c, &has->with);
    if (has->kind == GS_WAIT_IMPORT)
        possession = "does";
    gs_why_evidence(j, v, "%s %s %s%s%s and waits%s for %s, in %s.", gs_said_thread(c, thread).words, possession,
                    said.words, place.words[0] ? ", taken by a `with` of " : "", place.words,
                    wants->kind == GS_WAIT_GIL ? "" : gs_said_asleep(c, thread->tid).words,
                    gs_said_wait(c, wants).words, stack.words);
    const struct gs_why_closer *closer = gs_case_closer(c, thread->tid);
    if (closer && closer->function[0] && wants->kind == GS_WAIT_MUTEX)
        gs_why_evidence(j, v, "The C function in which %s takes that mutex is %s.", gs_said_thread(c, thread).words,
                        gs_said_closer(closer).words);
    gs_why_concerns(j, v, member);
}

/* Those who wait for a member of the circle, at any remove. */
static void tell_victims(struct gs_judging *j, struct gs_verdict *v)
{
    const struct gs_case *c = j->c;
    bool *stuck = calloc(c->snapshot->thread_count + 1, sizeof *stuck);
    size_t found = 0;
    if (!stuck)
        return;
    for (uint32_t i = 0; i < c->snapshot->thread_count; i++) {
        uint32_t at = i;
        for (int steps = 0; steps < CIRCLE_MOST && at != GS_NOBODY && !j->told[i]; steps++) {
            at = gs_waits_next(c->now, at);
            if (at != GS_NOBODY && j->told[at] && c->now->list[i].owner != GS_NOBODY) {
                stuck[i] = true;
                found++;
                break;
            }
        }
    }
    if (found > 0)
        gs_why_evidence(j, v, "Behind them %s: %s.", found == 1 ? "waits one more thread" : "wait more threads",
                        gs_said_threads(c, stuck).words);
    for (uint32_t i = 0; i < c->snapshot->thread_count; i++) {
        if (stuck[i])
            gs_why_concerns(j, v, i);
    }
    free(stuck);
}

/* What a core was left by has most often ended. */
static const char *way_out(const struct gs_judging *j)
{
    return j->c->target->postmortem ? "" : "Only ending the process helps it now. ";
}

static void tell_gil_deadlock(struct gs_judging *j, struct gs_verdict *v)
{
    gs_why_advise(j, v,
                  "%sThe C code that takes that lock while it has the GIL must give up the GIL first "
                  "(Py_BEGIN_ALLOW_THREADS), or the other side must not ask for the GIL while it has the lock.",
                  way_out(j));
}

static void tell_lock_deadlock(struct gs_judging *j, struct gs_verdict *v, size_t count)
{
    if (count == 1)
        gs_why_advise(j, v,
                      "%sThe thread takes a lock that it has already: an RLock would let it, or take the lock in one "
                      "place only.",
                      way_out(j));
    else
        gs_why_advise(j, v, "%sTake these locks in the same order everywhere, or one of them with a timeout.",
                      way_out(j));
}

static void tell_circle(struct gs_judging *j, const uint32_t *circle, size_t count)
{
    const struct gs_case *c = j->c;
    bool gil = false, stated = true, before = true, hangs = true;
    for (size_t i = 0; i < count; i++) {
        const struct gs_wait *wait = &c->now->list[circle[i]];
        gil |= wait->kind == GS_WAIT_GIL;
        stated &= wait->owner_stated;
        before &= gs_case_waited_before(c, wait);
        hangs &= gs_case_hangs(c, circle[i]);
    }
    if (!hangs || (gil && count == 1))
        return;
    struct gs_verdict *v;
    if (count == 1)
        v = gs_why_say(j, GS_WHY_lock_deadlock, stated && before,
                       "Deadlock: %s waits for a lock that it has itself, and will wait for ever.",
                       gs_said_tid(c, c->snapshot->threads[circle[0]].tid).words);
    else
        v = gs_why_say(j, gil ? GS_WHY_gil_deadlock : GS_WHY_lock_deadlock, stated && before,
                       gil ? "Deadlock between the GIL and another lock: these %zu threads wait for one another, and "
                             "nothing in this process will ever run Python again."
                           : "Deadlock: these %zu threads wait for one another's locks, and will wait for ever.",
                       count);
    /* What a member has is what the one before it waits for. */
    for (size_t i = 0; i < count; i++)
        tell_member(j, v, circle[i], &c->now->list[circle[(i + count - 1) % count]]);
    tell_victims(j, v);
    if (gil)
        tell_gil_deadlock(j, v);
    else
        tell_lock_deadlock(j, v, count);
    if (c->target->postmortem)
        gs_why_basis(j, v,
                     stated ? "each lock in the core names its owner."
                            : "a Lock keeps no owner: that a thread has "
                              "it follows from the `with` block that it was in.");
    else if (stated && before)
        gs_why_basis(j, v,
                     "each of these locks names its owner, in two looks %s apart, and none of the threads moved "
                     "between them.",
                     gs_said_us(c->apart_ns / 1000).words);
    else
        gs_why_basis(j, v,
                     stated ? "each lock names its owner, but it came about only while it was watched."
                            : "a Lock keeps no owner: that a thread has it follows from the `with` block that it "
                              "is in. None of them moved in the time watched.");
}

/* Circles of threads each of which waits for a Lock that the code of the next one names, and nobody else's. */
static void find_likely_circles(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    for (uint32_t i = 0; i < c->snapshot->thread_count; i++) {
        uint32_t next = c->now->list[i].referrer;
        if (next == GS_NOBODY || next <= i || c->now->list[next].referrer != i || j->told[i] || j->told[next] ||
            !gs_case_hangs(c, i) || !gs_case_hangs(c, next) || !gs_case_waited_before(c, &c->now->list[i]) ||
            !gs_case_waited_before(c, &c->now->list[next]))
            continue;
        struct gs_verdict *v = gs_why_say(j, GS_WHY_lock_deadlock, false,
                                          "Deadlock, it seems: %s and %s each wait for a lock that the other one took.",
                                          gs_said_thread(c, &c->snapshot->threads[i]).words,
                                          gs_said_thread(c, &c->snapshot->threads[next]).words);
        const uint32_t both[] = {i, next};
        for (size_t k = 0; k < 2; k++) {
            const struct gs_thread *thread = &c->snapshot->threads[both[k]];
            gs_why_evidence(j, v, "%s waits%s for %s, in %s; its code names %s, too.", gs_said_thread(c, thread).words,
                            gs_said_asleep(c, thread->tid).words, gs_said_wait(c, &c->now->list[both[k]]).words,
                            gs_said_stack(c, thread).words, gs_said_possession(c, &c->now->list[both[1 - k]]).words);
            gs_why_concerns(j, v, both[k]);
        }
        tell_victims(j, v);
        tell_lock_deadlock(j, v, 2);
        gs_why_basis(j, v,
                     "a Lock keeps no owner, and no `with` block shows who took these: but both are taken, and but for "
                     "threads that wait behind these two only the other one runs code that names it.");
    }
}

void gs_why_find_deadlocks(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    uint32_t circle[CIRCLE_MOST];
    for (uint32_t i = 0; i < c->snapshot->thread_count; i++) {
        size_t count = 0;
        uint32_t at = i;
        while (at != GS_NOBODY && count < CIRCLE_MOST && !(count > 0 && at == i)) {
            circle[count++] = at;
            at = gs_waits_next(c->now, at);
        }
        if (at == i && count > 0 && !j->told[i])
            tell_circle(j, circle, count);
    }
    find_likely_circles(j);
}
