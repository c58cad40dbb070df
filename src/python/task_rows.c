/* Lists of tasks, of their frames and of who waits for whom. */
#include "base/room.h"
#include "python/task_rows.h"

enum {
    FRAMES_MOST = 1 << 22, /* of all tasks together */
    AWAITED_MOST = 1 << 20
};

struct gs_async_task *gs_task_rows_add(struct gs_task_rows *rows, struct gs_async_task task)
{
    struct gs_tasks *tasks = rows->tasks;
    if (!gs_room((void **)&tasks->tasks, &rows->task_room, tasks->task_count + 1, sizeof *tasks->tasks))
        return NULL;
    tasks->tasks[tasks->task_count] = task;
    return &tasks->tasks[tasks->task_count++];
}

bool gs_task_rows_frame(struct gs_task_rows *rows, struct gs_frame frame)
{
    struct gs_tasks *tasks = rows->tasks;
    if (!gs_room((void **)&tasks->frames, &rows->frame_room, tasks->frame_count + 1, sizeof *tasks->frames))
        return false;
    tasks->frames[tasks->frame_count++] = frame;
    return true;
}

static bool add_gap(struct gs_task_rows *rows, enum gs_gap gap)
{
    return gs_task_rows_frame(rows, (struct gs_frame){.kind = GS_FRAME_GAP, .gap = (uint8_t)gap});
}

bool gs_task_rows_chain(struct gs_task_rows *rows, struct gs_async_task *task, const struct gs_chain *chain)
{
    bool ok = true;
    task->frame_at = rows->tasks->frame_count;
    if (rows->tasks->frame_count + chain->count > FRAMES_MOST)
        ok = add_gap(rows, GS_GAP_TOO_LARGE);
    else if (task->torn)
        ok = add_gap(rows, GS_GAP_CHANGED);
    else
        for (size_t i = chain->count; i > 0 && ok; i--)
            ok = gs_task_rows_frame(rows, chain->frames[i - 1]);
    task->frame_count = (uint32_t)(rows->tasks->frame_count - task->frame_at);
    return ok;
}

bool gs_task_rows_edge(struct gs_task_rows *rows, gs_addr awaited, uint32_t waiter)
{
    if (rows->edge_count == AWAITED_MOST)
        return true;
    if (!gs_room((void **)&rows->edges, &rows->edge_room, rows->edge_count + 1, sizeof *rows->edges))
        return false;
    rows->edges[rows->edge_count++] = (struct gs_task_edge){awaited, waiter};
    return true;
}

bool gs_chain_same(const struct gs_chain *a, const struct gs_chain *b)
{
    if (a->torn || b->torn || a->count != b->count || a->end != b->end || a->running != b->running)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->frames[i].frame != b->frames[i].frame || a->frames[i].code != b->frames[i].code ||
            a->frames[i].instr != b->frames[i].instr)
            return false;
    }
    return true;
}
