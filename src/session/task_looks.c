/* A task is as it was while it stands at the same frames and waits for the same future, or for the same moment. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/room.h"
#include "base/sorted.h"
#include "profile/arena.h"
#include "python/task_groups.h"
#include "sample/snapshot_tasks.h"
#include "session/task_looks.h"
#include "session/task_peers.h"
#include "session/task_place.h"

enum {
    SOONEST_NS = 500000000, /* between two looks */
    COST = 10,              /* a look may take 1 / COST of all time */
    FRESH_NS = 2000000000,  /* what was not there at a look so long ago may have been so for longer */
    ROWS_MOST = 4096,       /* of all processes; tasks of further ones are counted */
    NAMES_BYTES = 1 << 20   /* of all names together */
};

struct gs_task_seen {
    pid_t pid;
    gs_addr addr;
    uint64_t sign; /* a hash of what it does */
    uint64_t since_ns;
    bool at_least;
};

GS_BY_BOTH(by_address, struct gs_task_seen, pid, addr);

/* callbacks: that the loop has run; of one that runs now it tells one turn from the next. */
static uint64_t sign_of(const struct gs_tasks *tasks, const struct gs_async_task *task, uint64_t callbacks)
{
    const bool runs = task->state == GS_TASK_RUNNING;
    uint64_t words[] = {task->coroutine, task->waiter, task->await.object, runs ? callbacks : 0, 0};
    uint64_t sign = runs ? GS_TASK_RUNNING : gs_task_hash(tasks, task);
    memcpy(&words[4], &task->await.due_s, sizeof words[4]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        sign = gs_task_hash_mix(sign, words[i]);
    return sign;
}

/* Since when it does what it does. False: out of memory. */
static bool note(struct gs_task_looks *looks, pid_t pid, gs_addr addr, uint64_t sign, uint64_t now_ns)
{
    struct gs_task_seen *one;
    struct gs_task_seen key = {.pid = pid, .addr = addr};
    if (!gs_room((void **)&looks->now, &looks->now_room, looks->now_count + 1, sizeof *looks->now))
        return false;
    const struct gs_task_seen *was =
        looks->seen ? bsearch(&key, looks->seen, looks->seen_count, sizeof key, by_address) : NULL;
    one = &looks->now[looks->now_count++];
    *one = (struct gs_task_seen){.pid = pid, .addr = addr, .sign = sign, .since_ns = now_ns};
    one->at_least = now_ns - looks->looked_ns > FRESH_NS;
    if (was && was->sign == sign) {
        one->since_ns = was->since_ns;
        one->at_least = was->at_least;
    }
    return true;
}

/* ---- rows ---- */

static void put_name(const struct gs_async_task *task, char name[GS_TASK_NAME])
{
    if (task->name[0])
        snprintf(name, GS_TASK_NAME, "%s", task->name);
    else
        snprintf(name, GS_TASK_NAME, "task 0x%" PRIx64, task->addr);
}

/* "worker-*", or, where they begin with nothing in common, all of them. */
static void name_row(struct gs_task_looks *looks, const struct gs_tasks *tasks, const struct gs_task_group *group,
                     struct gs_picture_task *row)
{
    char common[GS_TASK_NAME], name[GS_TASK_NAME];
    size_t room = group->count * (GS_TASK_NAME + 2), len = 0;
    room = looks->names_bytes > NAMES_BYTES ? GS_TASK_NAME + 2 : room;
    char *names = gs_arena_get(looks->arena, room, 1);
    put_name(&tasks->tasks[group->members[0]], common);
    for (size_t i = 0; i < group->count; i++) {
        size_t same = 0;
        put_name(&tasks->tasks[group->members[i]], name);
        while (common[same] && common[same] == name[same])
            same++;
        if (i > 0)
            common[same] = '\0';
        if (names && len + GS_TASK_NAME + 2 <= room)
            len += (size_t)snprintf(names + len, room - len, "%s%s", i > 0 ? ", " : "", name);
    }
    looks->names_bytes += room;
    row->names = names ? names : "";
    row->name = row->names;
    if (group->count > 1 && common[0]) {
        snprintf(name, sizeof name, "%.*s*", (int)sizeof name - 2, common);
        row->name = gs_arena_copy(looks->arena, name);
    }
}

static bool add_row(struct gs_task_looks *looks, struct gs_attach *attach, const struct gs_thread *thread,
                    const struct gs_task_group *group, const struct gs_task_seen *seen, bool moves, uint64_t now_ns)
{
    const struct gs_tasks *tasks = &attach->tasks;
    const struct gs_async_task *first = &tasks->tasks[group->members[0]];
    const struct gs_lookup lookup = gs_attach_lookup(attach);
    struct gs_frame_info place;
    char words[GS_TASK_GROUP_WORDS];
    if (looks->found.count == ROWS_MOST) {
        looks->found.left_out += group->count;
        return true;
    }
    if (!gs_room((void **)&looks->found.list, &looks->room, looks->found.count + 1, sizeof *looks->found.list))
        return false;
    struct gs_live_task *task = &looks->found.list[looks->found.count++];
    *task = (struct gs_live_task){.pid = attach->target->pid};
    const struct gs_task_seen *oldest = &seen[group->members[0]];
    for (size_t i = 1; i < group->count; i++) {
        if (seen[group->members[i]].since_ns < oldest->since_ns)
            oldest = &seen[group->members[i]];
    }
    task->row = (struct gs_picture_task){.tid = thread->tid,
                                         .state = (uint8_t)first->state,
                                         .count = (uint32_t)group->count,
                                         .for_us = moves ? 0 : (now_ns - oldest->since_ns) / 1000,
                                         .at_least = oldest->at_least};
    name_row(looks, tasks, group, &task->row);
    gs_task_group_words(tasks, group, words);
    task->row.waits_for = gs_arena_copy(looks->arena, first->state == GS_TASK_WAITS ? words : "");
    if (gs_task_place(&lookup, tasks, first, &place))
        task->row.place =
            (struct gs_picture_place){gs_arena_copy(looks->arena, place.qualname ? place.qualname : place.function),
                                      gs_arena_copy(looks->arena, place.file ? place.file : ""), place.line,
                                      tasks->frames[first->frame_at].kind == GS_FRAME_GAP, place.module != NULL};
    return true;
}

/* ---- looks ---- */

static const struct gs_thread *thread_of(const struct gs_snapshot *snapshot, gs_addr tstate)
{
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        if (snapshot->threads[i].tstate == tstate)
            return &snapshot->threads[i];
    }
    return NULL;
}

static bool add_loop(struct gs_task_looks *looks, struct gs_attach *attach, const struct gs_event_loop *loop,
                     uint64_t now_ns)
{
    const struct gs_tasks *tasks = &attach->tasks;
    const struct gs_thread *thread = thread_of(attach->snapshot, loop->tstate);
    const size_t first = looks->now_count;
    struct gs_task_groups groups;
    uint64_t taken = 0, ready;
    bool counted = gs_event_loop_queue(&attach->python->layout, attach->python->mem, loop->queue, &taken, &ready);
    bool ok = thread != NULL;
    looks->found.left_out += thread ? 0 : loop->count;
    for (uint32_t i = loop->first; i < loop->first + loop->count && ok; i++)
        ok = note(looks, attach->target->pid, tasks->tasks[i].addr, sign_of(tasks, &tasks->tasks[i], taken), now_ns);
    if (!ok)
        return thread == NULL;
    ok = gs_task_groups_init(&groups, tasks, loop, false, false) == GS_OK;
    for (size_t i = 0; i < groups.count && ok; i++) {
        bool runs = tasks->tasks[groups.list[i].members[0]].state == GS_TASK_RUNNING;
        ok =
            add_row(looks, attach, thread, &groups.list[i], looks->now + first - loop->first, runs && !counted, now_ns);
    }
    gs_task_groups_fini(&groups);
    return ok;
}

/* One that cannot be read now is without tasks until the next look. False: out of memory. */
static bool look_at(struct gs_task_looks *looks, struct gs_attach *attach, uint64_t now_ns)
{
    bool ok = true;
    if (gs_reader_take(attach->reader, &attach->snapshot) != GS_OK)
        return true;
    enum gs_status status = gs_tasks_of(&attach->tasks, attach->python, gs_reader_codes(attach->reader),
                                        attach->snapshot, (double)now_ns / 1e9);
    gs_task_peers(&attach->tasks, attach->target);
    for (size_t i = 0; i < attach->tasks.loop_count && status == GS_OK && ok; i++)
        ok = add_loop(looks, attach, &attach->tasks.loops[i], now_ns);
    looks->found.left_out += attach->tasks.left_out;
    gs_tasks_free(&attach->tasks);
    return ok && status != GS_NO_MEMORY;
}

enum gs_status gs_task_looks(struct gs_task_looks *looks, struct gs_attach *const *attached, size_t count,
                             struct gs_live *live)
{
    bool ok = true;
    uint64_t now_ns = gs_clock_ns(), cpu_us = gs_clock_cpu_us();
    if (now_ns < looks->due_ns || count == 0)
        return GS_OK;
    if (!looks->arena)
        looks->arena = gs_arena_new();
    if (!looks->arena)
        return GS_NO_MEMORY;
    gs_arena_clear(looks->arena);
    looks->found = (struct gs_live_tasks){.list = looks->found.list, .read_ns = now_ns};
    looks->now_count = looks->names_bytes = 0;
    for (size_t i = 0; i < count && ok; i++)
        ok = look_at(looks, attached[i], now_ns);
    free(looks->seen);
    looks->seen = looks->now;
    looks->seen_count = looks->now_count;
    if (looks->seen)
        qsort(looks->seen, looks->seen_count, sizeof *looks->seen, by_address);
    looks->now = NULL;
    looks->now_room = 0;
    looks->looked_ns = now_ns;
    uint64_t pause_ns = (gs_clock_cpu_us() - cpu_us) * 1000 * COST;
    looks->due_ns = now_ns + (pause_ns < SOONEST_NS ? SOONEST_NS : pause_ns);
    ok = ok && !gs_arena_failed(looks->arena);
    gs_live_tasks(live, ok ? &looks->found : NULL);
    return ok ? GS_OK : GS_NO_MEMORY;
}

void gs_task_looks_fini(struct gs_task_looks *looks)
{
    gs_arena_free(looks->arena);
    free(looks->found.list);
    free(looks->seen);
    free(looks->now);
}
