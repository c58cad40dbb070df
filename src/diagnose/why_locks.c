/* Threads that wait for a lock, or for another one's import, and who has it. */
#include <stdio.h>
#include <stdlib.h>

#include "diagnose/why_rules.h"

/* What the owner does: the reason why the others wait. */
static void tell_owner(struct gs_judging *j, struct gs_verdict *v, const struct gs_wait *wait)
{
    const struct gs_case *c = j->c;
    const struct gs_thread *owner = &c->snapshot->threads[wait->owner];
    const struct gs_wait *its = &c->now->list[wait->owner];
    const char *word = wait->kind == GS_WAIT_IMPORT ? "does it" : "has it";
    struct gs_said taken = {""};
    if (!wait->owner_stated && wait->kind == GS_WAIT_LOCK)
        taken = gs_said_function(c, &wait->with);
    gs_why_evidence(j, v, "%s %s%s%s, and %s%s, in %s.", gs_said_thread(c, owner).words, word,
                    taken.words[0] ? ", taken by a `with` of " : "", taken.words[0] ? (taken.words) : "",
                    its->kind == GS_WAIT_GIL ? "waits for the GIL" : gs_said_call(c, &owner->activity).words,
                    its->kind == GS_WAIT_GIL ? "" : gs_said_asleep(c, owner->tid).words, gs_said_stack(c, owner).words);
}

static bool same_lock(const struct gs_wait *a, const struct gs_wait *b)
{
    return a->kind == b->kind && a->word == b->word;
}

/* All that wait for the same thing; false: none of them hangs, or somebody was told about already. */
static bool collect(struct gs_judging *j, size_t first, bool *waiters, size_t *count)
{
    const struct gs_case *c = j->c;
    *count = 0;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        bool passed = c->passed && gs_locks_passed_times(c->passed, c->now->list[i].word) > 0;
        waiters[i] = !j->told[i] && same_lock(&c->now->list[first], &c->now->list[i]) && gs_case_hangs(c, i) &&
                     (passed || gs_case_waited_before(c, &c->now->list[i]));
        if (waiters[i] && i < first)
            return false;
        *count += waiters[i];
    }
    return waiters[first];
}

static void tell_since(struct gs_judging *j, struct gs_verdict *v, const bool *waiters)
{
    const struct gs_case *c = j->c;
    int told = 0;
    for (size_t i = 0; i < c->snapshot->thread_count && told < 3; i++) {
        if (!waiters[i])
            continue;
        const struct gs_thread *thread = &c->snapshot->threads[i];
        gs_why_evidence(j, v, "%s waits%s in %s.", gs_said_thread(c, thread).words,
                        gs_said_asleep(c, thread->tid).words, gs_said_stack(c, thread).words);
        told++;
    }
}

static void concern_all(struct gs_judging *j, struct gs_verdict *v, const bool *waiters, const struct gs_wait *wait)
{
    for (size_t i = 0; i < j->c->snapshot->thread_count; i++) {
        if (waiters[i])
            gs_why_concerns(j, v, i);
    }
    if (wait->owner != GS_NOBODY)
        gs_why_concerns(j, v, wait->owner);
}

static void give_basis(struct gs_judging *j, struct gs_verdict *v, const struct gs_wait *wait)
{
    const struct gs_case *c = j->c;
    struct gs_said when = {"in the core"};
    if (!c->target->postmortem)
        snprintf(when.words, sizeof when.words, "in two looks %.30s apart", gs_said_us(c->apart_ns / 1000).words);
    if (wait->owner_stated)
        gs_why_basis(j, v, "the lock names its owner, %.60s.", when.words);
    else if (wait->owner != GS_NOBODY)
        gs_why_basis(j, v,
                     "a Lock keeps no owner: that the thread has it follows from the `with` block that it is in.");
    else
        gs_why_basis(j, v,
                     "they sleep on this lock, %.60s; a Lock keeps no owner, and no `with` block shows who took it.",
                     when.words);
}

void gs_why_find_imports(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    size_t threads = c->snapshot->thread_count, count;
    bool *waiters = calloc(threads + 1, sizeof *waiters);
    for (size_t i = 0; i < threads && waiters; i++) {
        const struct gs_wait *wait = &c->now->list[i];
        if (wait->kind != GS_WAIT_IMPORT || !collect(j, i, waiters, &count))
            continue;
        struct gs_verdict *v =
            gs_why_say(j, GS_WHY_import_lock, wait->owner_stated && wait->owner != GS_NOBODY, "%s %s for %s%s.",
                       gs_said_threads(c, waiters).words, count == 1 ? "waits" : "wait", gs_said_wait(c, wait).words,
                       wait->name[0] ? ", which another thread has begun" : "");
        if (wait->owner != GS_NOBODY)
            tell_owner(j, v, wait);
        tell_since(j, v, waiters);
        gs_why_advise(j, v,
                      "A module that starts threads and waits for them, or does anything else that lasts, while it "
                      "is imported keeps all others that need it waiting: move that into a function.");
        give_basis(j, v, wait);
        concern_all(j, v, waiters, wait);
    }
    free(waiters);
}

/* What is known of the lock there; NULL: this is no fork, or the lock has an owner. */
static const struct gs_why_inherited *inherited(const struct gs_case *c, const struct gs_wait *wait)
{
    for (size_t i = 0; c->origin && wait->owner == GS_NOBODY && i < c->origin->count; i++) {
        if (c->origin->list[i].word == wait->word && c->origin->list[i].tid > 0)
            return &c->origin->list[i];
    }
    return NULL;
}

/* A parent that has one thread only had nobody else who could have taken it. */
static bool of_fork(const struct gs_case *c, const struct gs_wait *wait)
{
    return c->origin && c->origin->forked && c->origin->threads != 1 && wait->kind == GS_WAIT_LOCK &&
           wait->owner == GS_NOBODY;
}

static void tell_fork(struct gs_judging *j, struct gs_verdict *v, const struct gs_wait *wait)
{
    const struct gs_case *c = j->c;
    const struct gs_why_origin *origin = c->origin;
    const struct gs_why_inherited *one = inherited(c, wait);
    struct gs_said whose = {"whose parent has ended"}, threads = {""};
    if (origin->threads > 0)
        snprintf(threads.words, sizeof threads.words, ", which has %zu threads of Python", origin->threads);
    if (origin->pid > 0)
        snprintf(whose.words, sizeof whose.words, "of process %d (%s)%.60s", (int)origin->pid, origin->comm,
                 threads.words);
    gs_why_evidence(
        j, v,
        "This process is a fork %.150s: a lock that another thread had there at that moment is taken here for "
        "ever, since that thread is not here to give it back.",
        whose.words);
    if (one)
        gs_why_evidence(j, v, "There %s has it, in %s.", one->who, one->stack);
    gs_why_advise(
        j, v,
        "Fork before there are threads, or start processes by spawn or forkserver "
        "(multiprocessing.set_start_method); os.register_at_fork can take a lock before a fork and give it back "
        "on both sides.");
}

static const char *advise(const struct gs_wait *wait)
{
    if (wait->stale)
        return "The thread that took it has ended without giving it back: nobody ever will. Use `with`.";
    if (wait->kind == GS_WAIT_MUTEX)
        return "Look at what its owner does.";
    if (wait->owner != GS_NOBODY)
        return "Look at what its owner does: that is where to shorten what is done with the lock, or to add a timeout.";
    return "Look for a path on which this lock is not given back (an exception between acquire and release): `with` "
           "has "
           "none. If it is used as a signal, somebody has not sent it.";
}

static struct gs_said owner_words(const struct gs_case *c, const struct gs_wait *wait)
{
    struct gs_said said = {""};
    const struct gs_why_inherited *one = inherited(c, wait);
    if (one)
        snprintf(said.words, sizeof said.words, ", which %.119s had in process %d when this was forked from it",
                 one->who, (int)c->origin->pid);
    else if (wait->owner != GS_NOBODY)
        snprintf(said.words, sizeof said.words, ", which %.200s has", gs_said_tid(c, wait->owner_tid).words);
    else if (wait->outsider > 0)
        snprintf(said.words, sizeof said.words, ", which thread %d has", (int)wait->outsider);
    else if (wait->stale)
        snprintf(said.words, sizeof said.words, ", whose owner has ended");
    return said;
}

/* They wait for long, though the lock goes round. */
static void tell_contended(struct gs_judging *j, const struct gs_wait *wait, const bool *waiters, size_t count)
{
    const struct gs_case *c = j->c;
    struct gs_verdict *v =
        gs_why_say(j, GS_WHY_lock_contended, false, "%s %s long for %s, which goes from one thread to the next.",
                   gs_said_threads(c, waiters).words, count == 1 ? "waits" : "wait", gs_said_wait(c, wait).words);
    if (wait->owner != GS_NOBODY)
        tell_owner(j, v, wait);
    tell_since(j, v, waiters);
    gs_why_advise(j, v, "Shorten what is done with the lock, or have fewer threads need it.");
    gs_why_basis(j, v, "in %s looks a tenth of a second apart or more the lock was another thread's.",
                 gs_said_number(gs_locks_passed_times(c->passed, wait->word)).words);
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        if (waiters[i])
            gs_why_concerns(j, v, i);
    }
}

void gs_why_find_lock_waits(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    size_t threads = c->snapshot->thread_count, count;
    bool *waiters = calloc(threads + 1, sizeof *waiters);
    for (size_t i = 0; i < threads && waiters; i++) {
        const struct gs_wait *wait = &c->now->list[i];
        if (!gs_wait_is_lock(wait) || !collect(j, i, waiters, &count))
            continue;
        if (c->passed && gs_locks_passed_times(c->passed, wait->word) > 0) {
            tell_contended(j, wait, waiters, count);
            continue;
        }
        bool known = (wait->owner != GS_NOBODY && wait->owner_stated) || wait->outsider > 0;
        struct gs_verdict *v =
            gs_why_say(j, GS_WHY_lock_wait, known, "%s %s for %s%s.", gs_said_threads(c, waiters).words,
                       count == 1 ? "waits" : "wait", gs_said_wait(c, wait).words, owner_words(c, wait).words);
        if (wait->owner != GS_NOBODY)
            tell_owner(j, v, wait);
        if (wait->outsider > 0)
            gs_why_evidence(j, v, "Thread %d of the process, which runs no Python, has it.", (int)wait->outsider);
        tell_since(j, v, waiters);
        if (of_fork(c, wait))
            tell_fork(j, v, wait);
        else
            gs_why_advise(j, v, "%s", advise(wait));
        give_basis(j, v, wait);
        concern_all(j, v, waiters, wait);
    }
    free(waiters);
}
