/* Tasks are alike when a hash of what they do is: their addresses and names are no part of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "python/task_groups.h"

struct row {
    uint64_t hash;
    uint32_t task;
};

uint64_t gs_task_hash_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

uint64_t gs_task_hash(const struct gs_tasks *tasks, const struct gs_async_task *task)
{
    uint64_t hash = gs_task_hash_mix(gs_task_hash_mix(UINT64_C(14695981039346656037), task->state), task->await.kind);
    for (uint32_t i = 0; i < task->frame_count; i++) {
        const struct gs_frame *frame = &tasks->frames[task->frame_at + i];
        const uint64_t words[] = {frame->code, (uint32_t)frame->instr, (uint64_t)frame->kind << 8 | frame->gap};
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            hash = gs_task_hash_mix(hash, words[k]);
    }
    return hash;
}

GS_BY_BOTH(by_hash, struct row, hash, task);

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
            rows[count++] = (struct row){gs_task_hash(tasks, &tasks->tasks[i]), i};
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

void gs_task_group_words(const struct gs_tasks *tasks, const struct gs_task_group *group,
                         char words[GS_TASK_GROUP_WORDS])
{
    char other[GS_TASK_GROUP_WORDS];
    gs_task_words(tasks, &tasks->tasks[group->members[0]], words, GS_TASK_GROUP_WORDS);
    for (size_t i = 1; i < group->count; i++) {
        size_t same = 0;
        gs_task_words(tasks, &tasks->tasks[group->members[i]], other, GS_TASK_GROUP_WORDS);
        while (words[same] && words[same] == other[same])
            same++;
        if (!words[same] && !other[same])
            continue;
        while (same > 0 && words[same] != ' ')
            same--;
        words[same] = '\0';
    }
    /* What is left of "Lock held by Task-7" and "sleep, 3.0 s left". */
    size_t len = strlen(words);
    static const char held[] = " held by";
    if (len >= sizeof held && strcmp(words + len - sizeof held + 1, held) == 0)
        words[len - sizeof held + 1] = '\0';
    else if (len > 0 && words[len - 1] == ',')
        words[len - 1] = '\0';
    if (!words[0] && tasks->tasks[group->members[0]].state == GS_TASK_WAITS)
        snprintf(words, GS_TASK_GROUP_WORDS, "%s", gs_await_kind_name(tasks->tasks[group->members[0]].await.kind));
}
