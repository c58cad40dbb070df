/* What the tasks of event loops tell: those that wait for one another, and those that keep their loop. */
#include <inttypes.h>
#include <stdio.h>

#include "diagnose/why_rules.h"
#include "diagnose/why_watch.h"
#include "python/tasks.h"

enum { CIRCLE_MOST = 64, WORDS = 2 * GS_TASK_WORDS + GS_TASK_NAME };

struct label {
    char words[GS_TASK_NAME + 24];
};

/* Its name, or where there is none, as in 3.7, its address. */
static struct label label_of(const struct gs_async_task *task)
{
    struct label label;
    if (task->name[0])
        snprintf(label.words, sizeof label.words, "%s", task->name);
    else
        snprintf(label.words, sizeof label.words, "the task at 0x%" PRIx64, task->addr);
    return label;
}

/* Index of the thread that runs the loop. */
static size_t thread_of(const struct gs_case *c, const struct gs_event_loop *loop)
{
    size_t i = 0;
    while (i < c->snapshot->thread_count && c->snapshot->threads[i].tstate != loop->tstate)
        i++;
    return i;
}

/* ---- circles of tasks ---- */

static void tell_member(struct gs_judging *j, struct gs_verdict *v, uint32_t index)
{
    const struct gs_case *c = j->c;
    const struct gs_async_task *task = &c->tasks->tasks[index];
    const struct gs_thread stack = {.frames = c->tasks->frames + task->frame_at, .frame_count = task->frame_count};
    char words[WORDS];
    gs_task_words(c->tasks, task, words, sizeof words);
    gs_why_evidence(j, v, "%s waits for %s, in %s.", label_of(task).words, words, gs_said_stack(c, &stack).words);
    for (size_t i = 0; i < c->tasks->loop_count; i++) {
        if (c->tasks->loops[i].addr == task->loop) {
            size_t thread = thread_of(c, &c->tasks->loops[i]);
            bool told = thread < c->snapshot->thread_count && j->told[thread];
            gs_why_concerns(j, v, thread);
            if (thread < c->snapshot->thread_count)
                j->told[thread] = told; /* its loop runs on */
        }
    }
}

/* A greenlet that waits for another may do so for a limited time: that is not seen. */
static bool knows_its_wait(const struct gs_tasks *tasks, const struct gs_async_task *task)
{
    bool knows = true;
    for (size_t i = 0; i < tasks->loop_count; i++)
        knows &= tasks->loops[i].addr != task->loop || tasks->loops[i].kind == GS_LOOP_ASYNCIO;
    return knows;
}

static void tell_circle(struct gs_judging *j, const uint32_t *circle, size_t count)
{
    const struct gs_tasks *tasks = j->c->tasks;
    bool locks = false, sure = true;
    for (size_t i = 0; i < count; i++)
        sure &= knows_its_wait(tasks, &tasks->tasks[circle[i]]);
    for (size_t i = 0; i < count; i++)
        locks |= tasks->tasks[circle[i]].await.kind == GS_AWAIT_LOCK;
    struct gs_verdict *v =
        count == 1 ? gs_why_say(j, GS_WHY_task_deadlock, sure && !locks,
                                "Deadlock: %s waits for itself, and will wait for ever.",
                                label_of(&tasks->tasks[circle[0]]).words)
                   : gs_why_say(j, GS_WHY_task_deadlock, sure && !locks,
                                "Deadlock: these %zu tasks wait for one another, and will wait for ever.", count);
    for (size_t i = 0; i < count; i++)
        tell_member(j, v, circle[i]);
    gs_why_basis(j, v,
                 locks
                     ? "a lock that keeps no owner is taken to be had by the task that is in a `with` or `async with` "
                       "block of it."
                     : "each of these tasks refers to the one that it awaits.");
    if (locks)
        gs_why_advise(j, v, "Take these locks in the same order everywhere, or one of them with a timeout.");
}

/* A circle is told where its first member is met. */
void gs_why_find_task_deadlocks(struct gs_judging *j)
{
    const struct gs_tasks *tasks = j->c->tasks;
    for (uint32_t i = 0; tasks && i < tasks->task_count; i++) {
        uint32_t circle[CIRCLE_MOST], at = i;
        size_t count = 0;
        while (at != GS_NO_TASK && at >= i && count < CIRCLE_MOST && !(count > 0 && at == i)) {
            circle[count++] = at;
            at = gs_task_next(tasks, at);
        }
        if (at == i && count > 0)
            tell_circle(j, circle, count);
    }
}

/* ---- hubs that are kept ---- */

static void tell_kept(struct gs_judging *j, const struct gs_event_loop *loop, size_t thread, uint64_t still_ns)
{
    const struct gs_case *c = j->c;
    const bool greenlets = loop->kind != GS_LOOP_TRIO;
    const struct gs_thread *stands = &c->snapshot->threads[thread];
    struct gs_verdict *v = gs_why_say(
        j, GS_WHY_loop_blocked, true, "The %s loop of %s stands still: %s has kept it for %s, and still does.",
        gs_loop_kind_name(loop->kind), gs_said_thread(c, stands).words, label_of(&c->tasks->tasks[loop->running]).words,
        gs_said_us(still_ns / 1000).words);
    gs_why_evidence(j, v, "There it %s, in %s.", gs_said_call(c, &stands->activity).words,
                    gs_said_stack(c, stands).words);
    gs_why_evidence(j, v, "Until it gives way none of its %s other %s runs.", gs_said_number(loop->count - 1).words,
                    greenlets ? "greenlets" : "tasks");
    gs_why_advise(j, v, "%s",
                  greenlets ? "Use what gives way: modules that are patched before all else (monkey.patch_all, "
                              "monkey_patch), or have a native thread do it (the hub's threadpool, tpool)."
                            : "Use what trio offers for it, or have a thread do it (trio.to_thread.run_sync).");
    gs_why_basis(j, v, "the thread did not move in all that time, and this is what it runs.");
    gs_why_concerns(j, v, thread);
}

/* Of those that compute it is not known whether they gave way in between. */
void gs_why_find_kept_hubs(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; c->tasks && !c->stopped && i < c->tasks->loop_count; i++) {
        const struct gs_event_loop *loop = &c->tasks->loops[i];
        size_t thread = thread_of(c, loop);
        if (loop->kind == GS_LOOP_ASYNCIO || loop->kind == GS_LOOP_GREENLET || loop->running == GS_NO_TASK ||
            loop->count < 2 || thread == c->snapshot->thread_count || j->told[thread])
            continue;
        uint64_t still_ns = gs_why_watch_still_ns(c->watch, &c->snapshot->threads[thread]);
        if (still_ns >= GS_WHY_HANGS_NS)
            tell_kept(j, loop, thread, still_ns);
    }
}
