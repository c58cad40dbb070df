/* What the tasks of event loops tell: those that wait for one another, and those that keep their loop. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/why_rules.h"
#include "diagnose/why_watch.h"
#include "python/tasks.h"

enum { CIRCLE_MOST = 64, TOLD_MOST = 8, WORDS = 2 * GS_TASK_WORDS + GS_TASK_NAME };

static const double STARVED = 0.25; /* of the time */

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

/* Its loop runs on: what holds up the thread is not told by that. */
static void concerns(struct gs_judging *j, struct gs_verdict *v, const struct gs_async_task *task)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; i < c->tasks->loop_count; i++) {
        size_t thread =
            c->tasks->loops[i].addr == task->loop ? thread_of(c, &c->tasks->loops[i]) : c->snapshot->thread_count;
        if (thread == c->snapshot->thread_count)
            continue;
        bool told = j->told[thread];
        gs_why_concerns(j, v, thread);
        j->told[thread] = told;
    }
}

static void tell_member(struct gs_judging *j, struct gs_verdict *v, uint32_t index)
{
    const struct gs_case *c = j->c;
    const struct gs_async_task *task = &c->tasks->tasks[index];
    const struct gs_thread stack = {.frames = c->tasks->frames + task->frame_at, .frame_count = task->frame_count};
    char words[WORDS];
    gs_task_words(c->tasks, task, words, sizeof words);
    gs_why_evidence(j, v, "%s waits for %s, in %s.", label_of(task).words, words, gs_said_stack(c, &stack).words);
    concerns(j, v, task);
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
                       "block of it, or alone stands in code that knows it and calls acquire()."
                     : "each of these tasks refers to the one that it awaits.");
    if (locks)
        gs_why_advise(j, v, "Take these locks in the same order everywhere, or one of them with a timeout.");
}

/* A circle is told where its first member is met. */
void gs_why_find_task_deadlocks(struct gs_judging *j)
{
    const struct gs_tasks *tasks = j->c->tasks;
    for (uint32_t i = 0; tasks && i < tasks->run_count; i++) {
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

/* ---- waits that nobody will end ---- */

/* It waited for the same when the watch began. */
static const struct gs_async_task *waited_before(const struct gs_case *c, const struct gs_async_task *task)
{
    uint32_t at = c->tasks_before ? gs_task_find(c->tasks_before, task->addr) : GS_NO_TASK;
    const struct gs_async_task *before = at != GS_NO_TASK ? &c->tasks_before->tasks[at] : NULL;
    return before && before->coroutine == task->coroutine && before->waiter == task->waiter &&
                   before->await.object == task->await.object && before->state == GS_TASK_WAITS && !task->torn
               ? before
               : NULL;
}

/* A lock that no task is seen to have, an event that nobody can set. Semaphores may be meant to be waited for. */
static bool is_lost(const struct gs_case *c, const struct gs_async_task *task)
{
    const struct gs_await *await = &task->await;
    if (task->state != GS_TASK_WAITS || await->object == 0)
        return false;
    bool lock = await->kind == GS_AWAIT_LOCK && strcmp(await->words, "Lock") == 0 && task->holder == GS_NO_TASK;
    return (lock || (await->kind == GS_AWAIT_EVENT && await->alone)) && knows_its_wait(c->tasks, task) &&
           waited_before(c, task);
}

static void tell_lost(struct gs_judging *j, uint32_t first)
{
    const struct gs_tasks *tasks = j->c->tasks;
    const struct gs_await *await = &tasks->tasks[first].await;
    const bool lock = await->kind == GS_AWAIT_LOCK;
    size_t count = 0;
    for (uint32_t i = first; i < tasks->run_count; i++)
        count += tasks->tasks[i].await.object == await->object && is_lost(j->c, &tasks->tasks[i]);
    struct gs_verdict *v =
        gs_why_say(j, GS_WHY_task_deadlock, false,
                   lock ? "%s %s for a Lock that nobody is seen to have: whoever took it did not give it back."
                        : "%s %s for an %s that nobody will set: nothing else refers to it.",
                   count == 1 ? label_of(&tasks->tasks[first]).words : gs_said_number(count).words,
                   count == 1 ? "waits" : "tasks wait", await->words);
    for (uint32_t i = first, told = 0; i < tasks->run_count && told < TOLD_MOST; i++) {
        if (tasks->tasks[i].await.object != await->object || !is_lost(j->c, &tasks->tasks[i]))
            continue;
        tell_member(j, v, i);
        told++;
    }
    gs_why_advise(
        j, v,
        lock ? "Take it by `async with`, which gives it back whatever happens; or call release() in a `finally`."
             : "Keep the event where somebody can set it, or wait for a limited time (asyncio.timeout).");
    gs_why_basis(
        j, v,
        lock ? "no task has it in an `async with` block, or stands in code that calls acquire() and knows it, and "
               "those who wait did so for %s."
             : "it has as many references as those who wait for it have variables, and they did so for %s.",
        gs_said_us(gs_case_watched_ns(j->c) / 1000).words);
}

void gs_why_find_lost_waits(struct gs_judging *j)
{
    const struct gs_tasks *tasks = j->c->tasks;
    gs_addr told[TOLD_MOST];
    size_t count = 0;
    for (uint32_t i = 0; tasks && i < tasks->run_count && count < TOLD_MOST && !j->c->stopped; i++) {
        bool lost = is_lost(j->c, &tasks->tasks[i]);
        for (size_t k = 0; k < count && lost; k++)
            lost = told[k] != tasks->tasks[i].await.object;
        if (!lost)
            continue;
        told[count++] = tasks->tasks[i].await.object;
        tell_lost(j, i);
    }
}

/* ---- tasks that were cancelled ---- */

static bool does_not_end(const struct gs_case *c, const struct gs_async_task *task)
{
    const struct gs_async_task *before =
        task->cancels > 0 && task->state == GS_TASK_WAITS ? waited_before(c, task) : NULL;
    return before && before->cancels > 0;
}

void gs_why_find_cancelled_tasks(struct gs_judging *j)
{
    const struct gs_tasks *tasks = j->c->tasks;
    uint32_t first = GS_NO_TASK;
    size_t count = 0;
    for (uint32_t i = 0; tasks && i < tasks->run_count && !j->c->stopped; i++) {
        if (!does_not_end(j->c, &tasks->tasks[i]))
            continue;
        first = count++ == 0 ? i : first;
    }
    if (count == 0)
        return;
    struct gs_said watched = gs_said_us(gs_case_watched_ns(j->c) / 1000);
    struct gs_verdict *v =
        gs_why_say(j, GS_WHY_task_cancelled, true, "%s %s cancelled, and did not end in the %s watched.",
                   count == 1 ? label_of(&tasks->tasks[first]).words : gs_said_number(count).words,
                   count == 1 ? "was" : "tasks were", watched.words);
    for (uint32_t i = first, told = 0; i < tasks->run_count && told < TOLD_MOST; i++) {
        if (!does_not_end(j->c, &tasks->tasks[i]))
            continue;
        tell_member(j, v, i);
        told++;
    }
    gs_why_advise(
        j, v,
        "Let CancelledError pass, or raise it again where it is caught (`except BaseException`, too), and wait "
        "in a `finally` for a limited time only.");
    gs_why_basis(j, v,
                 "the task counts the calls of cancel() that it has not taken back, and waits for the same as before.");
}

/* ---- loops that wait for the GIL ---- */

static uint32_t gil_of(const struct gs_case *c, size_t thread)
{
    return c->snapshot->interpreters[c->snapshot->threads[thread].interpreter].gil;
}

/* A verdict on this GIL; NULL: there is none yet. */
static struct gs_verdict *verdict_on(const struct gs_judging *j, uint32_t gil)
{
    const struct gs_snapshot *s = j->c->snapshot;
    for (size_t i = 0; i < j->why->count; i++) {
        struct gs_verdict *v = &j->why->list[i];
        const bool of_gil = v->kind == GS_WHY_gil_hog || v->kind == GS_WHY_gil_held_blocked || v->kind == GS_WHY_gc ||
                            v->kind == GS_WHY_convoy || v->kind == GS_WHY_gil_saturated ||
                            v->kind == GS_WHY_gil_contended || v->kind == GS_WHY_gil_deadlock;
        for (size_t k = 0; k < s->thread_count && of_gil && v->thread_count > 0; k++) {
            if (s->threads[k].tid == v->threads[0] && gil_of(j->c, k) == gil)
                return v;
        }
    }
    return NULL;
}

/* Who had that GIL the longest, but for one. */
static size_t holder_of(const struct gs_case *c, uint32_t gil, size_t but)
{
    uint64_t most_ns = 0;
    size_t found = c->snapshot->thread_count;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, &c->snapshot->threads[i]);
        if (i == but || !sum || gil_of(c, i) != gil || sum->word_ns[GS_HOLDS] <= most_ns)
            continue;
        most_ns = sum->word_ns[GS_HOLDS];
        found = i;
    }
    return found;
}

static void tell_starved(struct gs_judging *j, const struct gs_event_loop *loop, size_t thread, double waits)
{
    const struct gs_case *c = j->c;
    const uint32_t gil = gil_of(c, thread);
    const size_t holder = holder_of(c, gil, thread);
    struct gs_verdict *v = verdict_on(j, gil);
    if (v) {
        gs_why_evidence(j, v,
                        "The event loop of %s starves meanwhile: it waited for the GIL %.0f %% of the time, and its "
                        "%s tasks with it.",
                        gs_said_thread(c, &c->snapshot->threads[thread]).words, 100 * waits,
                        gs_said_number(loop->count).words);
        return;
    }
    if (holder == c->snapshot->thread_count)
        return;
    v = gs_why_say(j, GS_WHY_loop_starved, false,
                   "The event loop of %s starves: it waited for the GIL %.0f %% of the time, and its %s tasks with it, "
                   "for the most part behind %s.",
                   gs_said_thread(c, &c->snapshot->threads[thread]).words, 100 * waits,
                   gs_said_number(loop->count).words, gs_said_thread(c, &c->snapshot->threads[holder]).words);
    gs_why_evidence(j, v, "%s is now in %s.", gs_said_thread(c, &c->snapshot->threads[holder]).words,
                    gs_said_stack(c, &c->snapshot->threads[holder]).words);
    gs_why_advise(j, v, "Put the computing into another process (ProcessPoolExecutor with loop.run_in_executor).");
    gs_why_basis(j, v, "shares of %s looks in %s.", gs_said_number(c->watch->samples).words,
                 gs_said_us(gs_case_watched_ns(c) / 1000).words);
    gs_why_concerns(j, v, thread);
}

void gs_why_find_starved_loops(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; c->tasks && !c->target->postmortem && !c->stopped && i < c->tasks->loop_count; i++) {
        const struct gs_event_loop *loop = &c->tasks->loops[i];
        size_t thread = thread_of(c, loop);
        const struct gs_why_thread *sum =
            thread < c->snapshot->thread_count ? gs_why_watch_find(c->watch, &c->snapshot->threads[thread]) : NULL;
        double waits =
            sum && c->watch->weighed_ns > 0 ? (double)sum->word_ns[GS_WAITS] / (double)c->watch->weighed_ns : 0;
        if (loop->count > 0 && waits >= STARVED && gs_case_watched_ns(c) >= GS_WHY_HANGS_NS)
            tell_starved(j, loop, thread, waits);
    }
}
