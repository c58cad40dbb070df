/* Tasks are alike when a hash of what they do is: their addresses and names are no part of it. */
#include <stdlib.h>

#include "export/text/task_groups.h"

struct row {
    uint64_t hash;
    uint32_t task;
};

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct gs_tasks *tasks, const struct gs_async_task *task)
{
    uint64_t hash = mix(mix(UINT64_C(14695981039346656037), task->state), task->await.kind);
    for (uint32_t i = 0; i < task->frame_count; i++) {
        const struct gs_frame *frame = &tasks->frames[task->frame_at + i];
        hash = mix(mix(mix(hash, frame->code), (uint32_t)frame->instr), (uint64_t)frame->kind << 8 | frame->gap);
    }
    return hash;
}

static int by_hash(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->task > y->task) - (x->task < y->task);
}

static int by_size(const void *a, const void *b, void *context)
{
    const struct gs_task_group *x = a, *y = b;
    const struct gs_async_task *tasks = context;
    const enum gs_task_state s = tasks[x->members[0]].state, t = tasks[y->members[0]].state;
    if (s != t)
        return s < t ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (x->members[0] > y->members[0]) - (x->members[0] < y->members[0]);
}

enum gs_status gs_task_groups_init(struct gs_task_groups *groups, const struct gs_tasks *tasks,
                                   const struct gs_event_loop *loop, bool running, bool apart)
{
    uint32_t count = 0;
    struct row *rows = calloc(loop->count + 1, sizeof *rows);
    *groups = (struct gs_task_groups){.list = calloc(loop->count + 1, sizeof *groups->list),
                                      .members = calloc(loop->count + 1, sizeof *groups->members)};
    if (!rows || !groups->list || !groups->members) {
        free(rows);
        return GS_NO_MEMORY;
    }
    for (uint32_t i = loop->first; i < loop->first + loop->count; i++) {
        if (!running || tasks->tasks[i].state == GS_TASK_RUNNING)
            rows[count++] = (struct row){hash_of(tasks, &tasks->tasks[i]), i};
    }
    qsort(rows, count, sizeof *rows, by_hash);
    for (uint32_t i = 0; i < count; i++) {
        groups->members[i] = rows[i].task;
        if (apart || i == 0 || rows[i].hash != rows[i - 1].hash)
            groups->list[groups->count++].members = &groups->members[i];
        groups->list[groups->count - 1].count++;
    }
    free(rows);
    qsort_r(groups->list, groups->count, sizeof *groups->list, by_size, tasks->tasks);
    return GS_OK;
}

void gs_task_groups_fini(struct gs_task_groups *groups)
{
    free(groups->list);
    free(groups->members);
    *groups = (struct gs_task_groups){0};
}
