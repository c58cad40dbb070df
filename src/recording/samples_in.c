/* Reads samples out of what changed: a process's list of threads is kept, and changed where the record says so. */
#include <stdlib.h>

#include "base/room.h"
#include "recording/samples_in.h"

enum { SPARE_THREADS = 16 };

/* A process as its last sample left it. */
struct gs_process_in {
    uint64_t last_ns;
    uint64_t forgotten; /* as of that sample */
    struct gs_thread_sample *threads;
    size_t count, room;
    struct gs_sampled_gil *gils;
    size_t gil_count, gil_room;
};

void gs_samples_in_fini(struct gs_samples_in *in)
{
    for (size_t i = 0; i < in->process_count; i++) {
        free(in->processes[i].threads);
        free(in->processes[i].gils);
    }
    free(in->processes);
    free(in->owners);
    free(in->list);
    free(in->tasks);
}

enum gs_status gs_samples_in_process(struct gs_samples_in *in, struct gs_wire *records)
{
    if (in->process_count >= GS_WIRE_PROCESSES_MOST) {
        records->bad = true;
        return GS_OK;
    }
    if (!gs_room((void **)&in->processes, &in->process_room, in->process_count + 1, sizeof *in->processes))
        return GS_NO_MEMORY;
    in->processes[in->process_count++] = (struct gs_process_in){.last_ns = in->begin_ns, .forgotten = in->forgotten};
    return GS_OK;
}

enum gs_status gs_samples_in_thread(struct gs_samples_in *in, struct gs_wire *records, uint32_t number,
                                    uint32_t process)
{
    if (process >= in->process_count || number > in->thread_count || number >= GS_WIRE_THREADS_MOST ||
        (number < in->thread_count && in->owners[number] != process)) {
        records->bad = true;
        return GS_OK;
    }
    if (!gs_room((void **)&in->owners, &in->thread_room, number + 1, sizeof *in->owners))
        return GS_NO_MEMORY;
    if (number == in->thread_count)
        in->owners[in->thread_count++] = process;
    return GS_OK;
}

/* The list becomes the process's. What once had many threads does not keep room for them. */
static enum gs_status adopt_list(struct gs_samples_in *in, struct gs_process_in *process, size_t count)
{
    if (count > process->room || process->room > 4 * count + SPARE_THREADS) {
        size_t room = 2 * count + SPARE_THREADS / 2;
        struct gs_thread_sample *threads = realloc(process->threads, room * sizeof *threads);
        if (!threads)
            return GS_NO_MEMORY;
        process->threads = threads;
        process->room = room;
    }
    if (count > 0)
        memcpy(process->threads, in->list, count * sizeof *in->list);
    process->count = count;
    return GS_OK;
}

/* A sample's changes being read: from a list of threads into another, or into the same when none comes or goes. */
struct changes {
    struct gs_samples_in *in;
    struct gs_wire *records;
    const struct gs_thread_sample *from;
    struct gs_thread_sample *to;
    size_t at, count; /* of `from` */
    size_t made;      /* of `to` */
    uint32_t process, stack_count;
    bool list;
};

static void keep(struct changes *changes, size_t count)
{
    if (changes->list && count > 0)
        memcpy(changes->to + changes->made, changes->from + changes->at, count * sizeof *changes->to);
    changes->at += count;
    changes->made += count;
}

static void get_stack(struct changes *changes, struct gs_thread_sample *thread)
{
    thread->stack = (uint32_t)gs_wire_get_most(changes->records, changes->stack_count);
}

static void get_state(struct changes *changes, struct gs_thread_sample *thread)
{
    uint64_t state = gs_wire_get_most(changes->records, ((uint64_t)GS_WIRE_SAMPLE_MOST + 1) << GS_WIRE_OWNER);
    thread->gil = state & 7;
    thread->run = state >> 3 & 7;
    thread->evidence = state >> 6 & 1;
    thread->torn = state >> 7 & 1;
    thread->lock = (uint8_t)(state >> 8);
    thread->at_lock = state >> GS_WIRE_AT_LOCK & 1;
    thread->handles = state >> GS_WIRE_HANDLES & 1;
    thread->owner_at = (uint32_t)(state >> GS_WIRE_OWNER);
    if (thread->gil > GS_UNKNOWN || thread->run > GS_RUN_GONE)
        changes->records->bad = true;
}

static void get_changed(struct changes *changes, enum gs_change change)
{
    if (changes->at >= changes->count) {
        changes->records->bad = true;
        return;
    }
    keep(changes, 1);
    struct gs_thread_sample *thread = &changes->to[changes->made - 1];
    if (change != GS_CHANGE_STATE)
        get_stack(changes, thread);
    if (change != GS_CHANGE_STACK)
        get_state(changes, thread);
}

static void skip_gone(struct changes *changes)
{
    if (!changes->list || changes->at >= changes->count)
        changes->records->bad = true;
    else
        changes->at++;
}

static enum gs_status get_new(struct changes *changes)
{
    struct gs_samples_in *in = changes->in;
    struct gs_thread_sample thread = {.thread = (uint32_t)gs_wire_get_most(changes->records, UINT32_MAX)};
    get_stack(changes, &thread);
    get_state(changes, &thread);
    if (!changes->list || thread.thread >= in->thread_count || in->owners[thread.thread] != changes->process ||
        changes->made >= GS_WIRE_SAMPLE_MOST) {
        changes->records->bad = true;
        return GS_OK;
    }
    /* This one, and all that may still be kept. */
    if (!gs_room((void **)&in->list, &in->list_room, changes->made + 1 + changes->count - changes->at,
                 sizeof *in->list))
        return GS_NO_MEMORY;
    changes->to = in->list;
    changes->to[changes->made++] = thread;
    return GS_OK;
}

static enum gs_status get_changes(struct changes *changes)
{
    struct gs_wire *records = changes->records;
    enum gs_status status = GS_OK;
    while (!records->bad && !status) {
        uint64_t token = gs_wire_get(records);
        if (token >> GS_CHANGE_BITS > changes->count - changes->at) {
            records->bad = true;
            break;
        }
        keep(changes, token >> GS_CHANGE_BITS);
        enum gs_change change = token & ((1 << GS_CHANGE_BITS) - 1);
        if (change == GS_CHANGE_END)
            break;
        if (change == GS_CHANGE_NEW)
            status = get_new(changes);
        else if (change == GS_CHANGE_GONE)
            skip_gone(changes);
        else if (change <= GS_CHANGE_BOTH)
            get_changed(changes, change);
        else
            records->bad = true;
    }
    if (!records->bad && !status)
        keep(changes, changes->count - changes->at);
    return status;
}

static enum gs_status change_threads(struct gs_samples_in *in, struct gs_wire *records, uint32_t number, bool list,
                                     uint32_t stack_count)
{
    struct gs_process_in *process = &in->processes[number];
    if (list && !gs_room((void **)&in->list, &in->list_room, process->count + 1, sizeof *in->list))
        return GS_NO_MEMORY;
    struct changes changes = {.in = in,
                              .records = records,
                              .from = process->threads,
                              .to = list ? in->list : process->threads,
                              .count = process->count,
                              .process = number,
                              .stack_count = stack_count,
                              .list = list};
    enum gs_status status = get_changes(&changes);
    if (status || records->bad || !list)
        return status;
    in->listed += changes.made - process->count;
    records->bad = in->listed > GS_WIRE_LISTED_MOST;
    return adopt_list(in, process, changes.made);
}

/* The numbers of stacks that its threads have mean nothing any more. */
static void forget_stacks(struct gs_samples_in *in, struct gs_process_in *process)
{
    if (process->forgotten == in->forgotten)
        return;
    process->forgotten = in->forgotten;
    for (size_t i = 0; i < process->count; i++)
        process->threads[i].stack = 0;
}

/* ---- GILs ---- */

static void get_gil(const struct gs_samples_in *in, struct gs_wire *records, uint32_t process, unsigned what,
                    struct gs_sampled_gil *gil)
{
    if (what & GS_GIL_CHANGED_SWITCHES)
        gil->switches += gs_wire_get(records);
    if (what & GS_GIL_CHANGED_LAST) {
        gil->last = (uint32_t)gs_wire_get_most(records, in->thread_count) - 1;
        if (gil->last != GS_NO_THREAD && in->owners[gil->last] != process)
            records->bad = true;
    }
    if (what & GS_GIL_CHANGED_STATE) {
        uint64_t state = gs_wire_get_most(records, 7);
        gil->state = state & 3;
        gil->counted = state >> 2;
    }
    if (what & GS_GIL_CHANGED_INTERPRETER)
        gil->interpreter = gs_wire_unzigzag(gs_wire_get(records));
}

static enum gs_status set_gil_count(struct gs_process_in *process, size_t count)
{
    if (!gs_room((void **)&process->gils, &process->gil_room, count, sizeof *process->gils))
        return GS_NO_MEMORY;
    for (size_t i = process->gil_count; i < count; i++)
        process->gils[i] = GS_WIRE_NEW_GIL;
    process->gil_count = count;
    return GS_OK;
}

static enum gs_status get_gils(const struct gs_samples_in *in, struct gs_wire *records, uint32_t number, unsigned flags)
{
    struct gs_process_in *process = &in->processes[number];
    enum gs_status status = GS_OK;
    if (flags & GS_SAMPLE_GIL_COUNT)
        status = set_gil_count(process, gs_wire_get_most(records, GS_GILS_MOST));
    if (status)
        return status;
    gs_sampled_gils_count(process->gils, process->gil_count, process->threads, process->count);
    gs_wire_expect_gils(process->gils, process->gil_count, process->threads);
    bool more = flags & GS_SAMPLE_GILS;
    for (size_t at = 0; more && !records->bad; at++) {
        uint64_t token = gs_wire_get(records);
        if (at >= process->gil_count || token >> GS_GIL_CHANGE_BITS >= process->gil_count - at) {
            records->bad = true;
            break;
        }
        at += token >> GS_GIL_CHANGE_BITS;
        get_gil(in, records, number, (unsigned)token, &process->gils[at]);
        more = token & GS_GIL_CHANGES_MORE;
    }
    return GS_OK;
}

/* Files of the first versions have no more of them than the threads tell. */
static enum gs_status infer_gils(struct gs_process_in *process)
{
    if (!gs_room((void **)&process->gils, &process->gil_room, GS_GILS_MOST, sizeof *process->gils))
        return GS_NO_MEMORY;
    process->gil_count = gs_sampled_gils_infer(process->gils, process->threads, process->count);
    return GS_OK;
}

static enum gs_status get_tasks(struct gs_samples_in *in, struct gs_wire *records, size_t thread_count,
                                uint32_t stack_count, struct gs_sample *sample)
{
    int64_t stack = 0;
    sample->tasks_ns = gs_wire_get(records);
    sample->task_count = gs_wire_get_most(records, GS_WIRE_SAMPLE_MOST);
    /* Each takes two bytes at least. */
    if (sample->task_count > (size_t)(records->end - records->at) / 2)
        records->bad = true;
    if (records->bad)
        return GS_OK;
    if (!gs_room((void **)&in->tasks, &in->tasks_room, sample->task_count + 1, sizeof *in->tasks))
        return GS_NO_MEMORY;
    for (size_t i = 0; i < sample->task_count && !records->bad; i++) {
        in->tasks[i].thread_at = (uint32_t)gs_wire_get_most(records, UINT32_MAX);
        stack = (int64_t)((uint64_t)stack + (uint64_t)gs_wire_unzigzag(gs_wire_get(records)));
        records->bad |= stack < 0 || stack > stack_count || in->tasks[i].thread_at >= thread_count;
        in->tasks[i].stack = (uint32_t)stack;
    }
    sample->tasks = in->tasks;
    return GS_OK;
}

enum gs_status gs_samples_in_get(struct gs_samples_in *in, struct gs_wire *records, unsigned flags,
                                 const struct gs_stacks *stacks, struct gs_sample *sample)
{
    uint32_t number = in->process;
    if (flags & GS_SAMPLE_PROCESS)
        number = (uint32_t)gs_wire_get_most(records, UINT32_MAX);
    if (number >= in->process_count) {
        records->bad = true;
        return GS_OK;
    }
    struct gs_process_in *process = &in->processes[number];
    uint64_t since_ns = in->slot_ns + (uint64_t)gs_wire_unzigzag(gs_wire_get(records));
    *sample = (struct gs_sample){
        .process = number, .time_ns = process->last_ns + since_ns, .weight_ns = since_ns, .stacks = stacks};
    if (flags & GS_SAMPLE_WEIGHT) {
        sample->weight_ns = gs_wire_get(records);
        sample->gap_ns = gs_wire_get(records);
    }
    forget_stacks(in, process);
    if (flags & GS_SAMPLE_CHANGES) {
        enum gs_status status = change_threads(in, records, number, flags & GS_SAMPLE_LIST, gs_stacks_count(stacks));
        if (status)
            return status;
    }
    enum gs_status status = in->version >= GS_FILE_GILS ? get_gils(in, records, number, flags) : infer_gils(process);
    if (!status && flags & GS_SAMPLE_TASKS)
        status = get_tasks(in, records, process->count, gs_stacks_count(stacks), sample);
    if (status)
        return status;
    process->last_ns = sample->time_ns;
    sample->threads = process->threads;
    sample->thread_count = process->count;
    sample->gils = process->gils;
    sample->gil_count = process->gil_count;
    in->process = number;
    return GS_OK;
}
