/* Reads all tasks: each twice, in batches between which the cache of pages is thrown away. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "base/sorted.h"
#include "mem/metered.h"
#include "python/field.h"
#include "python/greenlets.h"
#include "python/locks.h"
#include "python/names_attribute.h"
#include "python/task_fields.h"
#include "python/task_list.h"
#include "python/task_locks.h"
#include "python/task_rows.h"
#include "python/task_words.h"
#include "python/trio.h"
#include "python/uvloop.h"
#include "python/values_int.h"

enum {
    BATCH = 1024,         /* tasks between which what was read is forgotten */
    AGAIN = 8,            /* readings of one that does not hold still */
    READS_MOST = 1 << 25, /* of pieces of memory, in all */
    LATE_MOST_S = 1000000000
};

const char *gs_task_state_name(enum gs_task_state state)
{
    static const char *const names[] = {"running", "ready", "waits"};
    return names[state];
}

const char *gs_await_kind_name(enum gs_await_kind kind)
{
    static const char *const names[] = {NULL,    "task",  "future", "lock",   "event",
                                        "queue", "sleep", "io",     "gather", "other"};
    return names[kind];
}

struct reading {
    const struct gs_tasks_question *question;
    struct gs_awaits awaits;
    struct gs_mem *pages;
    struct gs_metered metered, live;
    uint64_t left;
    struct gs_chain chain, again;
    struct gs_tasks *tasks;
    struct gs_task_rows rows;         /* of these */
    gs_addr ran[GS_EVENT_LOOPS_MOST]; /* tasks that were read while they ran, with the frames of their threads */
    size_t ran_count;
};

const char *gs_loop_kind_name(enum gs_loop_kind kind)
{
    static const char *const names[] = {"asyncio", "greenlet", "gevent", "eventlet", "trio"};
    return names[kind];
}

static void forget(struct reading *r)
{
    gs_awaits_forget(&r->awaits, r->pages);
}

/* ---- one task ---- */

static bool add_edges(struct reading *r, const struct gs_await *wait, const struct gs_members *members, uint32_t waiter)
{
    bool ok = wait->kind != GS_AWAIT_TASK || gs_task_rows_edge(&r->rows, wait->object, waiter);
    for (size_t i = 0; i < members->count && ok; i++)
        ok = gs_task_rows_edge(&r->rows, members->at[i], waiter);
    return ok;
}

/* Reads a task and its chain into r->chain; false: it is none, or has ended. */
static enum gs_status read_once(struct reading *r, gs_addr addr, struct gs_task_fields *fields, struct gs_chain *chain,
                                bool *there)
{
    *there = gs_task_fields_read(&r->awaits, addr, fields) && fields->pending && fields->coroutine != 0;
    enum gs_status status = *there ? gs_chain_read(&r->awaits, fields->coroutine, chain) : GS_OK;
    /* Its coroutine has ended: in a moment it is told so. */
    *there = *there && (chain->torn || chain->count > 0 || chain->end != 0);
    return status;
}

static bool same_fields(const struct gs_task_fields *a, const struct gs_task_fields *b)
{
    return a->loop == b->loop && a->coroutine == b->coroutine && a->waiter == b->waiter;
}

/* Two readings, with nothing remembered in between, that agree. */
static enum gs_status read_twice(struct reading *r, gs_addr addr, struct gs_task_fields *fields, bool *there,
                                 bool *agree)
{
    struct gs_task_fields second;
    *agree = false;
    forget(r);
    enum gs_status status = read_once(r, addr, fields, &r->chain, there);
    if (status != GS_OK || !*there)
        return status;
    forget(r);
    status = read_once(r, addr, &second, &r->again, there);
    *agree = status == GS_OK && *there && same_fields(fields, &second) && gs_chain_same(&r->chain, &r->again);
    return status;
}

static enum gs_status add_task(struct reading *r, gs_addr addr, const struct gs_task_fields *fields, bool torn)
{
    struct gs_members members = {.count = 0};
    uint32_t index = (uint32_t)r->tasks->task_count;
    struct gs_async_task *task = gs_task_rows_add(&r->rows, (struct gs_async_task){.addr = addr,
                                                                                   .loop = fields->loop,
                                                                                   .coroutine = fields->coroutine,
                                                                                   .waiter = fields->waiter,
                                                                                   .cancels = fields->cancels,
                                                                                   .torn = torn,
                                                                                   .holder = GS_NO_TASK});
    if (!task)
        return GS_NO_MEMORY;
    gs_task_name_read(&r->awaits, fields->name, task->name);
    task->state = fields->waiter != 0 && gs_future_pending(&r->awaits, fields->waiter) ? GS_TASK_WAITS : GS_TASK_READY;
    if (task->state == GS_TASK_WAITS && !torn)
        gs_task_wait(&r->awaits, &r->chain, fields->waiter, r->question->now_s, &task->await, &members);
    return gs_task_rows_chain(&r->rows, task, &r->chain) && add_edges(r, &task->await, &members, index) ? GS_OK
                                                                                                        : GS_NO_MEMORY;
}

/* ---- who ran when the threads were looked at ---- */

/* Which frame of the thread is that of the task's own coroutine; frame_count: none. Its place may be another one's by
 * now: it counts if it stands where it stood when the thread was looked at, and the innermost one if `ran`, since it
 * runs on. */
static uint32_t own_frame(const struct gs_tasks *tasks, const struct gs_async_task *task,
                          const struct gs_tasks_thread *thread, bool ran)
{
    const struct gs_frame none = {0};
    const struct gs_frame own = task->frame_count > 0 ? tasks->frames[task->frame_at + task->frame_count - 1] : none;
    uint32_t at = 0;
    while (at < thread->frame_count && thread->frames[at].frame != own.frame)
        at++;
    bool same = own.frame != 0 && at < thread->frame_count && thread->frames[at].code == own.code &&
                (thread->frames[at].instr == own.instr || (ran && at == 0));
    return same ? at : thread->frame_count;
}

/* The frames of the thread down to that of the task's own coroutine, `count`. */
static bool take_running(struct reading *r, struct gs_async_task *task, const struct gs_tasks_thread *thread,
                         uint32_t count)
{
    const struct gs_tasks *tasks = r->tasks;
    bool ok = true;
    task->state = GS_TASK_RUNNING;
    task->await = (struct gs_await){0};
    task->torn = count == thread->frame_count;
    task->frame_at = tasks->frame_count;
    if (task->torn)
        ok = gs_task_rows_frame(&r->rows, (struct gs_frame){.kind = GS_FRAME_GAP, .gap = GS_GAP_CHANGED});
    for (uint32_t i = 0; i <= count && !task->torn && ok; i++)
        ok = gs_task_rows_frame(&r->rows, thread->frames[i]);
    task->frame_count = (uint32_t)(tasks->frame_count - task->frame_at);
    return ok;
}

/* Whether the task that was read last runs in its thread since that was looked at: then it is known how it stood,
 * whatever it does until the end of the reading. */
static enum gs_status keep_running(struct reading *r, const struct gs_tasks_thread *thread, gs_addr loop,
                                   const struct gs_task_fields *fields)
{
    struct gs_async_task *task = &r->tasks->tasks[r->tasks->task_count - 1];
    struct gs_task_fields now;
    uint32_t own = own_frame(r->tasks, task, thread, true);
    forget(r);
    bool same = own < thread->frame_count && r->ran_count < GS_EVENT_LOOPS_MOST &&
                gs_task_fields_read(&r->awaits, task->addr, &now) && same_fields(fields, &now) &&
                gs_task_current(&r->awaits, thread, loop) == task->addr;
    if (!same) {
        task->addr = 0; /* left out in the end */
        return GS_OK;
    }
    r->ran[r->ran_count++] = task->addr;
    return take_running(r, task, thread, own) ? GS_OK : GS_NO_MEMORY;
}

static gs_addr running_loop(struct reading *r, const struct gs_tasks_thread *thread)
{
    return gs_none_as_zero(&r->awaits, gs_task_running_loop(&r->awaits, thread));
}

/* Comes first: a loop goes on to its next task in less than a millisecond. One read may tell of several threads that
 * they run none, as most. */
static enum gs_status read_ran(struct reading *r)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < r->question->thread_count && status == GS_OK; i++) {
        const struct gs_tasks_thread *thread = &r->question->threads[i];
        struct gs_task_fields fields;
        bool there = false;
        if (running_loop(r, thread) == 0)
            continue;
        forget(r);
        gs_addr loop = running_loop(r, thread), task = loop != 0 ? gs_task_current(&r->awaits, thread, loop) : 0;
        if (task != 0)
            status = read_once(r, task, &fields, &r->chain, &there);
        if (status == GS_OK && there)
            status = add_task(r, task, &fields, false);
        if (status == GS_OK && there)
            status = keep_running(r, thread, loop, &fields);
    }
    return status;
}

static bool ran(const struct reading *r, gs_addr task)
{
    size_t i = 0;
    while (i < r->ran_count && r->ran[i] != task)
        i++;
    return i < r->ran_count;
}

/* ---- all of them ---- */

/* Until it holds still. */
static enum gs_status read_patiently(struct reading *r, gs_addr addr)
{
    struct gs_task_fields fields;
    bool there = true, agree = false;
    enum gs_status status = GS_OK;
    for (int i = 0; i < AGAIN && there && !agree && status == GS_OK; i++)
        status = read_twice(r, addr, &fields, &there, &agree);
    return status == GS_OK && there ? add_task(r, addr, &fields, !agree) : status;
}

/* A task of a batch as it was at first sight: that is compared with what is there afterwards. */
struct draft {
    struct gs_task_fields fields;
    size_t task; /* index; SIZE_MAX: it was none */
};

/* Frames of a task stand innermost first, those of a chain outermost first. */
static bool still_same(struct reading *r, const struct draft *draft)
{
    const struct gs_async_task *task = &r->tasks->tasks[draft->task];
    const struct gs_frame *before = r->tasks->frames + task->frame_at;
    struct gs_task_fields fields;
    bool there;
    if (read_once(r, task->addr, &fields, &r->again, &there) != GS_OK || !there ||
        !same_fields(&draft->fields, &fields) || r->again.torn || r->again.count != task->frame_count)
        return false;
    for (size_t i = 0; i < task->frame_count; i++) {
        const struct gs_frame *a = &before[task->frame_count - 1 - i], *b = &r->again.frames[i];
        if (a->frame != b->frame || a->code != b->code || a->instr != b->instr)
            return false;
    }
    return true;
}

/* Those that moved meanwhile are read singly; what was read of them (addr 0 from then on) is left out in the end. */
static enum gs_status check_batch(struct reading *r, const struct draft *drafts, size_t count)
{
    gs_addr moved[BATCH];
    size_t moved_count = 0;
    enum gs_status status = GS_OK;
    forget(r);
    for (size_t i = 0; i < count; i++) {
        if (drafts[i].task == SIZE_MAX || still_same(r, &drafts[i]))
            continue;
        struct gs_async_task *task = &r->tasks->tasks[drafts[i].task];
        moved[moved_count++] = task->addr;
        task->addr = 0;
    }
    for (size_t i = 0; i < moved_count && status == GS_OK; i++)
        status = read_patiently(r, moved[i]);
    return status;
}

static enum gs_status read_batch(struct reading *r, const gs_addr *addrs, size_t count)
{
    struct draft drafts[BATCH];
    enum gs_status status = GS_OK;
    forget(r);
    for (size_t i = 0; i < count && status == GS_OK; i++) {
        bool there;
        drafts[i].task = SIZE_MAX;
        if (ran(r, addrs[i]))
            continue;
        status = read_once(r, addrs[i], &drafts[i].fields, &r->chain, &there);
        if (status != GS_OK || !there)
            continue;
        drafts[i].task = r->tasks->task_count;
        status = add_task(r, addrs[i], &drafts[i].fields, r->chain.torn);
    }
    return status == GS_OK ? check_batch(r, drafts, count) : status;
}

static enum gs_status read_list(struct reading *r, const struct gs_task_list *list)
{
    enum gs_status status = GS_OK;
    for (size_t at = 0; at < list->count && status == GS_OK; at += BATCH)
        status = read_batch(r, list->at + at, list->count - at < BATCH ? list->count - at : BATCH);
    r->tasks->left_out += list->left_out;
    r->tasks->partial |= list->partial;
    return status;
}

static enum gs_status read_interpreters(struct reading *r)
{
    const struct gs_tasks_question *question = r->question;
    struct gs_task_list list = {0};
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < question->thread_count && status == GS_OK; i++) {
        bool known = false;
        for (size_t k = 0; k < i && !known; k++)
            known = question->threads[k].interpreter == question->threads[i].interpreter;
        forget(r);
        if (!known)
            status = gs_task_list_read(&r->awaits, question->threads[i].interpreter, question->threads,
                                       question->thread_count, &list);
    }
    gs_task_list_sort(&list);
    if (status == GS_OK)
        status = read_list(r, &list);
    free(list.at);
    return status;
}

/* ---- loops ---- */

static size_t loop_at(const struct gs_tasks *tasks, gs_addr addr)
{
    size_t i = 0;
    while (i < tasks->loop_count && tasks->loops[i].addr != addr)
        i++;
    return i;
}

/* Loops written in Python keep their callbacks in the deque _ready, and a heap of timers in the list _scheduled; of
 * uvloop the former alone can be found. */
static void read_callbacks(struct reading *r, struct gs_event_loop *loop)
{
    const struct gs_layout *layout = r->awaits.layout;
    gs_addr ready = gs_attribute_find(layout, r->awaits.mem, &r->awaits.types, loop->addr, "_ready"),
            timers = gs_attribute_find(layout, r->awaits.mem, &r->awaits.types, loop->addr, "_scheduled"), items, first;
    struct gs_type type;
    uint64_t count;
    if (ready == 0) {
        ready = gs_uvloop_queue(&r->awaits, loop->addr);
        loop->calls = ready != 0;
    }
    if (ready != 0 && gs_type_of(&r->awaits.types, layout, r->awaits.mem, ready, &type) &&
        gs_type_named(&type, r->awaits.mem, "collections.deque"))
        loop->has_ready = gs_mem_read_addr(r->awaits.mem, ready + (gs_addr)layout->ob_size, &loop->ready) == GS_OK;
    loop->queue = loop->has_ready ? ready : 0;
    if (timers != 0 && gs_type_of(&r->awaits.types, layout, r->awaits.mem, timers, &type) &&
        gs_type_has(&type, GS_TYPE_LIST) &&
        gs_mem_read_addr(r->awaits.mem, timers + (gs_addr)layout->ob_size, &count) == GS_OK && count > 0 &&
        gs_mem_read_addr(r->awaits.mem, timers + (gs_addr)layout->list_items, &items) == GS_OK &&
        gs_mem_read_addr(r->awaits.mem, items, &first) == GS_OK)
        loop->has_due = gs_timer_due(&r->awaits, first, &loop->due_s);
}

static bool add_loop(struct reading *r, gs_addr tstate, gs_addr addr)
{
    struct gs_tasks *tasks = r->tasks;
    if (addr == 0 || tasks->loop_count == GS_EVENT_LOOPS_MOST || loop_at(tasks, addr) < tasks->loop_count)
        return false;
    tasks->loops[tasks->loop_count] = (struct gs_event_loop){.addr = addr, .tstate = tstate, .running = GS_NO_TASK};
    read_callbacks(r, &tasks->loops[tasks->loop_count++]);
    return true;
}

/* The loop that a thread says it runs; where it does not, a loop of tasks that says which thread runs it. */
static void read_loops(struct reading *r)
{
    const struct gs_tasks_question *question = r->question;
    forget(r);
    for (size_t i = 0; i < question->thread_count; i++)
        add_loop(r, question->threads[i].tstate,
                 gs_none_as_zero(&r->awaits, gs_task_running_loop(&r->awaits, &question->threads[i])));
    gs_addr asked = 0;
    for (size_t i = 0; i < r->tasks->task_count; i++) {
        gs_addr loop = r->tasks->tasks[i].loop;
        if (loop == asked || loop_at(r->tasks, loop) < r->tasks->loop_count)
            continue;
        asked = loop;
        uint64_t ident = gs_attribute_number(r->awaits.layout, r->awaits.mem, &r->awaits.types, loop, "_thread_id");
        for (size_t k = 0; k < question->thread_count && ident != 0; k++) {
            if (question->threads[k].ident == ident && add_loop(r, question->threads[k].tstate, loop))
                break;
        }
    }
}

/* Of tasks that are left: their thread has ended, or does something else now. No timer of theirs is late. */
static void add_stopped_loops(struct reading *r)
{
    struct gs_tasks *tasks = r->tasks;
    forget(r);
    for (size_t i = 0; i < tasks->task_count; i++) {
        if (tasks->tasks[i].addr != 0 && add_loop(r, GS_NO_TSTATE, tasks->tasks[i].loop))
            tasks->loops[tasks->loop_count - 1].has_due = false;
    }
}

/* ---- the order of the result ---- */

struct placed {
    size_t loop;
    uint32_t old;
    gs_addr addr;
};

static int by_place(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->loop != y->loop)
        return x->loop < y->loop ? -1 : 1;
    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    return (x->old > y->old) - (x->old < y->old);
}

/* Puts the tasks of each loop together, without those that are none any more; *now: where each came to. */
static bool order(struct gs_tasks *tasks, uint32_t *now)
{
    struct placed *placed = calloc(tasks->task_count + 1, sizeof *placed);
    struct gs_async_task *list = calloc(tasks->task_count + 1, sizeof *list);
    size_t count = 0;
    if (!placed || !list) {
        free(placed);
        free(list);
        return false;
    }
    for (size_t i = 0; i < tasks->task_count; i++) {
        size_t loop = loop_at(tasks, tasks->tasks[i].loop);
        now[i] = GS_NO_TASK;
        if (tasks->tasks[i].addr != 0 && loop < tasks->loop_count)
            placed[count++] = (struct placed){loop, (uint32_t)i, tasks->tasks[i].addr};
        else if (tasks->tasks[i].addr != 0)
            tasks->left_out++;
    }
    qsort(placed, count, sizeof *placed, by_place);
    for (size_t i = 0; i < count; i++) {
        struct gs_event_loop *loop = &tasks->loops[placed[i].loop];
        list[i] = tasks->tasks[placed[i].old];
        now[placed[i].old] = (uint32_t)i;
        loop->first = loop->count == 0 ? (uint32_t)i : loop->first;
        loop->count++;
        tasks->run_count += loop->tstate != GS_NO_TSTATE;
    }
    free(placed);
    free(tasks->tasks);
    tasks->tasks = list;
    tasks->task_count = count;
    return true;
}

uint32_t gs_task_find(const struct gs_tasks *tasks, gs_addr addr)
{
    for (size_t loop = 0; loop < tasks->loop_count; loop++) {
        uint32_t first = tasks->loops[loop].first, count = tasks->loops[loop].count;
        uint32_t found = (uint32_t)GS_FIRST_NOT(i, count, tasks->tasks[first + i].addr < addr);
        if (found < count && tasks->tasks[first + found].addr == addr)
            return first + found;
    }
    return GS_NO_TASK;
}

GS_BY_BOTH(by_waited, struct gs_task_edge, awaited, waiter);

/* From "who waits for whom" to "by whom is it awaited". */
static bool turn_round(struct reading *r, const uint32_t *now)
{
    struct gs_tasks *tasks = r->tasks;
    size_t count = 0;
    for (size_t i = 0; i < r->rows.edge_count; i++) {
        uint32_t awaited = gs_task_find(tasks, r->rows.edges[i].awaited), waiter = now[r->rows.edges[i].waiter];
        if (awaited != GS_NO_TASK && waiter != GS_NO_TASK)
            r->rows.edges[count++] = (struct gs_task_edge){awaited, waiter};
    }
    if (count == 0)
        return true;
    qsort(r->rows.edges, count, sizeof *r->rows.edges, by_waited);
    tasks->awaited_by = calloc(count, sizeof *tasks->awaited_by);
    if (!tasks->awaited_by)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct gs_async_task *task = &tasks->tasks[r->rows.edges[i].awaited];
        if (task->awaited_count++ == 0)
            task->awaited_at = i;
        tasks->awaited_by[i] = r->rows.edges[i].waiter;
    }
    tasks->awaited_count = count;
    return true;
}

/* ---- who runs ---- */

/* Where the loop has gone on since its thread was looked at: the task that ran then, or `now`. */
static uint32_t ran_then(const struct gs_tasks *tasks, const struct gs_event_loop *loop,
                         const struct gs_tasks_thread *thread, uint32_t now)
{
    if (now != GS_NO_TASK && own_frame(tasks, &tasks->tasks[now], thread, false) < thread->frame_count)
        return now;
    for (uint32_t i = loop->first; i < loop->first + loop->count; i++) {
        if (own_frame(tasks, &tasks->tasks[i], thread, false) < thread->frame_count)
            return i;
    }
    return now;
}

/* Of the tasks of a loop the one that was read while it ran; GS_NO_TASK: none was. */
static uint32_t kept_running(const struct gs_tasks *tasks, const struct gs_event_loop *loop)
{
    for (uint32_t i = loop->first; i < loop->first + loop->count; i++) {
        if (tasks->tasks[i].state == GS_TASK_RUNNING)
            return i;
    }
    return GS_NO_TASK;
}

static bool read_running(struct reading *r, struct gs_event_loop *loop)
{
    struct gs_tasks *tasks = r->tasks;
    const struct gs_tasks_thread *thread = r->question->threads;
    bool asyncio = loop->kind == GS_LOOP_ASYNCIO;
    loop->running = kept_running(tasks, loop);
    if (loop->running != GS_NO_TASK || loop->tstate == GS_NO_TSTATE)
        return true;
    while (thread->tstate != loop->tstate)
        thread++;
    gs_addr current = asyncio ? gs_task_current(&r->awaits, thread, loop->addr) : loop->current;
    loop->running = current != 0 ? gs_task_find(tasks, current) : GS_NO_TASK;
    if (!asyncio && loop->kind != GS_LOOP_TRIO)
        return true;
    loop->running = ran_then(tasks, loop, thread, loop->running);
    struct gs_async_task *task = loop->running != GS_NO_TASK ? &tasks->tasks[loop->running] : NULL;
    return !task || take_running(r, task, thread, own_frame(tasks, task, thread, false));
}

static bool read_all_running(struct reading *r)
{
    bool ok = true;
    forget(r);
    for (size_t i = 0; i < r->tasks->loop_count && ok; i++)
        ok = read_running(r, &r->tasks->loops[i]);
    return ok;
}

/* ---- all ---- */

static enum gs_status finish(struct reading *r)
{
    uint32_t *now = calloc(r->tasks->task_count + 1, sizeof *now);
    add_stopped_loops(r);
    bool ok = now && order(r->tasks, now) && turn_round(r, now) && read_all_running(r);
    free(now);
    return ok && gs_task_locks_find(r->question->python, &r->awaits, r->pages, r->tasks) ? GS_OK : GS_NO_MEMORY;
}

enum gs_status gs_tasks_read(const struct gs_tasks_question *question, struct gs_tasks *tasks)
{
    struct reading *r = calloc(1, sizeof *r);
    *tasks = (struct gs_tasks){.now_s = question->now_s};
    if (!r)
        return GS_NO_MEMORY;
    *r = (struct reading){.question = question, .tasks = tasks, .rows = {.tasks = tasks}, .left = READS_MOST};
    enum gs_status status = GS_NO_MEMORY;
    r->pages = gs_mem_cache_new(question->mem);
    tasks->loops = calloc(GS_EVENT_LOOPS_MOST, sizeof *tasks->loops);
    /* There is always room: an empty list has an address, too. */
    bool room = tasks->loops && gs_room((void **)&tasks->frames, &r->rows.frame_room, 1, sizeof *tasks->frames);
    if (r->pages && room) {
        gs_metered_init(&r->metered, r->pages, &r->left);
        gs_metered_init(&r->live, question->mem, &r->left);
        r->awaits = (struct gs_awaits){.layout = &question->python->layout,
                                       .mem = &r->metered.mem,
                                       .live = &r->live.mem,
                                       .codes = question->codes};
        status = read_ran(r);
        if (status == GS_OK)
            status = read_interpreters(r);
        if (status == GS_OK)
            read_loops(r);
        if (status == GS_OK)
            status = gs_trio_read(question, &r->awaits, r->pages, &r->rows);
        if (status == GS_OK)
            status = gs_greenlets_read(question, &r->awaits, r->pages, &r->rows);
        if (status == GS_OK)
            status = finish(r);
        tasks->partial |= r->left == 0;
    }
    gs_mem_free(r->pages);
    free(r->chain.frames);
    free(r->again.frames);
    free(r->rows.edges);
    free(r);
    return status;
}

bool gs_tasks_moved(const struct gs_tasks *tasks)
{
    bool moved = false;
    for (size_t i = 0; i < tasks->loop_count && !moved; i++)
        moved = tasks->loops[i].running != GS_NO_TASK && tasks->tasks[tasks->loops[i].running].torn;
    return moved;
}

bool gs_event_loop_polls(const struct gs_activity *activity)
{
    static const char *const calls[] = {"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll",
                                        "ppoll",      "select",      "pselect6"};
    const char *call = activity->run == GS_RUN_SYSCALL ? gs_syscall_name(activity->number) : NULL;
    for (size_t i = 0; call && i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(calls[i], call) == 0)
            return true;
    }
    return false;
}

/* A deque counts its appends and pops together (`state`), and its size is their difference:
 * Modules/_collectionsmodule.c, 3.7-3.15, {head, leftblock, rightblock, leftindex, rightindex, state}. */
bool gs_event_loop_queue(const struct gs_layout *layout, struct gs_mem *mem, gs_addr queue, uint64_t *taken,
                         uint64_t *ready)
{
    enum { STATE = 5 };
    uint64_t words[STATE + 1];
    if (queue == 0 || gs_mem_read(mem, queue + (gs_addr)layout->ob_size, words, sizeof words))
        return false;
    *ready = words[0];
    *taken = (words[STATE] - words[0]) / 2;
    return true;
}

uint64_t gs_event_loop_late_us(const struct gs_tasks *tasks, const struct gs_event_loop *loop,
                               const struct gs_thread *thread)
{
    double late_s = tasks->now_s - loop->due_s;
    if (!loop->has_due || tasks->now_s <= 0 || !(late_s > 0) || late_s > LATE_MOST_S)
        return 0;
    return loop->running == GS_NO_TASK && gs_event_loop_polls(&thread->activity) ? 0 : (uint64_t)(late_s * 1e6);
}

uint32_t gs_task_next(const struct gs_tasks *tasks, uint32_t task)
{
    const struct gs_await *await = &tasks->tasks[task].await;
    return await->kind == GS_AWAIT_TASK ? gs_task_find(tasks, await->object) : tasks->tasks[task].holder;
}

/* "" where it has no name. */
static const char *name_at(const struct gs_tasks *tasks, uint32_t index)
{
    return index == GS_NO_TASK ? "" : tasks->tasks[index].name;
}

void gs_task_words(const struct gs_tasks *tasks, const struct gs_async_task *task, char *words, size_t size)
{
    const struct gs_await *wait = &task->await;
    const char *awaited = wait->kind == GS_AWAIT_TASK ? name_at(tasks, gs_task_find(tasks, wait->object)) : "";
    const char *holder = name_at(tasks, task->holder);
    if (wait->kind == GS_AWAIT_TASK)
        snprintf(words, size, "%s%s%s", wait->words, wait->words[0] ? " of " : "", awaited[0] ? awaited : "a task");
    else if (task->holder != GS_NO_TASK)
        snprintf(words, size, "%s held by %s%s", wait->words, holder[0] ? holder : "another task",
                 task->holder_likely ? ", probably" : "");
    else
        snprintf(words, size, "%s", wait->words);
}

void gs_tasks_free(struct gs_tasks *tasks)
{
    free(tasks->loops);
    free(tasks->tasks);
    free(tasks->frames);
    free(tasks->awaited_by);
    *tasks = (struct gs_tasks){0};
}
