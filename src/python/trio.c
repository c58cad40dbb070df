/* A thread-local variable is the thread's runner, which has the tasks in a set. A task that is to run has the function
 * that resumes it; a nursery is a child's of which the parent is another task's.
 * Sources: trio/_core/_run.py (0.22 to 0.35): run, unrolled_run, class Runner, Task and Nursery, GLOBAL_RUN_CONTEXT;
 * Modules/_threadmodule.c (3.7 to 3.15): localobject, localdummyobject; Modules/_randommodule.c: RandomObject. */
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/sorted.h"
#include "python/modules.h"
#include "python/pystr.h"
#include "python/task_list.h"
#include "python/task_words.h"
#include "python/trio.h"

enum {
    AGAIN = 8,             /* readings of one that does not hold still */
    ASKED_MOST = 20,       /* looks with frames, of a runner that is found in none (guest mode) */
    LOCAL_WORDS = 8,       /* of a thread-local object, behind its head */
    STATE_WORDS = 1024 / 8 /* of a thread state that are looked at */
};

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

/* The frame of a function of trio's own loop; NULL: it is not there. */
static const struct gs_frame *find_frame(struct gs_awaits *awaits, const struct gs_frame *frames, uint32_t count,
                                         const char *function)
{
    static const char tail[] = "/trio/_core/_run.py";
    for (uint32_t i = count; i > 0; i--) {
        const struct gs_frame *frame = &frames[i - 1];
        const struct gs_code *code = frame->kind == GS_FRAME_PYTHON ? gs_codes_find(awaits->codes, frame->code) : NULL;
        size_t len = code ? strlen(code->file) : 0;
        if (len >= sizeof tail - 1 && strcmp(code->file + len - (sizeof tail - 1), tail) == 0 &&
            strcmp(code->function, function) == 0)
            return frame;
    }
    return NULL;
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
    const struct gs_frame *frame = find_frame(awaits, frames, count, "unrolled_run");
    gs_addr task = frame ? gs_task_variable(awaits, frame, "task") : 0;
    *coroutine = gs_awaits_named(awaits, task, "Task") ? gs_task_attribute(awaits, task, "coro") : 0;
    read_name(awaits, task, name);
    return *coroutine != 0 ? task : 0;
}

static enum gs_status read_once(struct reading *r, gs_addr task, struct fields *fields, struct gs_chain *chain,
                                bool *there)
{
    *there = gs_awaits_named(r->awaits, task, "Task");
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

/* A variable of the module; 0: trio was not imported. */
static gs_addr global(struct reading *r, gs_addr interpreter, const char *name)
{
    struct gs_dict dict;
    if (!gs_module_open(r->awaits->layout, r->awaits->mem, &r->awaits->types, interpreter, "trio._core._run", &dict))
        return 0;
    return gs_dict_find(&dict, &r->awaits->types, name);
}

static void read_ready(struct reading *r, struct gs_event_loop *loop, const struct gs_tasks_thread *thread)
{
    gs_addr ready = attribute(r, loop->addr, "runq"), random = global(r, thread->interpreter, "_r");
    const struct gs_frame *run = find_frame(r->awaits, thread->frames, thread->frame_count, "run");
    const struct gs_frame *own = find_frame(r->awaits, thread->frames, thread->frame_count, "unrolled_run");
    struct gs_trio_place *place = &loop->trio;
    loop->has_ready =
        gs_awaits_named(r->awaits, ready, "collections.deque") &&
        gs_mem_read_addr(r->awaits->mem, ready + (gs_addr)r->awaits->layout->ob_size, &loop->ready) == GS_OK;
    loop->queue = loop->has_ready ? ready : 0;
    gs_addr generator = run ? gs_task_variable(r->awaits, run, "gen") : 0;
    if (own)
        place->frame = *own;
    if (generator == 0 || !(own || gs_coroutine_frame(r->awaits, generator, &place->frame)) ||
        gs_task_variable(r->awaits, &place->frame, "runner") != loop->addr ||
        !gs_awaits_named(r->awaits, random, "Random"))
        return;
    place->batch_at = gs_task_variable_at(r->awaits, &place->frame, "batch");
    place->random = random;
    place->generator = generator;
}

bool gs_trio_remember(struct gs_awaits *awaits, struct gs_event_loop *loop, struct gs_trio_turns *turns)
{
    if (turns->runner != loop->addr)
        *turns = (struct gs_trio_turns){.runner = loop->addr};
    if (loop->trio.generator != 0)
        turns->place = loop->trio;
    else if (turns->place.generator != 0 && gs_task_variable(awaits, &turns->place.frame, "runner") == loop->addr)
        loop->trio = turns->place;
    return loop->trio.generator != 0 || turns->asked++ >= ASKED_MOST;
}

bool gs_trio_polls(struct gs_awaits *awaits, const struct gs_event_loop *loop)
{
    struct gs_frame frame;
    return loop->trio.generator == 0 || gs_coroutine_frame(awaits, loop->trio.generator, &frame);
}

/* What changes with each pass; the rest of the batch with each step. */
struct queue {
    gs_addr deque[6], batch;
    uint32_t drawn;
};

static bool read_queue(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_event_loop *loop,
                       struct queue *queue)
{
    struct gs_piece pieces[] = {
        {loop->queue + (gs_addr)layout->ob_size, queue->deque, sizeof queue->deque, false},
        {loop->trio.batch_at, &queue->batch, sizeof queue->batch, false},
        {loop->trio.random + (gs_addr)layout->head_bytes, &queue->drawn, sizeof queue->drawn, false}};
    return gs_mem_read_many(mem, pieces, 3) == GS_OK && pieces[0].ok && pieces[1].ok && pieces[2].ok;
}

/* Each pass moves what is in the queue into a list, by one change of the deque's state if there is anything, and draws
 * a random number, two of the 624 words that there are at once. Where these may have come round, as many passes are
 * taken as fit best to those of other looks; false: of too few. */
static bool count_passes(struct gs_trio_turns *turns, const struct queue *queue)
{
    enum { STATE = 5, WORDS = 624, ROUND = WORDS / 2, KNOWN = 1000 };
    const uint64_t state = queue->deque[STATE];
    if (turns->state == 0 || state < turns->state) {
        turns->drawn = queue->drawn;
        turns->state = state;
    }
    const uint64_t changes = state - turns->state, most = (changes + turns->size) / 2;
    uint64_t passes = (queue->drawn + WORDS - turns->drawn) % WORDS / 2;
    const bool sure = most < passes + ROUND;
    const bool known = turns->sure_changes > KNOWN;
    if (sure) {
        turns->sure_changes += changes;
        turns->sure_passes += gs_least(passes, most);
    } else if (known) {
        uint64_t fit = (uint64_t)((double)changes * (double)turns->sure_passes / (double)turns->sure_changes);
        passes += fit > passes ? (fit - passes + ROUND / 2) / ROUND * ROUND : 0;
    }
    turns->passes += gs_least(passes, most);
    turns->drawn = queue->drawn;
    turns->state = state;
    turns->size = queue->deque[0];
    return sure || known;
}

bool gs_trio_queue(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_event_loop *loop,
                   struct gs_trio_turns *turns, uint64_t *taken, uint64_t *ready)
{
    enum { DRAWN_MOST = 624, BATCH_MOST = 1 << 24 };
    struct queue queue, again;
    uint64_t batch = 0;
    bool same = false;
    memset(&queue, 0, sizeof queue);
    memset(&again, 0, sizeof again);
    for (int i = 0; i < AGAIN && !same; i++) {
        if (loop->queue == 0 || loop->trio.generator == 0 || !read_queue(layout, mem, loop, &queue))
            return false;
        gs_addr list = queue.batch & ~(gs_addr)(uint32_t)layout->ref_tag_mask;
        batch = 0;
        same = (list == 0 || gs_mem_read_addr(mem, list + (gs_addr)layout->ob_size, &batch) == GS_OK) &&
               read_queue(layout, mem, loop, &again) && memcmp(&queue, &again, sizeof queue) == 0;
    }
    if (!same || queue.drawn > DRAWN_MOST || batch > BATCH_MOST || queue.deque[0] > BATCH_MOST)
        return false;
    bool counted = count_passes(turns, &queue);
    *ready = queue.deque[0] + batch;
    *taken = turns->state - turns->passes - *ready;
    return counted;
}

/* trio's own clock is CLOCK_MONOTONIC and an offset (_core/_run.py, SystemClock); those of others are not known. */
static double read_now(struct reading *r, gs_addr runner)
{
    gs_addr clock = attribute(r, runner, "clock");
    double offset;
    return r->question->now_s > 0 && gs_awaits_named(r->awaits, clock, "SystemClock") &&
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
    read_ready(r, loop, thread);
    r->now_s = read_now(r, runner);
    r->list.count = r->parents.count = 0;
    enum gs_status status = gs_awaits_named(r->awaits, set, "set") ? gs_task_list_set(r->awaits, set, &r->list) : GS_OK;
    gs_task_list_sort(&r->list);
    for (size_t i = 0; i < r->list.count && status == GS_OK; i++)
        status = read_task(r, r->list.at[i], loop);
    tasks->left_out += r->list.left_out;
    tasks->partial |= r->list.partial;
    return status == GS_OK && !add_parents(r, first) ? GS_NO_MEMORY : status;
}

/* The thread whose variables these are. Up to 3.12 the dict of its state has an object {head, variables} for each such
 * set; later the state itself has the key by which all threads' variables are found. */
static const struct gs_tasks_thread *thread_with(struct reading *r, gs_addr interpreter, gs_addr key, gs_addr variables)
{
    const struct gs_layout *layout = r->awaits->layout;
    gs_addr words[STATE_WORDS], at, name, value;
    for (size_t i = 0; i < r->question->thread_count; i++) {
        const struct gs_tasks_thread *thread = &r->question->threads[i];
        struct gs_dict dict;
        if (thread->interpreter != interpreter || gs_mem_read(r->awaits->mem, thread->tstate, words, sizeof words))
            continue;
        for (size_t k = 0; k < STATE_WORDS; k++) {
            if (words[k] == key)
                return thread;
        }
        if (layout->ts_dict == GS_ABSENT ||
            gs_mem_read_addr(r->awaits->mem, thread->tstate + (gs_addr)layout->ts_dict, &at) || at == 0 ||
            !gs_dict_open(&dict, layout, r->awaits->mem, at))
            continue;
        while (gs_dict_next(&dict, &name, &value)) {
            if (gs_mem_read_addr(r->awaits->mem, value + (gs_addr)layout->head_bytes, &at) == GS_OK && at == variables)
                return thread;
        }
    }
    return NULL;
}

static bool open_dict(struct reading *r, gs_addr object, struct gs_dict *dict)
{
    return gs_awaits_named(r->awaits, object, "dict") && gs_dict_open(dict, r->awaits->layout, r->awaits->mem, object);
}

struct found {
    const struct gs_tasks_thread *thread;
    gs_addr runner;
};

/* Of a thread-local object one field is the dict of all threads' variables. Returns how many have a runner. */
static size_t find_runners(struct reading *r, gs_addr interpreter, gs_addr local,
                           struct found list[GS_EVENT_LOOPS_MOST])
{
    gs_addr words[LOCAL_WORDS], key, variables;
    size_t count = 0;
    if (local == 0 || gs_mem_read(r->awaits->mem, local + (gs_addr)r->awaits->layout->head_bytes, words, sizeof words))
        return 0;
    for (size_t i = 0; i < LOCAL_WORDS; i++) {
        struct gs_dict all, one;
        if (!open_dict(r, words[i], &all))
            continue;
        while (count < GS_EVENT_LOOPS_MOST && gs_dict_next(&all, &key, &variables)) {
            gs_addr runner = open_dict(r, variables, &one) ? gs_dict_find(&one, &r->awaits->types, "runner") : 0;
            list[count].runner = runner;
            if (gs_awaits_named(r->awaits, runner, "Runner") &&
                (list[count].thread = thread_with(r, interpreter, key, variables)) != NULL)
                count++;
        }
    }
    return count;
}

static enum gs_status read_interpreter(struct reading *r, gs_addr interpreter)
{
    struct found list[GS_EVENT_LOOPS_MOST];
    enum gs_status status = GS_OK;
    size_t count = find_runners(r, interpreter, global(r, interpreter, "GLOBAL_RUN_CONTEXT"), list);
    for (size_t i = 0; i < count && status == GS_OK; i++) {
        forget(r);
        status = read_runner(r, list[i].thread, list[i].runner);
    }
    return status;
}

enum gs_status gs_trio_read(const struct gs_tasks_question *question, struct gs_awaits *awaits, struct gs_mem *pages,
                            struct gs_task_rows *rows)
{
    struct reading r = {.question = question, .awaits = awaits, .pages = pages, .rows = rows};
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < question->thread_count && status == GS_OK; i++) {
        bool known = false;
        for (size_t k = 0; k < i && !known; k++)
            known = question->threads[k].interpreter == question->threads[i].interpreter;
        forget(&r);
        if (!known)
            status = read_interpreter(&r, question->threads[i].interpreter);
    }
    free(r.list.at);
    free(r.parents.at);
    free(r.chain.frames);
    free(r.again.frames);
    return status;
}
