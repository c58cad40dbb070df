/* Of a picture: functions, holds, who waits for whom, and tasks; and what its parts share. */
#include "profile/live_drawing.h"

uint64_t gs_live_ago_us(const struct gs_live_drawing *drawing, uint64_t time_ns)
{
    return drawing->now_ns > time_ns ? (drawing->now_ns - time_ns) / 1000 : 0;
}

uint32_t gs_live_index_of_process(const struct gs_live *live, uint32_t number)
{
    const struct gs_live_process *process = gs_live_process_of(&live->table, number);
    return process ? (uint32_t)(process - live->table.processes) : 0;
}

struct gs_picture_place gs_live_copy_place(struct gs_arena *arena, const struct gs_live_place *place)
{
    if (!place->function[0])
        return (struct gs_picture_place){0};
    return (struct gs_picture_place){gs_arena_copy(arena, place->function), gs_arena_copy(arena, place->file),
                                     place->line, place->gap, place->native};
}

void gs_live_draw_functions(const struct gs_live_drawing *drawing, struct gs_picture *picture)
{
    const struct gs_live *live = drawing->live;
    uint32_t count = live->code.functions.count;
    struct gs_picture_function *list = gs_arena_get(drawing->arena, count, sizeof *list);
    for (uint32_t i = 0; list && i < count; i++) {
        const struct gs_live_function *function = gs_topk_at(&live->code.functions, i);
        list[i].place =
            (struct gs_picture_place){gs_arena_copy(drawing->arena, (const char *)(uintptr_t)function->key.a),
                                      gs_arena_copy(drawing->arena, (const char *)(uintptr_t)function->key.b), 0,
                                      function->gap, function->native};
        for (int mode = 0; mode < GS_MODE_LIVE; mode++) {
            double of = live->code.recent_ns > 0 ? live->code.recent_ns : 1;
            list[i].own[mode] = function->own.recent_ns[mode] / of;
            list[i].total[mode] = function->total.recent_ns[mode] / of;
            list[i].own_s[mode] = (double)function->own.ns[mode] / 1e9;
            list[i].total_s[mode] = (double)function->total.ns[mode] / 1e9;
        }
    }
    picture->functions = list;
    picture->function_count = list ? count : 0;
}

void gs_live_draw_holds(const struct gs_live_drawing *drawing, struct gs_picture *picture)
{
    const struct gs_live *live = drawing->live;
    uint32_t count = live->gils.holds.count;
    struct gs_picture_hold *list = gs_arena_get(drawing->arena, count, sizeof *list);
    for (uint32_t i = 0; list && i < count; i++) {
        const struct gs_live_hold_sum *sum = gs_topk_at(&live->gils.holds, i);
        list[i] = (struct gs_picture_hold){.process = gs_live_index_of_process(live, sum->process),
                                           .tid = sum->tid,
                                           .name = gs_arena_copy(drawing->arena, sum->name),
                                           .at_least = sum->at_least,
                                           .waiters = sum->waiters,
                                           .times = sum->times,
                                           .longest_us = sum->longest_us,
                                           .total_us = sum->total_us,
                                           .ago_us = gs_live_ago_us(drawing, sum->end_ns),
                                           .place = gs_live_copy_place(drawing->arena, &sum->place)};
    }
    picture->holds = list;
    picture->hold_count = list ? count : 0;
}

void gs_live_draw_blames(const struct gs_live_drawing *drawing, struct gs_picture *picture)
{
    const struct gs_live *live = drawing->live;
    uint32_t count = live->blames.count;
    struct gs_picture_blame *list = gs_arena_get(drawing->arena, count, sizeof *list);
    for (uint32_t i = 0; list && i < count; i++) {
        const struct gs_live_blame *blame = gs_topk_at(&live->blames, i);
        list[i] = (struct gs_picture_blame){.process = gs_live_index_of_process(live, blame->process),
                                            .waiter_tid = blame->waiter_tid,
                                            .holder_tid = blame->holder_tid,
                                            .waiter = gs_arena_copy(drawing->arena, blame->waiter),
                                            .holder = gs_arena_copy(drawing->arena, blame->holder),
                                            .us = blame->ns / 1000,
                                            .times = (uint32_t)blame->times,
                                            .ago_us = gs_live_ago_us(drawing, blame->last_ns),
                                            .place = gs_live_copy_place(drawing->arena, &blame->place)};
    }
    picture->blames = list;
    picture->blame_count = list ? count : 0;
}

static bool find_process(const struct gs_picture *picture, pid_t pid, uint32_t *index)
{
    for (*index = 0; *index < picture->process_count; ++*index) {
        if (picture->processes[*index].pid == pid)
            return true;
    }
    return false;
}

void gs_live_draw_tasks(const struct gs_live_drawing *drawing, struct gs_picture *picture)
{
    const struct gs_live_tasks *tasks = drawing->live->tasks;
    struct gs_picture_task *list = gs_arena_get(drawing->arena, tasks->count, sizeof *list);
    for (size_t i = 0; list && i < tasks->count; i++) {
        const struct gs_live_task *task = &tasks->list[i];
        struct gs_picture_task *row = &list[picture->task_rows];
        *row = task->row;
        if (!find_process(picture, task->pid, &row->process))
            continue;
        row->name = gs_arena_copy(drawing->arena, row->name);
        row->names = gs_arena_copy(drawing->arena, row->names);
        row->waits_for = gs_arena_copy(drawing->arena, row->waits_for);
        if (row->place.function) {
            row->place.function = gs_arena_copy(drawing->arena, row->place.function);
            row->place.file = gs_arena_copy(drawing->arena, row->place.file);
        }
        picture->task_count += row->count;
        picture->task_rows++;
    }
    picture->tasks = list;
    picture->tasks_left_out = tasks->left_out;
    picture->tasks_read = true;
    picture->tasks_ago_us = gs_live_ago_us(drawing, tasks->read_ns);
}
