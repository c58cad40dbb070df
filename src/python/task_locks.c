/* A lock of asyncio does not know who has it. That is whose frame is to release it: `async with` keeps it on the stack
 * of the frame's evaluation (as the method __aexit__, from 3.14 on beside the lock itself). Where there is none, it was
 * taken by acquire(): then it is who knows the lock in a frame whose code names acquire, if that is one task alone.
 * Sources: Python/compile.c, codegen.c (3.7-3.15), Lib/asyncio/locks.py. */
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "python/dict.h"
#include "python/field.h"
#include "python/held.h"
#include "python/locks.h"
#include "python/names_attribute.h"
#include "python/task_locks.h"

enum { BATCH = 1024, FRAMES_MOST = 1 << 18, VARIABLES_MOST = 32, NAMES_MOST = 128, TRIES_MOST = 1 << 14 };

#define MANY (GS_NO_TASK - 1) /* more than one task may have taken it */

/* A lock that somebody waits for; the address comes first, as bsearch is given one. */
struct waited {
    gs_addr lock;
    uint32_t holder, taker; /* index of a task, or GS_NO_TASK, or of the latter MANY */
    uint32_t waiters;       /* of an event: so many wait for it, */
    uint32_t bound;         /* and so many variables of theirs have it */
};

struct finding {
    const struct gs_python *python;
    struct gs_awaits *awaits;
    struct gs_tasks *tasks;
    struct waited *locks;
    size_t count;
    uint32_t unheld; /* how often a lock is on the stack of the frame that is about to take it */
    size_t tried;    /* pairs of a frame and a lock: beyond TRIES_MOST nobody is told to have taken one */
};

GS_BY_VALUE(by_lock, gs_addr);

static struct waited *lock_at(const struct finding *f, gs_addr object)
{
    return object != 0 ? bsearch(&object, f->locks, f->count, sizeof *f->locks, by_lock) : NULL;
}

/* The locks, or events, that tasks wait for, in rising order, each once. */
static void list_waited(struct finding *f, enum gs_await_kind kind)
{
    size_t count = f->count = 0;
    for (size_t i = 0; i < f->tasks->task_count; i++) {
        if (f->tasks->tasks[i].await.kind == kind && f->tasks->tasks[i].await.object != 0)
            f->locks[count++] = (struct waited){f->tasks->tasks[i].await.object, GS_NO_TASK, GS_NO_TASK, 0, 0};
    }
    qsort(f->locks, count, sizeof *f->locks, by_lock);
    for (size_t i = 0; i < count; i++) {
        if (f->count == 0 || f->locks[f->count - 1].lock != f->locks[i].lock)
            f->locks[f->count++] = f->locks[i];
    }
}

/* NULL: it is no frame of Python code, or that cannot be read. */
static const struct gs_code *code_of(const struct finding *f, const struct gs_frame *frame)
{
    enum gs_status why;
    return frame->kind == GS_FRAME_PYTHON ? gs_codes_get(f->awaits->codes, frame->code, &why) : NULL;
}

/* ---- by `with` ---- */

/* A semaphore may be had by others, too. *own: how often the lock that it waits for was met. */
static void find_held(struct finding *f, uint32_t task, const struct gs_frame *frame, const struct gs_code *code,
                      uint32_t *own)
{
    const struct gs_await *await = &f->tasks->tasks[task].await;
    struct gs_held held;
    if (gs_held_read(f->python, f->awaits->mem, frame->frame, code, frame->instr, &held))
        return;
    for (size_t i = 0; i < held.sure; i++) {
        gs_addr self = held.slots[i] != 0
                           ? gs_method_self(f->awaits->layout, f->awaits->mem, &f->awaits->types, held.slots[i])
                           : 0;
        struct waited *lock = lock_at(f, self);
        if (!lock)
            continue;
        if (self != await->object || (++*own > f->unheld && strcmp(await->words, "Lock") == 0))
            lock->holder = task;
    }
}

/* ---- by acquire() ---- */

static bool names_acquire(const struct finding *f, const struct gs_code *code)
{
    const struct gs_layout *layout = f->awaits->layout;
    gs_addr tuple, names[NAMES_MOST];
    uint64_t size;
    char text[16];
    if (layout->co_names == GS_ABSENT ||
        gs_mem_read_addr(f->awaits->mem, code->addr + (gs_addr)layout->co_names, &tuple) ||
        gs_mem_read_addr(f->awaits->mem, tuple + (gs_addr)layout->ob_size, &size) || size == 0)
        return false;
    size_t count = size < NAMES_MOST ? (size_t)size : NAMES_MOST;
    if (gs_mem_read(f->awaits->mem, tuple + (gs_addr)layout->tuple_items, names, count * sizeof *names))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (gs_str_read(layout, f->awaits->mem, names[i], text, sizeof text) == GS_OK && strcmp(text, "acquire") == 0)
            return true;
    }
    return false;
}

/* A variable of the frame is the lock, or an object that has it as an attribute, or its module has it. */
static bool knows(const struct finding *f, const struct gs_frame *frame, const struct gs_variable *list, size_t count,
                  gs_addr lock)
{
    const struct gs_layout *layout = f->awaits->layout;
    struct gs_dict globals;
    char name[GS_HELD_NAME];
    for (size_t i = 0; i < count; i++) {
        if (list[i].object == lock ||
            gs_attribute_name_of(layout, f->awaits->mem, &f->awaits->types, list[i].object, lock, name, sizeof name))
            return true;
    }
    gs_addr dict = gs_frame_globals(layout, f->awaits->mem, frame->frame);
    return dict != 0 && gs_dict_open(&globals, layout, f->awaits->mem, dict) &&
           gs_dict_name_of(&globals, lock, name, sizeof name);
}

static void find_takers(struct finding *f, uint32_t task, const struct gs_frame *frame, const struct gs_code *code,
                        bool about)
{
    struct gs_variable list[VARIABLES_MOST];
    size_t count;
    if (!names_acquire(f, code) ||
        gs_locals_objects(f->python, f->awaits->mem, frame->frame, code, list, VARIABLES_MOST, &count) != GS_OK)
        return;
    for (size_t i = 0; i < f->count && f->tried <= TRIES_MOST; i++) {
        struct waited *lock = &f->locks[i];
        f->tried++;
        if (lock->holder != GS_NO_TASK || lock->taker == task || lock->taker == MANY ||
            (about && lock->lock == f->tasks->tasks[task].await.object) || !knows(f, frame, list, count, lock->lock))
            continue;
        lock->taker = lock->taker == GS_NO_TASK ? task : MANY;
    }
}

/* ---- events ---- */

/* As many references as variables of those that wait for it: nobody else can set it. One that no variable had but the
 * `self` of its own method (`await Event().wait()`) is to be waited for for ever. Free-threaded Pythons, whose heads of
 * objects are larger, count in two places. */
static bool is_alone(const struct finding *f, const struct waited *event)
{
    uint32_t references;
    return f->awaits->layout->ob_type == 8 && gs_mem_read_u32(f->awaits->mem, event->lock, &references) == GS_OK &&
           references == event->bound && event->bound > event->waiters;
}

static void find_bound(struct finding *f, const struct gs_async_task *task, struct waited *event)
{
    event->waiters++;
    for (uint32_t i = 0; i < task->frame_count; i++) {
        const struct gs_frame *frame = &f->tasks->frames[task->frame_at + i];
        const struct gs_code *code = code_of(f, frame);
        struct gs_variable list[VARIABLES_MOST];
        size_t count;
        if (!code || gs_locals_objects(f->python, f->awaits->mem, frame->frame, code, list, VARIABLES_MOST, &count))
            continue;
        for (size_t k = 0; k < count; k++)
            event->bound += list[k].object == event->lock;
    }
}

static void find_alone(struct finding *f, struct gs_mem *pages)
{
    list_waited(f, GS_AWAIT_EVENT);
    for (int pass = 0; pass < 2 && f->count > 0; pass++) {
        for (size_t i = 0; i < f->tasks->task_count; i++) {
            struct gs_async_task *task = &f->tasks->tasks[i];
            struct waited *event = task->await.kind == GS_AWAIT_EVENT ? lock_at(f, task->await.object) : NULL;
            if (i % BATCH == 0)
                gs_awaits_forget(f->awaits, pages);
            if (event && pass == 0)
                find_bound(f, task, event);
            else if (event)
                task->await.alone = is_alone(f, event);
        }
    }
}

/* ---- all ---- */

/* A frame of the library that the lock is of: where it is taken. */
static bool is_taking(const struct gs_code *code)
{
    return strcmp(code->function, "acquire") == 0 || strcmp(code->function, "__aenter__") == 0 ||
           strcmp(code->function, "__enter__") == 0;
}

static void look_at(struct finding *f, uint32_t index, bool by_with, size_t *looked)
{
    const struct gs_async_task *task = &f->tasks->tasks[index];
    uint32_t own = 0;
    bool about = task->await.kind == GS_AWAIT_LOCK;
    for (uint32_t i = 0; i < task->frame_count && ++*looked < FRAMES_MOST; i++) {
        const struct gs_frame *frame = &f->tasks->frames[task->frame_at + i];
        const struct gs_code *code = code_of(f, frame);
        if (!code || (about && is_taking(code)))
            continue;
        if (by_with)
            find_held(f, index, frame, code, &own);
        else
            find_takers(f, index, frame, code, about);
        if (about)
            own = own > f->unheld ? own : f->unheld; /* what lies further out is held */
        about = false;
    }
}

static bool any_unheld(const struct finding *f)
{
    bool any = false;
    for (size_t i = 0; i < f->count; i++)
        any |= f->locks[i].holder == GS_NO_TASK;
    return any;
}

static void look(struct finding *f, struct gs_mem *pages, bool by_with)
{
    size_t looked = 0;
    for (size_t i = 0; i < f->tasks->task_count; i++) {
        if (i % BATCH == 0)
            gs_awaits_forget(f->awaits, pages);
        look_at(f, (uint32_t)i, by_with, &looked);
    }
}

bool gs_task_locks_find(const struct gs_python *python, struct gs_awaits *awaits, struct gs_mem *pages,
                        struct gs_tasks *tasks)
{
    struct finding f = {.python = python,
                        .awaits = awaits,
                        .tasks = tasks,
                        .unheld = (uint32_t)awaits->layout->about_to_hold,
                        .locks = calloc(tasks->task_count + 1, sizeof(struct waited))};
    if (!f.locks)
        return false;
    find_alone(&f, pages);
    list_waited(&f, GS_AWAIT_LOCK);
    if (f.count > 0)
        look(&f, pages, true);
    if (any_unheld(&f))
        look(&f, pages, false);
    for (size_t i = 0; i < tasks->task_count && f.count > 0; i++) {
        struct gs_async_task *task = &tasks->tasks[i];
        const struct waited *lock = task->await.kind == GS_AWAIT_LOCK ? lock_at(&f, task->await.object) : NULL;
        if (!lock)
            continue;
        task->holder = task->await.owner != 0 ? gs_task_find(tasks, task->await.owner) : lock->holder;
        task->holder_likely = task->holder == GS_NO_TASK && lock->taker < MANY && f.tried <= TRIES_MOST;
        if (task->holder_likely)
            task->holder = lock->taker;
    }
    free(f.locks);
    return true;
}
