/* What there is to say when nothing is wrong: who computes, or what everybody waits for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_natives.h"
#include "diagnose/why_rules.h"

enum { THREADS_TOLD = 8, FRAMES_ASKED = 3, FRAMES_OF_TASK = 100, TURNS_TOLD = 20 };

#define BUSY_SHARE    0.50 /* of the watched time, running */
#define WORKS_SHARE   0.25 /* of a processor, by all its threads */
#define STARVED_SHARE 0.20
#define STARVED_MUCH  0.50 /* and more than it had of a processor */
#define SLACK         0.05 /* by which two shares differ for sure */
#define ASLEEP_RAN    0.01 /* threads that have less of a processor look at a clock now and then */

/* ---- busy ---- */

static double running(const struct gs_case *c, size_t i)
{
    const struct gs_why_thread *sum = gs_why_watch_find(c->watch, &c->snapshot->threads[i]);
    uint64_t watched_ns = gs_case_watched_ns(c);
    double runs = sum && watched_ns > 0 ? (double)sum->runs_ns / (double)watched_ns : 0;
    /* Between two looks it may have slept: what it had of a processor, and waited for one, is the most that it ran. */
    double ran = gs_case_ran(c, i), most = ran + gs_case_kept(c, i);
    return ran >= 0 && most < runs ? most : runs;
}

void gs_why_tell_starved(struct gs_judging *j, struct gs_verdict *v, double kept)
{
    if (kept >= STARVED_SHARE)
        gs_why_evidence(
            j, v,
            "For %.1f s in each second a thread of it could have run, but had no processor: others had those "
            "that it may use, or its container had used up its share.",
            kept);
}

/* What one moment tells of a thread that computed: whether it kept others from the GIL is a question of time. */
static void tell_moment(struct gs_judging *j, struct gs_verdict *v, size_t i)
{
    const struct gs_thread *thread = &j->c->snapshot->threads[i];
    uint32_t gil = j->c->snapshot->interpreters[thread->interpreter].gil;
    gs_why_tell_waiters(j, v, gil, (uint32_t)i);
    gs_why_advise(
        j, v,
        "If it hung there: gilspy dump -n -c CORE shows what it did in C. When it happens again, gilspy why -p "
        "PID tells for how long it keeps the GIL.");
    gs_why_basis(j, v, "it had the GIL at that moment and was in no system call.");
}

static void tell_share(struct gs_judging *j, struct gs_verdict *v, size_t i, uint64_t held_ns)
{
    const struct gs_case *c = j->c;
    double ran = gs_case_ran(c, i), runs = running(c, i), watched_ns = (double)gs_case_watched_ns(c);
    double on_cpu = ran >= 0 && ran < runs ? ran : runs, held = (double)held_ns / watched_ns;
    gs_why_evidence(j, v, "It had a processor %.0f %% of the time, and the GIL %.0f %%%s.", 100 * on_cpu, 100 * held,
                    held > on_cpu + SLACK ? ": it keeps the GIL while it sleeps or waits for a processor" : "");
    gs_why_tell_starved(j, v, gs_case_kept(c, i));
}

static void tell_busy(struct gs_judging *j, size_t i, bool certain)
{
    const struct gs_case *c = j->c;
    const struct gs_thread *thread = &c->snapshot->threads[i];
    const struct gs_why_thread *sum = gs_why_watch_find(c->watch, thread);
    bool still = c->target->postmortem != NULL;
    uint64_t here_ns = gs_why_watch_still_ns(c->watch, thread), watched_ns = gs_case_watched_ns(c);
    struct gs_verdict *v = gs_why_say(j, GS_WHY_busy, certain, "%s %s, in %s.", gs_said_thread(c, thread).words,
                                      still ? "was computing" : "computes", gs_said_stack(c, thread).words);
    if (still) {
        gs_why_concerns(j, v, i);
        tell_moment(j, v, i);
        return;
    }
    tell_share(j, v, i, sum->word_ns[GS_HOLDS]);
    if (here_ns >= GS_WHY_HANGS_NS && here_ns >= watched_ns / 2)
        gs_why_evidence(j, v, "It has been at that line for %s: in C code, or in the kernel.",
                        gs_said_us(here_ns / 1000).words);
    if (c->cpu >= 0)
        gs_why_evidence(j, v, "The process had %.0f %% of a processor.", 100 * c->cpu);
    gs_why_advise(j, v,
                  "If that is not what it should do: gilspy record -p %d -d 10 -o out.svg shows where the time goes.",
                  (int)c->target->pid);
    gs_why_basis(j, v, "%s looks in %s.", gs_said_number(c->watch->samples).words, gs_said_us(watched_ns / 1000).words);
    gs_why_concerns(j, v, i);
}

void gs_why_find_busy(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; i < c->snapshot->thread_count && !c->stopped; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        if (j->told[i] || !j->asked[i])
            continue;
        if (c->target->postmortem ? thread->gil == GS_HOLDS && thread->activity.run != GS_RUN_SYSCALL
                                  : running(c, i) >= BUSY_SHARE)
            tell_busy(j, i, false);
    }
}

/* ---- idle ---- */

/* In a task of celery it waits for the result of another one (celery/result.py, celery/app/trace.py, 4.0 to 5.7). */
static bool waits_for_task(const struct gs_case *c, size_t i)
{
    static const char *const waits[] = {"get", "join", "join_native"};
    const struct gs_thread *thread = &c->snapshot->threads[i];
    bool result = false;
    for (uint32_t f = 0; f < thread->frame_count && f < FRAMES_OF_TASK; f++) {
        for (size_t w = 0; w < sizeof waits / sizeof *waits && !result; w++)
            result = gs_frame_is(&c->lookup, &thread->frames[f], "celery/result.py", waits[w]);
        if (result && gs_frame_is(&c->lookup, &thread->frames[f], "celery/app/trace.py", "trace_task"))
            return true;
    }
    return false;
}

/* "waits to be notified, in get (queue.py:171)": what one thread that sleeps waits for. */
static struct gs_said waits_for(const struct gs_case *c, size_t i)
{
    const struct gs_thread *thread = &c->snapshot->threads[i];
    const struct gs_wait *wait = &c->now->list[i];
    struct gs_said said = {""}, what = gs_said_wait(c, wait);
    for (uint32_t f = 0; f < thread->frame_count && f < FRAMES_ASKED; f++) {
        if (gs_frame_is(&c->lookup, &thread->frames[f], "threading.py", "_shutdown")) {
            snprintf(said.words, sizeof said.words,
                     "has come to the end of the program, and waits for the threads that "
                     "are not daemons to end");
            return said;
        }
    }
    if (waits_for_task(c, i)) {
        snprintf(said.words, sizeof said.words, "waits in a task of celery until a worker has done another one");
        return said;
    }
    switch (wait->kind) {
    case GS_WAIT_NOTICE:
        snprintf(said.words, sizeof said.words, "waits to be notified (a Condition, an Event)");
        break;
    case GS_WAIT_SHARED:
    case GS_WAIT_QUEUE:
    case GS_WAIT_THREAD:
    case GS_WAIT_LOCK:
    case GS_WAIT_OBJECT:
    case GS_WAIT_MUTEX:
    case GS_WAIT_IMPORT:
        snprintf(said.words, sizeof said.words, "waits for %.300s", what.words);
        break;
    case GS_WAIT_GIL:
        snprintf(said.words, sizeof said.words, "waits for the GIL at this moment");
        break;
    default:
        return gs_said_call(c, &thread->activity);
    }
    return said;
}

/* They wait for the same: told without finding the words for both, which may take long. */
static bool alike(const struct gs_case *c, size_t a, size_t b)
{
    const struct gs_wait *x = &c->now->list[a], *y = &c->now->list[b];
    const struct gs_activity *one = &c->snapshot->threads[a].activity, *other = &c->snapshot->threads[b].activity;
    if (x->kind != y->kind)
        return false;
    if (x->kind == GS_WAIT_NOTICE || x->kind == GS_WAIT_FUTEX || x->kind == GS_WAIT_GIL)
        return true;
    if (x->kind == GS_WAIT_CALL || x->kind == GS_WAIT_NOTHING)
        return one->run == other->run && one->number == other->number && one->args[0] == other->args[0];
    return x->word == y->word;
}

/* Threads that do the same are told together. */
void gs_why_tell_sleepers(struct gs_judging *j, struct gs_verdict *v)
{
    const struct gs_case *c = j->c;
    size_t count = c->snapshot->thread_count, told = 0;
    bool *same = calloc(count + 1, sizeof *same), *done = calloc(count + 1, sizeof *done);
    for (size_t i = 0; i < count && same && done && told < THREADS_TOLD; i++) {
        if (done[i] || !j->asked[i])
            continue;
        struct gs_said words = waits_for(c, i), place = gs_said_stack(c, &c->snapshot->threads[i]);
        memset(same, 0, count * sizeof *same);
        size_t together = 0;
        for (size_t k = i; k < count; k++) {
            same[k] = k == i || (!done[k] && j->asked[k] && alike(c, i, k) &&
                                 strcmp(gs_said_stack(c, &c->snapshot->threads[k]).words, place.words) == 0);
            done[k] |= same[k];
            together += same[k];
        }
        gs_why_evidence(j, v, "%s%s: %s%s, in %s.", gs_said_threads(c, same).words, together > 1 ? ", each" : "",
                        words.words,
                        c->now->list[i].kind == GS_WAIT_GIL || c->snapshot->threads[i].activity.run != GS_RUN_SYSCALL
                            ? ""
                            : gs_said_asleep(c, c->snapshot->threads[i].tid).words,
                        place.words);
        told++;
    }
    free(same);
    free(done);
}

/* "all its threads", or those that were asked for. */
static const char *its_threads(const struct gs_judging *j)
{
    if (j->asked_count < j->c->snapshot->thread_count)
        return j->asked_count == 1 ? "the thread asked for" : "the threads asked for";
    return j->asked_count == 1 ? "its only thread" : "all its threads";
}

/* The threads that run no Python sleep, too, as far as the kernel tells. */
static bool natives_asleep(const struct gs_case *c)
{
    return !c->natives || (c->natives->known && gs_why_natives_ran(c->natives) < ASLEEP_RAN && c->cpu < ASLEEP_RAN);
}

/* Everyone sleeps, and has for long; of a core: at that moment. */
static bool all_asleep(const struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    bool asleep = c->ended == GS_OK && j->asked_count > 0;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        if (j->asked[i])
            asleep &= thread->activity.run == GS_RUN_SYSCALL && thread->gil != GS_WAITS &&
                      (c->target->postmortem || gs_case_hangs(c, i));
    }
    return asleep;
}

/* For how long in each second its threads could have run, and had no processor. */
static double kept_from_all(const struct gs_case *c)
{
    double kept = 0;
    for (size_t i = 0; i < c->snapshot->thread_count; i++)
        kept += gs_case_kept(c, i);
    return kept;
}

static struct gs_verdict *say_idle(struct gs_judging *j, bool asleep)
{
    const struct gs_case *c = j->c;
    double kept = kept_from_all(c);
    const char *one = j->asked_count == 1 ? "s" : "";
    if (c->ended)
        return gs_why_say(j, GS_WHY_idle, false, "The process %s while it was watched; nothing was seen to hold it up.",
                          c->ended == GS_EXECED ? "began to run another program" : "has ended");
    if (c->snapshot->thread_count == 0)
        return gs_why_say(j, GS_WHY_idle, false, "No thread of this process runs Python.");
    if (j->asked_count == 0)
        return gs_why_say(j, GS_WHY_idle, false, "No thread of this process is called like the one asked for.");
    if (c->target->postmortem)
        return gs_why_say(j, GS_WHY_idle, false,
                          asleep ? "It was idle: %s slept, and nobody waited for the GIL."
                                 : "In that one moment nothing is seen that held up %s.",
                          its_threads(j));
    if (asleep)
        return gs_why_say(j, GS_WHY_idle, natives_asleep(c), "It is idle: %s sleep%s, and nobody waits for the GIL.",
                          its_threads(j), one);
    if (kept >= STARVED_MUCH && kept >= c->cpu && c->cpu >= 0)
        return gs_why_say(j, GS_WHY_busy, false, "It works, and waits for a processor for longer than it runs.");
    if (c->cpu >= WORKS_SHARE)
        return gs_why_say(j, GS_WHY_idle, false, "It works, and nothing holds %s up.",
                          j->asked_count < c->snapshot->thread_count ? its_threads(j) : "it");
    return gs_why_say(j, GS_WHY_idle, false, "It works a little and mostly waits: nothing holds %s up.",
                      j->asked_count < c->snapshot->thread_count ? its_threads(j) : "it");
}

/* How soon who asked for the GIL had it: short, or there would be another verdict. */
static void tell_turns(struct gs_judging *j, struct gs_verdict *v)
{
    const struct gs_case *c = j->c;
    double turns = 0, waited_ns = 0;
    uint64_t longest_ns = 0;
    for (size_t i = 0; i < c->watch->thread_count; i++) {
        const struct gs_why_thread *sum = &c->watch->threads[i];
        turns += sum->waits + sum->unseen_turns;
        waited_ns += (double)sum->word_ns[GS_WAITS];
        longest_ns = sum->longest_wait_ns > longest_ns ? sum->longest_wait_ns : longest_ns;
    }
    if (turns >= TURNS_TOLD)
        gs_why_evidence(j, v, "Who asked for the GIL got it after %s on average, after %s at the latest.",
                        gs_said_us((uint64_t)(waited_ns / turns / 1000)).words, gs_said_us(longest_ns / 1000).words);
}

void gs_why_find_idle(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    bool asleep = all_asleep(j), still = c->target->postmortem != NULL;
    if (j->why->count > 0)
        return;
    struct gs_verdict *v = say_idle(j, asleep);
    if (!still && !asleep && c->cpu >= 0) {
        gs_why_evidence(j, v,
                        "The process had %.0f %% of a processor; the GIL was held %.0f %% of the time, and somebody "
                        "waited for it %.0f %%.",
                        100 * c->cpu, 100 * gs_why_gil_held(&c->watch->gils[0]),
                        100 * gs_why_gil_contended(&c->watch->gils[0]));
        tell_turns(j, v);
        gs_why_tell_starved(j, v, kept_from_all(c));
    }
    if (c->natives && gs_why_natives_ran(c->natives) >= ASLEEP_RAN)
        gs_why_evidence(j, v, "Threads of it that run no Python had %.0f %% of a processor.",
                        100 * gs_why_natives_ran(c->natives));
    gs_why_tell_sleepers(j, v);
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        if (j->asked[i])
            gs_why_concerns(j, v, i);
    }
    bool tasks = false;
    for (size_t i = 0; i < c->snapshot->thread_count && !tasks; i++)
        tasks = j->asked[i] && waits_for_task(c, i);
    if (tasks)
        gs_why_advise(j, v,
                      "Where all workers of a queue wait for tasks in it, as gilspy why -s -v tells, none of these is "
                      "ever begun: chain tasks (chain, chord) in place of get(), or give the inner ones a queue and "
                      "workers of their own.");
    if (still)
        gs_why_basis(j, v, "a core is one moment.");
    else if (asleep)
        gs_why_basis(j, v, "none of them moved in the %s watched.", gs_said_us(gs_case_watched_ns(c) / 1000).words);
    else
        gs_why_basis(j, v, "%s looks in %s.", gs_said_number(c->watch->samples).words,
                     gs_said_us(gs_case_watched_ns(c) / 1000).words);
}
