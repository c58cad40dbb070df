#include "base/fnv.h"
#include "export/task_lanes.h"

void gs_task_lanes_fini(struct gs_task_lanes *lanes)
{
    gs_ids_fini(&lanes->by_name);
}

/* The source's place of the task whose stack it is; 0: it is no task's. */
static uint32_t task_of(const struct gs_stacks *stacks, uint32_t stack)
{
    uint32_t outermost = stack;
    while (outermost && gs_stacks_at(stacks, outermost).caller)
        outermost = gs_stacks_at(stacks, outermost).caller;
    uint32_t place = outermost ? gs_stacks_at(stacks, outermost).place : 0;
    return outermost && gs_stacks_place_at(stacks, place)->kind == GS_FRAME_TASK ? place : 0;
}

/* *lane NULL: it has none. */
static enum gs_status find(struct gs_task_lanes *lanes, const struct gs_sample *sample, uint32_t thread_at,
                           uint32_t stack, struct gs_task_lane **lane)
{
    uint32_t thread = sample->threads[thread_at].thread;
    uint32_t name = lanes->user.chosen(lanes->user.context, thread) ? task_of(sample->stacks, stack) : 0;
    *lane = NULL;
    if (!name)
        return GS_OK;
    uint64_t key =
        gs_fnv(gs_stacks_place_at(sample->stacks, name)->function) + (uint64_t)thread * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t at = gs_ids_find(&lanes->by_name, key);
    if (at == GS_IDS_NONE && lanes->count == GS_TASK_LANES_MOST)
        return GS_OK;
    if (at != GS_IDS_NONE) {
        *lane = &lanes->list[at];
        return GS_OK;
    }
    at = lanes->count;
    if (!gs_ids_set(&lanes->by_name, key, at))
        return GS_NO_MEMORY;
    *lane = &lanes->list[lanes->count++];
    **lane = (struct gs_task_lane){.process = sample->process, .thread = thread};
    return lanes->user.introduce(lanes->user.context, at, sample->stacks, name);
}

static enum gs_status end_open(struct gs_task_lanes *lanes, struct gs_task_lane *lane, uint64_t ns)
{
    if (!lane->open)
        return GS_OK;
    lane->open = 0;
    return lanes->user.end(lanes->user.context, (uint32_t)(lane - lanes->list), ns);
}

/* what: a hash of what is told of it. */
static enum gs_status go_on(struct gs_task_lanes *lanes, struct gs_task_lane *lane, const struct gs_stacks *stacks,
                            uint64_t what, uint64_t ns)
{
    if (lane->open == what)
        return GS_OK;
    enum gs_status status = end_open(lanes, lane, ns);
    lane->open = what;
    return status == GS_OK ? lanes->user.begin(lanes->user.context, (uint32_t)(lane - lanes->list), stacks, ns)
                           : status;
}

static enum gs_status add_running(struct gs_task_lanes *lanes, const struct gs_sample *sample, uint64_t begin_ns)
{
    enum gs_status status = GS_OK;
    for (uint32_t i = 0; i < sample->thread_count && status == GS_OK; i++) {
        struct gs_task_lane *lane;
        status = find(lanes, sample, i, sample->threads[i].stack, &lane);
        if (status || !lane)
            continue;
        lane->runs = true;
        lane->gil = sample->threads[i].gil;
        status = go_on(lanes, lane, sample->stacks, lane->gil + UINT64_C(1), begin_ns);
    }
    return status;
}

static enum gs_status note_suspended(struct gs_task_lanes *lanes, const struct gs_sample *sample)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < sample->task_count && status == GS_OK; i++) {
        struct gs_task_lane *lane;
        status = find(lanes, sample, sample->tasks[i].thread_at, sample->tasks[i].stack, &lane);
        if (status || !lane)
            continue;
        if (!lane->looked)
            lane->place = gs_stacks_at(sample->stacks, sample->tasks[i].stack).place;
        lane->looked = true;
        lane->count++;
    }
    return status;
}

static uint64_t place_hash(const struct gs_place *place)
{
    return gs_fnv(place->function) + (uint64_t)place->line * 1024;
}

enum gs_status gs_task_lanes_add(struct gs_task_lanes *lanes, const struct gs_sample *sample, uint64_t begin_ns)
{
    bool ran[GS_TASK_LANES_MOST];
    enum gs_status status = GS_OK;
    if (sample->gap_ns > 0)
        status = gs_task_lanes_stop(lanes, sample->process, begin_ns - sample->gap_ns);
    for (uint32_t i = 0; i < lanes->count; i++) {
        if (lanes->list[i].process != sample->process)
            continue;
        ran[i] = lanes->list[i].runs;
        lanes->list[i].runs = lanes->list[i].looked = false;
        lanes->list[i].count = 0;
    }
    uint32_t before = lanes->count;
    if (status == GS_OK)
        status = add_running(lanes, sample, begin_ns);
    if (status == GS_OK)
        status = note_suspended(lanes, sample);
    for (uint32_t i = 0; i < lanes->count && status == GS_OK; i++) {
        struct gs_task_lane *lane = &lanes->list[i];
        if (lane->process != sample->process || lane->runs)
            continue;
        if (lane->looked)
            status = go_on(lanes, lane, sample->stacks,
                           place_hash(gs_stacks_place_at(sample->stacks, lane->place)) + lane->count + GS_UNKNOWN + 1,
                           begin_ns);
        else if (sample->tasks_ns > 0 || (i < before && ran[i]))
            status = end_open(lanes, lane, begin_ns);
    }
    return status;
}

enum gs_status gs_task_lanes_stop(struct gs_task_lanes *lanes, uint32_t process, uint64_t ns)
{
    enum gs_status status = GS_OK;
    for (uint32_t i = 0; i < lanes->count && status == GS_OK; i++) {
        if (lanes->list[i].process == process)
            status = end_open(lanes, &lanes->list[i], ns);
    }
    return status;
}
