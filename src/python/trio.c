/* trio.run keeps its runner in a variable, and that has the tasks in a set. A task that is to run has the function that
 * resumes it; a nursery is a child's of which the parent is another task's.
 * Source: trio/_core/_run.py (0.22 to 0.35): run, unrolled_run, class Runner, Task and Nursery. */
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "python/pystr.h"
#include "python/task_list.h"
#include "python/task_words.h"
#include "python/trio.h"

enum { AGAIN = 8 /* readings of one that does not hold still */ };

struct reading {
    const struct gs_tasks_question *question;
    struct gs_awaits *awaits;
    struct gs_mem *pages;
    struct gs_task_rows *rows;
    double now_s; /* by the runner's clock, 0: not known */
    struct gs_task_list list;
    struct gs_task_list parents; /* of each task that was added: the task whose nursery it is in, or 0 */
    struct gs_chain chain, again;
};

struct fields {
    gs_addr coroutine, resume, nursery;
};

static void forget(struct reading *r)
{
    gs_awaits_forget(r->awaits, r->pages);
}

static gs_addr attribute(struct reading *r, gs_addr object, const char *name)
{
    return gs_task_attribute(r->awaits, object, name);
}

static bool is_named(struct gs_awaits *awaits, gs_addr object, const char *name)
{
    struct gs_type type;
    return object != 0 && gs_type_of(&awaits->types, awaits->layout, awaits->mem, object, &type) &&
           gs_type_named(&type, awaits->mem, name);
}

/* What a variable of a thread's frame in trio's own loop refers to, of a class; 0: it runs no trio. */
static gs_addr find_variable(struct gs_awaits *awaits, const struct gs_frame *frames, uint32_t count, const char *name,
                             const char *type)
{
    static const char tail[] = "/trio/_core/_run.py";
    for (uint32_t i = count; i > 0; i--) {
        const struct gs_frame *frame = &frames[i - 1];
        const struct gs_code *code = frame->kind == GS_FRAME_PYTHON ? gs_codes_find(awaits->codes, frame->code) : NULL;
        size_t len = code ? strlen(code->file) : 0;
        if (len < sizeof tail - 1 || strcmp(code->file + len - (sizeof tail - 1), tail) != 0 ||
            (strcmp(code->function, "run") != 0 && strcmp(code->function, "unrolled_run") != 0))
            continue;
        gs_addr found = gs_task_variable(awaits, frame, name);
        if (is_named(awaits, found, type))
            return found;
    }
    return 0;
}

static void read_name(struct gs_awaits *awaits, gs_addr task, char name[GS_TASK_NAME])
{
    gs_addr text = gs_task_attribute(awaits, task, "name");
    if (text == 0 || gs_str_read(awaits->layout, awaits->mem, text, name, GS_TASK_NAME))
        name[0] = '\0';
}

gs_addr gs_trio_running(struct gs_awaits *awaits, const struct gs_frame *frames, uint32_t count, gs_addr *coroutine,
                        char name[GS_TASK_NAME])
{
    gs_addr task = find_variable(awaits, frames, count, "task", "Task");
    *coroutine = gs_task_attribute(awaits, task, "coro");
    read_name(awaits, task, name);
    return *coroutine != 0 ? task : 0;
}

static enum gs_status read_once(struct reading *r, gs_addr task, struct fields *fields, struct gs_chain *chain,
                                bool *there)
{
    *there = is_named(r->awaits, task, "Task");
    if (!*there)
        return GS_OK;
    *fields = (struct fields){.coroutine = attribute(r, task, "coro"),
                              .resume = attribute(r, task, "_next_send_fn"),
                              .nursery = attribute(r, task, "_parent_nursery")};
    *there = fields->coroutine != 0;
    return *there ? gs_chain_read(r->awaits, fields->coroutine, chain) : GS_OK;
}

static enum gs_status add(struct reading *r, gs_addr addr, const struct fields *fields, struct gs_event_loop *loop,
                          bool torn)
{
    struct gs_members members = {.count = 0};
    struct gs_async_task *task =
        gs_task_rows_add(r->rows, (struct gs_async_task){.addr = addr,
                                                         .loop = loop->addr,
                                                         .coroutine = fields->coroutine,
                                                         .state = fields->resume != 0 ? GS_TASK_READY : GS_TASK_WAITS,
                                                         .torn = torn,
                                                         .holder = GS_NO_TASK});
    if (!task)
        return GS_NO_MEMORY;
    read_name(r->awaits, addr, task->name);
    if (r->chain.running && !torn)
        loop->current = addr;
    else if (task->state == GS_TASK_WAITS && !torn)
        gs_task_wait(r->awaits, &r->chain, 0, r->now_s, &task->await, &members);
    if (!gs_task_rows_chain(r->rows, task, &r->chain))
        return GS_NO_MEMORY;
    return gs_task_list_add(&r->parents, attribute(r, fields->nursery, "_parent_task"));
}

/* Until two readings, with nothing remembered in between, agree. */
static enum gs_status read_task(struct reading *r, gs_addr addr, struct gs_event_loop *loop)
{
    struct fields first = {0}, second;
    enum gs_status status = GS_OK;
    bool there = true, agree = false;
    for (int i = 0; i < AGAIN && there && !agree && status == GS_OK; i++) {
        forget(r);
        status = read_once(r, addr, &first, &r->chain, &there);
        if (status != GS_OK || !there)
            break;
        forget(r);
        status = read_once(r, addr, &second, &r->again, &there);
        agree = status == GS_OK && there && memcmp(&first, &second, sizeof first) == 0 &&
                gs_chain_same(&r->chain, &r->again);
    }
    return status == GS_OK && there ? add(r, addr, &first, loop, !agree) : status;
}

/* A task whose nursery is another one's is waited for by that in the end. */
static bool add_parents(struct reading *r, size_t first)
{
    const struct gs_tasks *tasks = r->rows->tasks;
    bool ok = true;
    for (size_t i = 0; i < r->parents.count && ok; i++) {
        gs_addr addr = r->parents.at[i];
        /* They are in the order of their addresses. */
        size_t parent = first + GS_FIRST_NOT(at, tasks->task_count - first, tasks->tasks[first + at].addr < addr);
        if (parent < tasks->task_count && tasks->tasks[parent].addr == addr)
            ok = gs_task_rows_edge(r->rows, tasks->tasks[first + i].addr, (uint32_t)parent);
    }
    return ok;
}

static void read_ready(struct reading *r, struct gs_event_loop *loop)
{
    gs_addr ready = attribute(r, loop->addr, "runq");
    loop->has_ready =
        is_named(r->awaits, ready, "collections.deque") &&
        gs_mem_read_addr(r->awaits->mem, ready + (gs_addr)r->awaits->layout->ob_size, &loop->ready) == GS_OK;
}

/* trio's own clock is CLOCK_MONOTONIC and an offset (_core/_run.py, SystemClock); those of others are not known. */
static double read_now(struct reading *r, gs_addr runner)
{
    gs_addr clock = attribute(r, runner, "clock");
    double offset;
    return r->question->now_s > 0 && is_named(r->awaits, clock, "SystemClock") &&
                   gs_task_number(r->awaits, attribute(r, clock, "offset"), &offset)
               ? r->question->now_s + offset
               : 0;
}

static enum gs_status read_runner(struct reading *r, const struct gs_tasks_thread *thread, gs_addr runner)
{
    struct gs_tasks *tasks = r->rows->tasks;
    if (tasks->loop_count == GS_EVENT_LOOPS_MOST)
        return GS_OK;
    struct gs_event_loop *loop = &tasks->loops[tasks->loop_count++];
    const size_t first = tasks->task_count;
    gs_addr set = attribute(r, runner, "tasks");
    *loop =
        (struct gs_event_loop){.kind = GS_LOOP_TRIO, .addr = runner, .tstate = thread->tstate, .running = GS_NO_TASK};
    read_ready(r, loop);
    r->now_s = read_now(r, runner);
    r->list.count = r->parents.count = 0;
    enum gs_status status = is_named(r->awaits, set, "set") ? gs_task_list_set(r->awaits, set, &r->list) : GS_OK;
    gs_task_list_sort(&r->list);
    for (size_t i = 0; i < r->list.count && status == GS_OK; i++)
        status = read_task(r, r->list.at[i], loop);
    tasks->left_out += r->list.left_out;
    tasks->partial |= r->list.partial;
    return status == GS_OK && !add_parents(r, first) ? GS_NO_MEMORY : status;
}

enum gs_status gs_trio_read(const struct gs_tasks_question *question, struct gs_awaits *awaits, struct gs_mem *pages,
                            struct gs_task_rows *rows)
{
    struct reading r = {.question = question, .awaits = awaits, .pages = pages, .rows = rows};
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < question->thread_count && status == GS_OK; i++) {
        forget(&r);
        const struct gs_tasks_thread *thread = &question->threads[i];
        gs_addr runner = find_variable(awaits, thread->frames, thread->frame_count, "runner", "Runner");
        if (runner != 0)
            status = read_runner(&r, thread, runner);
    }
    free(r.list.at);
    free(r.parents.at);
    free(r.chain.frames);
    free(r.again.frames);
    return status;
}
