/* A picture of the model: everything copied, so that it can be looked at while samples go on. */
#include <stdlib.h>
#include <string.h>

#include "profile/live_charge.h"
#include "profile/live_drawing.h"

static struct gs_picture_place copy_source(const struct gs_live_drawing *drawing, const struct gs_place *place)
{
    return (struct gs_picture_place){
        gs_arena_copy(drawing->arena, gs_live_name_of(place)), gs_arena_copy(drawing->arena, gs_live_file_of(place)),
        gs_live_line_of(&drawing->live->code, place), place->kind == GS_FRAME_GAP, place->kind == GS_FRAME_NATIVE};
}

/* ---- GILs ---- */

/* The hold that the last sample met. */
static bool goes_on(const struct gs_live_lock *lock)
{
    return lock->hold.tid == lock->met.hold.tid && lock->track.follow.begin_ns == lock->met.begin_ns;
}

static struct gs_picture_hold hold_now(const struct gs_live_drawing *drawing, const struct gs_live_process *process,
                                       const struct gs_live_lock *lock)
{
    const struct gs_live_hold *hold = &lock->met.hold;
    const struct gs_live_thread *thread =
        lock->holder == GS_LIVE_NOBODY ? NULL : gs_live_thread_of(&drawing->live->table, lock->holder);
    struct gs_picture_hold now = {.waiters = (uint32_t)lock->waiters};
    struct gs_live_place place = {.line = 0};
    if (hold->tid) {
        now.tid = hold->tid;
        now.at_least = lock->met.at_least;
        now.longest_us = ((goes_on(lock) ? lock->track.follow.last.ns : lock->met.last_ns) - lock->met.begin_ns) / 1000;
        place = hold->place;
        for (size_t i = 0; i < drawing->live->table.thread_count && (!thread || thread->tid != now.tid); i++) {
            const struct gs_live_thread *one = drawing->live->table.threads[i];
            thread = one->tid == now.tid && one->process == process->number ? one : thread;
        }
    } else if (thread) {
        now.tid = thread->tid;
    }
    bool known = thread && thread->tid == now.tid;
    if (known && !place.function[0] && thread->stacks_known == drawing->live->code.stacks_known)
        gs_live_place_of(&drawing->live->code, thread->stack, &place); /* no sample of this hold yet: where it waited */
    now.place = gs_live_copy_place(drawing->arena, &place);
    if (known)
        now.name = gs_arena_copy(drawing->arena, thread->name);
    return now;
}

/* The one that goes on may be the longest. */
static struct gs_picture_hold longest(const struct gs_live_drawing *drawing, const struct gs_live_lock *lock,
                                      const struct gs_picture_hold *now)
{
    const struct gs_live_longest *one = &lock->longest;
    if (goes_on(lock) && now->longest_us > one->us)
        return *now;
    if (!one->tid)
        return (struct gs_picture_hold){0};
    return (struct gs_picture_hold){.tid = one->tid,
                                    .name = gs_arena_copy(drawing->arena, one->name),
                                    .at_least = one->at_least,
                                    .waiters = one->waiters,
                                    .times = 1,
                                    .longest_us = one->us,
                                    .total_us = one->us,
                                    .ago_us = gs_live_ago_us(drawing, one->end_ns),
                                    .place = gs_live_copy_place(drawing->arena, &one->place)};
}

/* unknown: where there is no time yet. */
static double share_of(uint64_t part_ns, uint64_t all_ns, double unknown)
{
    return all_ns > 0 ? (double)part_ns / (double)all_ns : unknown;
}

static void draw_gil(const struct gs_live_drawing *drawing, const struct gs_live_process *process,
                     const struct gs_live_lock *lock, struct gs_picture_gil *gil)
{
    gil->process = (uint32_t)(process - drawing->live->table.processes);
    gil->lock = (uint32_t)(lock - process->locks);
    gil->state = lock->met.state;
    gil->held = share_of(lock->sum.held_ns, lock->sum.watched_ns, lock->met.state == GS_GIL_HELD);
    gil->waiting = share_of(lock->sum.waiters_ns, lock->sum.asked_ns, (double)lock->waiters);
    gil->waiters = lock->waiters;
    gil->handovers_hz = lock->sum.counted_ns > 0 ? lock->sum.moved * 1e9 / (double)lock->sum.counted_ns : -1;
    gil->now = hold_now(drawing, process, lock);
    gil->now.process = gil->process;
    gil->longest = longest(drawing, lock, &gil->now);
    gil->longest.process = gil->process;
    memcpy(gil->held_s, lock->held_s, sizeof gil->held_s);
    memcpy(gil->waiting_s, lock->waiting_s, sizeof gil->waiting_s);
    gil->seconds = lock->seconds;
}

static void draw_processes(const struct gs_live_drawing *drawing, struct gs_picture *picture)
{
    const struct gs_live *live = drawing->live;
    struct gs_picture_process *list = gs_arena_get(drawing->arena, live->table.process_count, sizeof *list);
    size_t gil_count = 0;
    for (size_t i = 0; i < live->table.process_count; i++)
        gil_count += live->table.processes[i].lock_count;
    struct gs_picture_gil *gils = gs_arena_get(drawing->arena, gil_count, sizeof *gils);
    gil_count = 0;
    picture->ended = live->table.process_count > 0;
    for (size_t i = 0; list && gils && i < live->table.process_count; i++) {
        const struct gs_live_process *process = &live->table.processes[i];
        list[i] = (struct gs_picture_process){.pid = process->pid,
                                              .command = gs_arena_copy(drawing->arena, process->command),
                                              .python = gs_arena_copy(drawing->arena, process->python),
                                              .uptime_us = process->uptime_us,
                                              .cpu = process->cpu,
                                              .threads = process->seen + process->absent,
                                              .gils_left_out = process->locks_left_out,
                                              .ended = process->ended};
        picture->ended = picture->ended && process->ended;
        size_t known = process->threads - process->absent;
        picture->thread_missed += process->seen > known ? process->seen - known : 0;
        for (size_t k = 0; k < process->lock_count; k++) {
            if (!process->locks[k].seen)
                continue;
            draw_gil(drawing, process, &process->locks[k], &gils[gil_count++]);
        }
    }
    picture->processes = list;
    picture->process_count = list && gils ? live->table.process_count : 0;
    picture->gils = gils;
    picture->gil_count = gil_count;
}

/* ---- threads ---- */

/* frame has its place already. function: NULL, not known. */
static void draw_shares(const struct gs_live_drawing *drawing, const struct gs_live_thread *thread,
                        const struct gs_live_function *function, double time_ns, struct gs_picture_frame *frame)
{
    struct gs_topk_key key = {(uint64_t)thread->number << 32 | (function ? function->serial : 0),
                              (uint32_t)frame->place.line};
    const struct gs_live_line *line = gs_topk_find(&drawing->live->code.lines, key);
    for (int mode = 0; line && time_ns > 0 && mode < GS_MODE_LIVE; mode++)
        frame->share[mode] = line->recent_ns[mode] / time_ns;
}

static void draw_stack(const struct gs_live_drawing *drawing, const struct gs_live_thread *thread, double time_ns,
                       struct gs_picture_thread *row)
{
    struct gs_live *live = drawing->live;
    uint32_t stack = thread->stack;
    size_t depth = stack ? gs_stacks_at(live->code.stacks, stack).depth : 0, count = 0;
    struct gs_picture_frame *frames =
        gs_arena_get(drawing->arena, 1 + (depth < GS_LIVE_DEPTH ? depth : GS_LIVE_DEPTH), sizeof *frames);
    for (; frames && stack && count < GS_LIVE_DEPTH; count++) {
        struct gs_stack at = gs_stacks_at(live->code.stacks, stack);
        const struct gs_place *place = gs_stacks_place_at(live->code.stacks, at.place);
        const struct gs_live_function *function = gs_live_function_at(&live->code, at.place);
        frames[count].place = copy_source(drawing, place);
        draw_shares(drawing, thread, function, time_ns, &frames[count]);
        stack = at.caller;
    }
    if (frames && count > 0 && live->table.selection.threads) {
        const struct gs_live_function *outermost = gs_live_thread_function(&live->code, thread);
        const char *name = outermost ? (const char *)(uintptr_t)outermost->key.a : thread->name;
        frames[count].place = (struct gs_picture_place){gs_arena_copy(drawing->arena, name), "", 0, false, false};
        draw_shares(drawing, thread, outermost, time_ns, &frames[count++]);
    }
    row->frames = frames;
    row->frame_count = count;
}

static void draw_cells(const struct gs_live_drawing *drawing, const struct gs_live_thread *thread,
                       struct gs_picture_thread *row)
{
    uint64_t last = drawing->live->table.cell, first = thread->first_cell;
    if (last - first >= GS_PICTURE_CELLS)
        first = last - GS_PICTURE_CELLS + 1;
    struct gs_picture_cell *cells = gs_arena_get(drawing->arena, last - first + 1, sizeof *cells);
    for (uint64_t number = first; cells && number < last; number++)
        cells[number - first] = thread->cells[number % GS_PICTURE_CELLS];
    for (int i = 0; cells && i < GS_DOING_COUNT; i++) {
        uint64_t part = (uint64_t)thread->cell_ns[i] * GS_PICTURE_FULL / (GS_PICTURE_CELL_MS * UINT64_C(1000000));
        cells[last - first].part[i] = (uint8_t)(part < GS_PICTURE_FULL ? part : GS_PICTURE_FULL);
    }
    row->cells = cells;
    row->cell_count = cells ? last - first + 1 : 0;
}

static void draw_thread(const struct gs_live_drawing *drawing, const struct gs_live_thread *thread, bool stack,
                        bool cells, struct gs_picture_thread *row)
{
    struct gs_live *live = drawing->live;
    double time_ns = 0;
    for (int i = 0; i < GS_DOING_COUNT; i++)
        time_ns += thread->recent_ns[i];
    *row = (struct gs_picture_thread){.number = thread->number,
                                      .process = gs_live_index_of_process(live, thread->process),
                                      .tid = thread->tid,
                                      .name = gs_arena_copy(drawing->arena, thread->name),
                                      .main = thread->main,
                                      .doing = thread->doing < GS_DOING_COUNT ? thread->doing : GS_UNKNOWN,
                                      .cpu = thread->cpu,
                                      .doing_us = thread->since_ns ? gs_live_ago_us(drawing, thread->since_ns) : 0,
                                      .at_least = thread->at_least};
    for (int i = 0; time_ns > 0 && i < GS_DOING_COUNT; i++)
        row->share[i] = thread->recent_ns[i] / time_ns;
    if (thread->stacks_known != live->code.stacks_known)
        return;
    if (thread->stack)
        row->place =
            copy_source(drawing, gs_stacks_place_at(live->code.stacks, gs_live_told_place(&live->code, thread->stack)));
    if (stack)
        draw_stack(drawing, thread, time_ns, row);
    if (cells)
        draw_cells(drawing, thread, row);
}

static void draw_threads(const struct gs_live_drawing *drawing, unsigned show, uint32_t wanted,
                         struct gs_picture *picture)
{
    const struct gs_live *live = drawing->live;
    struct gs_picture_thread *list = gs_arena_get(drawing->arena, live->table.thread_count, sizeof *list);
    for (size_t i = 0; list && i < live->table.thread_count; i++) {
        const struct gs_live_thread *thread = live->table.threads[i];
        bool stack = show & GS_SHOW_STACKS || (show & GS_SHOW_STACK && thread->number == wanted);
        if (!thread->chosen)
            continue;
        struct gs_picture_thread *row = &list[picture->thread_count++];
        draw_thread(drawing, thread, stack, show & GS_SHOW_TIMELINE, row);
        picture->shares_unknown = picture->shares_unknown || row->share[GS_UNKNOWN] > 0;
    }
    picture->threads = list;
}

static double whole_of(const struct gs_quality *quality)
{
    double all = (double)(quality->samples + quality->lost);
    return all > 0 ? 1 - (double)(quality->torn + quality->lost) / all : -1;
}

const struct gs_picture *gs_live_picture(struct gs_live *live, struct gs_arena *arena, unsigned show, uint32_t thread,
                                         uint64_t now_ns)
{
    struct gs_live_drawing drawing = {live, arena, now_ns};
    gs_arena_clear(arena);
    gs_live_settle(&live->code);
    struct gs_picture *picture = gs_arena_picture(arena);
    if (live->code.stacks)
        gs_live_code_flush(&live->code);
    draw_processes(&drawing, picture);
    draw_threads(&drawing, show, thread, picture);
    if (show & GS_SHOW_FUNCTIONS)
        gs_live_draw_functions(&drawing, picture);
    if (show & GS_SHOW_HOLDS)
        gs_live_draw_holds(&drawing, picture);
    if (show & GS_SHOW_BLAME)
        gs_live_draw_blames(&drawing, picture);
    if (show & GS_SHOW_LOCKS)
        gs_live_draw_locks(&drawing, picture);
    if (show & GS_SHOW_TASKS && live->tasks)
        gs_live_draw_tasks(&drawing, picture);
    picture->watched_us = live->watched_ns / 1000;
    picture->rate_hz = live->rate_hz;
    picture->whole = whole_of(&live->quality);
    picture->refused = live->quality.refused;
    return gs_arena_failed(arena) ? NULL : picture;
}
