/* A thread's frames are its task's from the frame of the task's own coroutine on inwards: what lies further out is the
 * machinery of the loop. The coroutines of those who await the task come from the last look at all of them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/room.h"
#include "python/greenlets.h"
#include "python/task_fields.h"
#include "python/task_list.h"
#include "python/task_words.h"
#include "python/trio.h"
#include "python/uvloop.h"
#include "sample/snapshot_tasks.h"
#include "sample/task_stacks.h"
#include "stack/strings.h"

/* A look at all tasks is taken after this time at the latest. */
#define LATEST_NS (UINT64_C(5) * 1000 * 1000 * 1000)

enum {
    COST = 100,                  /* a look may take 1 / COST of all time, */
    SOONEST_NS = 20000000,       /* and is not taken sooner than this after the last one; */
    NOBODY_NS = 200000000,       /* than this where there is no loop, */
    ONE_OF_MANY = 200,           /* times as long all that where the process is one of many, */
    NAMES_MOST = 256,            /* names of tasks that are told apart: further ones without their numbers, */
    NUMBERS_MOST = 32,           /* and so of those that asyncio gave: each request of a server has another one */
    RUNNERS_MOST = 16,           /* of trio, whose steps are counted */
    AWAITERS_MOST = 64,          /* tasks that await one another */
    NAMES_BYTES = 1 << 20,       /* of all names together: whose is beyond that has none of its own */
    FRAMES_MOST = GS_FRAME_LIMIT /* of one stack */
};

/* A task that runs; of greenlets the address alone is known before its thread is looked at. */
struct runs {
    gs_addr task, coroutine;
    gs_addr frame; /* of the coroutine */
    char name[GS_TASK_NAME];
};

struct gs_task_stacks {
    uint64_t many; /* 1, or ONE_OF_MANY */
    struct gs_python *python;
    struct gs_codes *codes;
    struct gs_tasks tasks;
    uint64_t generation; /* of the code objects, at the last look */
    gs_addr tables[GS_EVENT_LOOPS_MOST];
    struct gs_trio_turns turns[RUNNERS_MOST]; /* in any order */
    struct gs_ids by_frame;                   /* of their coroutines: indexes of tasks */
    struct runs before[GS_EVENT_LOOPS_MOST];
    uint64_t due_ns; /* of the next look; 0: there was none */
    bool wants_frames;
    struct gs_strings *names;
    struct gs_ids told_apart; /* hashes of names */
    size_t name_count[2];     /* of those; [1]: that asyncio gave */
    struct gs_frame *frames;
    size_t frame_count, frame_room;
};

struct gs_task_stacks *gs_task_stacks_new(struct gs_python *python, struct gs_codes *codes, bool one_of_many)
{
    struct gs_task_stacks *stacks = calloc(1, sizeof *stacks);
    if (!stacks)
        return NULL;
    *stacks = (struct gs_task_stacks){
        .many = one_of_many ? ONE_OF_MANY : 1, .python = python, .codes = codes, .names = gs_strings_new()};
    if (stacks->names)
        return stacks;
    free(stacks);
    return NULL;
}

void gs_task_stacks_free(struct gs_task_stacks *stacks)
{
    if (!stacks)
        return;
    gs_tasks_free(&stacks->tasks);
    gs_strings_free(stacks->names);
    gs_ids_fini(&stacks->by_frame);
    gs_ids_fini(&stacks->told_apart);
    free(stacks->frames);
    free(stacks);
}

/* ---- all of them ---- */

bool gs_task_stacks_due(const struct gs_task_stacks *stacks, uint64_t now_ns)
{
    return stacks && now_ns >= stacks->due_ns;
}

bool gs_task_stacks_wants_frames(const struct gs_task_stacks *stacks)
{
    return stacks && stacks->wants_frames;
}

bool gs_task_stacks_looked(const struct gs_task_stacks *stacks)
{
    return stacks->due_ns > 0;
}

const struct gs_tasks *gs_task_stacks_tasks(const struct gs_task_stacks *stacks)
{
    return &stacks->tasks;
}

static struct gs_awaits awaits_of(const struct gs_task_stacks *stacks)
{
    return (struct gs_awaits){.layout = &stacks->python->layout,
                              .mem = stacks->python->mem,
                              .live = stacks->python->mem,
                              .codes = stacks->codes};
}

/* What is remembered of a runner; of the one that was met first if there are too many. */
static struct gs_trio_turns *turns_of(struct gs_task_stacks *stacks, gs_addr runner)
{
    size_t i = 0;
    while (i < RUNNERS_MOST && stacks->turns[i].runner != runner && stacks->turns[i].runner != 0)
        i++;
    return &stacks->turns[i % RUNNERS_MOST];
}

static void remember(struct gs_task_stacks *stacks)
{
    struct gs_awaits awaits = awaits_of(stacks);
    stacks->wants_frames = false;
    for (size_t i = 0; i < stacks->tasks.loop_count; i++) {
        struct gs_event_loop *loop = &stacks->tasks.loops[i];
        stacks->wants_frames |=
            loop->kind == GS_LOOP_TRIO && !gs_trio_remember(&awaits, loop, turns_of(stacks, loop->addr));
    }
}

/* Where each loop's thread says which task runs. */
static void find_tables(struct gs_task_stacks *stacks, const struct gs_snapshot *snapshot)
{
    struct gs_awaits awaits = awaits_of(stacks);
    for (size_t i = 0; i < stacks->tasks.loop_count; i++) {
        for (size_t k = 0; k < snapshot->thread_count; k++) {
            const struct gs_thread *thread = &snapshot->threads[k];
            if (thread->tstate == stacks->tasks.loops[i].tstate)
                stacks->tables[i] = gs_task_table(&awaits, snapshot->interpreters[thread->interpreter].addr);
        }
    }
}

enum gs_status gs_task_stacks_look(struct gs_task_stacks *stacks, const struct gs_snapshot *snapshot)
{
    uint64_t began_ns = gs_clock_ns(), began_us = gs_clock_cpu_us();
    gs_tasks_free(&stacks->tasks);
    enum gs_status status =
        gs_tasks_of(&stacks->tasks, stacks->python, stacks->codes, snapshot, (double)began_ns / 1e9);
    if (status)
        return status;
    find_tables(stacks, snapshot);
    remember(stacks);
    memset(stacks->before, 0, sizeof stacks->before);
    gs_ids_clear(&stacks->by_frame);
    for (uint32_t i = 0; i < stacks->tasks.task_count; i++) {
        const struct gs_async_task *task = &stacks->tasks.tasks[i];
        uint32_t outermost = task->frame_count - 1;
        if (task->frame_count > 0 && !task->torn &&
            !gs_ids_set(&stacks->by_frame, stacks->tasks.frames[task->frame_at + outermost].frame, i))
            return GS_NO_MEMORY;
    }
    stacks->generation = gs_codes_generation(stacks->codes);
    uint64_t pause_ns = (gs_clock_cpu_us() - began_us) * 1000 * COST;
    pause_ns = pause_ns < SOONEST_NS ? SOONEST_NS : pause_ns > LATEST_NS ? LATEST_NS : pause_ns;
    if (stacks->tasks.loop_count == 0 && pause_ns < NOBODY_NS)
        pause_ns = NOBODY_NS;
    stacks->due_ns = began_ns + pause_ns * stacks->many;
    return GS_OK;
}

/* ---- frames ---- */

static bool add(struct gs_task_stacks *stacks, const struct gs_frame *frames, size_t count)
{
    if (stacks->frame_count + count > FRAMES_MOST)
        return true;
    if (!gs_room((void **)&stacks->frames, &stacks->frame_room, stacks->frame_count + count, sizeof *frames))
        return false;
    memcpy(stacks->frames + stacks->frame_count, frames, count * sizeof *frames);
    stacks->frame_count += count;
    return true;
}

/* Of thousands of tasks that each live for a moment those are one whose names differ in the number at the end only. */
static bool set_name(struct gs_task_stacks *stacks, const char *told, char name[GS_TASK_NAME + 1])
{
    static const char given[] = "Task-";
    size_t len = strlen(told), kept = len;
    uint64_t hash = len;
    snprintf(name, GS_TASK_NAME + 1, "%s", told);
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)told[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    while (kept > 0 && isdigit((unsigned char)told[kept - 1]))
        kept--;
    if (kept == len || gs_ids_find(&stacks->told_apart, hash) != GS_IDS_NONE)
        return true;
    bool numbered = kept == sizeof given - 1 && memcmp(told, given, kept) == 0;
    if (stacks->name_count[numbered] < (numbered ? NUMBERS_MOST : NAMES_MOST)) {
        stacks->name_count[numbered]++;
        return gs_ids_set(&stacks->told_apart, hash, 0);
    }
    memcpy(name + kept, "*", sizeof "*");
    return true;
}

const char *gs_task_stacks_name(const struct gs_frame *frame)
{
    return (const char *)(uintptr_t)frame->code;
}

/* The task itself, the outermost frame. */
static bool add_name(struct gs_task_stacks *stacks, const char *told)
{
    char name[GS_TASK_NAME + 1];
    if (!set_name(stacks, *told && gs_strings_bytes(stacks->names) < NAMES_BYTES ? told : "task", name))
        return false;
    const char *kept = gs_strings_keep(stacks->names, name);
    if (!kept)
        return false;
    struct gs_frame frame = {.kind = GS_FRAME_TASK, .code = (gs_addr)(uintptr_t)kept};
    return add(stacks, &frame, 1);
}

/* The coroutines of those who await a task of the last look, as long as it is one alone. What their code objects were
 * may be forgotten by now. */
static bool add_awaiters(struct gs_task_stacks *stacks, uint32_t task)
{
    const struct gs_tasks *tasks = &stacks->tasks;
    if (stacks->generation != gs_codes_generation(stacks->codes))
        return true;
    for (int i = 0; i < AWAITERS_MOST && tasks->tasks[task].awaited_count == 1; i++) {
        task = tasks->awaited_by[tasks->tasks[task].awaited_at];
        if (!add(stacks, tasks->frames + tasks->tasks[task].frame_at, tasks->tasks[task].frame_count))
            return false;
    }
    return true;
}

static void hand_out(const struct gs_task_stacks *stacks, const struct gs_frame **frames, uint32_t *count)
{
    *frames = stacks->frames;
    *count = (uint32_t)stacks->frame_count;
}

/* Where a coroutine's frame is; 0: not known. */
static gs_addr frame_of(const struct gs_awaits *awaits, gs_addr coroutine)
{
    gs_addr frame;
    if (awaits->layout->gen_iframe != GS_ABSENT)
        return coroutine + (gs_addr)awaits->layout->gen_iframe;
    return awaits->layout->gen_frame != GS_ABSENT &&
                   gs_mem_read_addr(awaits->mem, coroutine + (gs_addr)awaits->layout->gen_frame, &frame) == GS_OK
               ? frame
               : 0;
}

/* How many of the thread's frames are the task's; 0: it does not run it. */
static uint32_t own_frames(const struct gs_thread *thread, gs_addr frame)
{
    for (uint32_t i = 0; i < thread->frame_count && frame != 0; i++) {
        if (thread->frames[i].kind == GS_FRAME_PYTHON && thread->frames[i].frame == frame)
            return i + 1;
    }
    return 0;
}

/* What a loop of asyncio says that it runs; task 0: nothing. */
static struct runs read_runs(const struct gs_task_stacks *stacks, struct gs_awaits *awaits, size_t loop)
{
    const struct gs_event_loop *known = &stacks->tasks.loops[loop];
    struct runs runs = {.task = gs_task_current_of(awaits, known->tstate, known->addr, stacks->tables[loop])};
    struct gs_task_fields fields;
    if (runs.task == 0 || !gs_task_fields_read(awaits, runs.task, &fields))
        return (struct runs){.task = 0};
    runs.coroutine = fields.coroutine;
    runs.frame = frame_of(awaits, fields.coroutine);
    gs_task_name_read(awaits, fields.name, runs.name);
    return runs;
}

/* The greenlet that a thread runs; 0: not known. */
static gs_addr read_greenlet(const struct gs_task_stacks *stacks, const struct gs_event_loop *loop)
{
    gs_addr greenlet;
    return loop->current_at != 0 && gs_mem_read_addr(stacks->python->mem, loop->current_at, &greenlet) == GS_OK
               ? greenlet
               : 0;
}

void gs_task_stacks_before(struct gs_task_stacks *stacks)
{
    if (!stacks)
        return;
    struct gs_awaits awaits = awaits_of(stacks);
    for (size_t i = 0; i < stacks->tasks.loop_count; i++) {
        const struct gs_event_loop *loop = &stacks->tasks.loops[i];
        stacks->before[i] = loop->kind == GS_LOOP_ASYNCIO ? read_runs(stacks, &awaits, i)
                                                          : (struct runs){.task = read_greenlet(stacks, loop)};
    }
}

struct gs_loop_sample gs_task_stacks_loop(struct gs_task_stacks *stacks, size_t loop)
{
    const struct gs_event_loop *known = &stacks->tasks.loops[loop];
    const struct gs_layout *layout = &stacks->python->layout;
    struct gs_mem *mem = stacks->python->mem;
    struct gs_awaits awaits = awaits_of(stacks);
    struct gs_loop_sample sample = {.kind = gs_loop_kind_name(known->kind), .loop = known->addr, .tasks = known->count};
    if (known->kind == GS_LOOP_TRIO) {
        sample.polls = gs_trio_polls(&awaits, known);
        sample.counted =
            gs_trio_queue(layout, mem, known, turns_of(stacks, known->addr), &sample.callback, &sample.ready);
    } else if (known->kind == GS_LOOP_ASYNCIO) {
        sample.polls = gs_task_current_of(&awaits, known->tstate, known->addr, stacks->tables[loop]) == 0;
        sample.counted = gs_event_loop_queue(layout, mem, known->queue, &sample.callback, &sample.ready);
        sample.clock_ms = known->calls ? gs_uvloop_clock_ms(layout, mem, known->tstate) : 0;
    } else {
        sample.polls = known->hub == 0 || read_greenlet(stacks, known) == known->hub;
    }
    return sample;
}

/* One of the last look, which is still there: by the frames of the thread. */
static struct runs known_runs(const struct gs_task_stacks *stacks, struct gs_awaits *awaits,
                              const struct gs_thread *thread, bool trio)
{
    struct gs_task_fields fields;
    for (uint32_t i = thread->frame_count; i-- > 0;) {
        uint32_t task = gs_ids_find(&stacks->by_frame, thread->frames[i].frame);
        if (task == GS_IDS_NONE)
            continue;
        const struct gs_async_task *known = &stacks->tasks.tasks[task];
        struct runs runs = {.task = known->addr, .coroutine = known->coroutine, .frame = thread->frames[i].frame};
        snprintf(runs.name, sizeof runs.name, "%s", known->name);
        if (trio && gs_task_attribute(awaits, known->addr, "coro") == known->coroutine)
            return runs;
        if (trio || !gs_task_fields_read(awaits, known->addr, &fields) || fields.coroutine != known->coroutine)
            break;
        gs_task_name_read(awaits, fields.name, runs.name);
        return runs;
    }
    return (struct runs){.task = 0};
}

/* A task of trio that a thread runs, as its loop's own frame says. */
static struct runs trio_runs(struct gs_awaits *awaits, const struct gs_thread *thread)
{
    struct runs runs;
    runs.task = gs_trio_running(awaits, thread->frames, thread->frame_count, &runs.coroutine, runs.name);
    runs.frame = runs.task != 0 ? frame_of(awaits, runs.coroutine) : 0;
    return runs;
}

/* All frames of a thread are those of the greenlet that it runs: the one that did so before and after it was looked at,
 * else one that is known by its outermost frame. */
static uint32_t find_greenlet(const struct gs_task_stacks *stacks, const struct gs_thread *thread, size_t loop,
                              struct runs *runs)
{
    const struct gs_event_loop *known = &stacks->tasks.loops[loop];
    struct gs_awaits awaits = awaits_of(stacks);
    const gs_addr before = stacks->before[loop].task, now = read_greenlet(stacks, known);
    uint32_t outermost = thread->frame_count;
    while (outermost > 0 && thread->frames[outermost - 1].kind != GS_FRAME_PYTHON)
        outermost--;
    if (outermost == 0)
        return 0;
    uint32_t task = gs_ids_find(&stacks->by_frame, thread->frames[outermost - 1].frame);
    gs_addr seen = task != GS_IDS_NONE ? stacks->tasks.tasks[task].addr : 0;
    bool stayed = now != 0 && now == before;
    *runs = (struct runs){.task = stayed ? now : known->current_at == 0 || (seen == now || seen == before) ? seen : 0};
    if (runs->task == 0 || runs->task == known->hub)
        return 0;
    if (runs->task == known->addr)
        snprintf(runs->name, sizeof runs->name, "main");
    else
        gs_greenlet_name(&awaits, runs->task, thread->frames, thread->frame_count, runs->name);
    return thread->frame_count;
}

/* The loop may have gone on to another task since the thread was looked at: what counts is whose frames it had. */
static uint32_t find_runs(const struct gs_task_stacks *stacks, const struct gs_thread *thread, size_t loop,
                          struct runs *runs)
{
    struct gs_awaits awaits = awaits_of(stacks);
    enum gs_loop_kind kind = stacks->tasks.loops[loop].kind;
    if (kind != GS_LOOP_ASYNCIO && kind != GS_LOOP_TRIO)
        return find_greenlet(stacks, thread, loop, runs);
    *runs = kind == GS_LOOP_TRIO ? trio_runs(&awaits, thread) : read_runs(stacks, &awaits, loop);
    uint32_t own = own_frames(thread, runs->frame);
    if (own == 0 && kind == GS_LOOP_ASYNCIO) {
        *runs = stacks->before[loop];
        own = own_frames(thread, runs->frame);
    }
    if (own == 0) {
        *runs = known_runs(stacks, &awaits, thread, kind == GS_LOOP_TRIO);
        own = own_frames(thread, runs->frame);
    }
    return own;
}

bool gs_task_stacks_running(struct gs_task_stacks *stacks, const struct gs_thread *thread,
                            const struct gs_frame **frames, uint32_t *count)
{
    const struct gs_tasks *tasks = &stacks->tasks;
    struct runs runs;
    uint32_t own = 0;
    *frames = NULL;
    for (size_t i = 0; i < tasks->loop_count && own == 0; i++)
        own = tasks->loops[i].tstate == thread->tstate ? find_runs(stacks, thread, i, &runs) : 0;
    if (own == 0)
        return true;
    stacks->frame_count = 0;
    uint32_t known = gs_task_find(tasks, runs.task);
    bool ok = add(stacks, thread->frames, own);
    if (ok && known != GS_NO_TASK && tasks->tasks[known].coroutine == runs.coroutine)
        ok = add_awaiters(stacks, known);
    ok = ok && add_name(stacks, runs.name);
    hand_out(stacks, frames, count);
    return ok;
}

bool gs_task_stacks_suspended(struct gs_task_stacks *stacks, uint32_t task, const struct gs_frame **frames,
                              uint32_t *count)
{
    const struct gs_async_task *one = &stacks->tasks.tasks[task];
    stacks->frame_count = 0;
    bool ok = add(stacks, stacks->tasks.frames + one->frame_at, one->frame_count) && add_awaiters(stacks, task) &&
              add_name(stacks, one->name);
    hand_out(stacks, frames, count);
    return ok;
}
