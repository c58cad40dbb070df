/* What the tasks of event loops tell: a callback that keeps its loop, and tasks that wait for one another. */
#include <inttypes.h>
#include <stdio.h>

#include "diagnose/why_rules.h"
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

/* ---- loops that stand still ---- */

/* For how long, at least, one callback has been running; *timer: an overdue timer says so. */
static uint64_t blocked_us(const struct gs_case *c, const struct gs_event_loop *loop, const struct gs_thread *thread,
                           bool *timer)
{
    uint64_t late_us = gs_event_loop_late_us(c->tasks, loop, thread);
    uint64_t still_us = gs_why_watch_still_ns(c->watch, thread) / 1000;
    *timer = late_us >= still_us;
    return *timer ? late_us : still_us;
}

static void tell_blocked(struct gs_judging *j, const struct gs_event_loop *loop, size_t thread, uint64_t us, bool timer)
{
    const struct gs_case *c = j->c;
    const struct gs_thread *its = &c->snapshot->threads[thread];
    const struct gs_async_task *task = loop->running != GS_NO_TASK ? &c->tasks->tasks[loop->running] : NULL;
    struct gs_said stack = gs_said_stack(c, its);
    struct gs_verdict *v = gs_why_say(j, GS_WHY_loop_blocked, false,
                                      "The event loop of %s stands still: %s%s has kept it for at least %s, in %s.",
                                      gs_said_thread(c, its).words, task ? "its task " : "a callback",
                                      task ? label_of(task).words : "", gs_said_us(us).words, stack.words);
    if (its->gil == GS_WAITS)
        gs_why_evidence(j, v, "The thread waits for the GIL.");
    else if (its->activity.run == GS_RUN_SYSCALL)
        gs_why_evidence(j, v, "The thread is in a system call: %s.", gs_said_call(c, &its->activity).words);
    else
        gs_why_evidence(j, v, "The thread computes.");
    if (loop->has_ready && loop->ready > 0)
        gs_why_evidence(j, v, "%" PRIu64 " %s ready and cannot run.", loop->ready,
                        loop->ready == 1 ? "callback is" : "callbacks are");
    gs_why_evidence(j, v, "The loop has %" PRIu32 " %s.", loop->count, loop->count == 1 ? "task" : "tasks");
    gs_why_basis(j, v,
                 timer ? "the earliest of the loop's timers is overdue by that time."
                       : "the thread has not moved for that time, and is not where the loop waits for events.");
    gs_why_advise(j, v,
                  "Let a thread do this (asyncio.to_thread, run_in_executor), or use a call that can be awaited.");
    /* What keeps the thread itself is for other rules to tell. */
    bool told = j->told[thread];
    gs_why_concerns(j, v, thread);
    j->told[thread] = told;
}

void gs_why_find_blocked_loops(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; c->tasks && !c->target->still && i < c->tasks->loop_count; i++) {
        const struct gs_event_loop *loop = &c->tasks->loops[i];
        size_t thread = thread_of(c, loop);
        bool timer;
        if (thread == c->snapshot->thread_count || gs_event_loop_polls(&c->snapshot->threads[thread]))
            continue;
        uint64_t us = blocked_us(c, loop, &c->snapshot->threads[thread], &timer);
        if (us >= GS_WHY_HANGS_NS / 1000)
            tell_blocked(j, loop, thread, us, timer);
    }
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

static void tell_circle(struct gs_judging *j, const uint32_t *circle, size_t count)
{
    const struct gs_tasks *tasks = j->c->tasks;
    bool locks = false;
    for (size_t i = 0; i < count; i++)
        locks |= tasks->tasks[circle[i]].await.kind == GS_AWAIT_LOCK;
    struct gs_verdict *v =
        count == 1
            ? gs_why_say(j, GS_WHY_task_deadlock, !locks, "Deadlock: %s waits for itself, and will wait for ever.",
                         label_of(&tasks->tasks[circle[0]]).words)
            : gs_why_say(j, GS_WHY_task_deadlock, !locks,
                         "Deadlock: these %zu tasks wait for one another, and will wait for ever.", count);
    for (size_t i = 0; i < count; i++)
        tell_member(j, v, circle[i]);
    gs_why_basis(j, v,
                 locks
                     ? "a lock of asyncio keeps no owner: that a task has it follows from the `async with` block that "
                       "it is in."
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
