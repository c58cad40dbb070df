/* Knowing processes and threads again: a process by what it is and when it started, when it was not seen later than
 * this recording begins, or, in the same recording, went on; a thread by its ids in that process. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "recording/join_sink.h"
#include "recording/kept.h"
#include "recording/quality.h"
#include "recording/wire.h"
#include "stack/strings.h"

enum {
    SLOTS_FIRST = 256,
    PIDS = 1 << 12, /* of a table */
    ALIKE_MOST = 64 /* so many of the same ids are looked at: a file may have any number */
};

/* `file`: the number of the recording that has it, from 1 on. */
struct process {
    struct gs_sampled_process about;
    uint64_t last_ns; /* of its last sample */
    uint32_t file;
    uint32_t before; /* the one that had its place in the table, from 1 on; 0: none did */
};

struct thread {
    uint32_t process;
    pid_t tid;
    uint64_t ident;
    uint32_t file, own; /* own: the number that its process has in that recording */
    uint32_t before;    /* as of a process */
};

/* From the recording's own numbers. */
struct numbers {
    uint32_t *of;
    size_t count, room;
};

struct gs_join_sink {
    struct gs_sink sink, *to;
    bool alone;
    uint32_t file;
    uint64_t begin_ns, end_ns;
    int64_t shift_ns;
    struct gs_run_end sum;
    struct process *processes;
    size_t process_count, process_room;
    uint32_t pids[PIDS]; /* the last process with such a pid, from 1 on */
    struct thread *threads;
    size_t thread_count, thread_room;
    uint32_t *slots; /* the last thread with a hash, from 1 on */
    size_t slot_count;
    struct numbers process_of, thread_of;
    struct gs_strings *names; /* of threads: they hold until the end */
    struct gs_kept_sample kept;
};

static bool put_number(struct numbers *numbers, uint32_t own, uint32_t number)
{
    if (!gs_room((void **)&numbers->of, &numbers->room, (size_t)own + 1, sizeof *numbers->of))
        return false;
    numbers->of[own] = number;
    if (own >= numbers->count)
        numbers->count = (size_t)own + 1;
    return true;
}

static enum gs_status begin_one(struct gs_sink *sink, const struct gs_run_info *run)
{
    const struct gs_join_sink *join = (struct gs_join_sink *)sink;
    return join->alone && join->to->begin ? join->to->begin(join->to, run) : GS_OK;
}

/* It was lost from sight in this recording and found again: its main thread ended before the others, for one. Where it
 * is not known when they started, it may be another one that got its pid. */
static bool goes_on(const struct gs_join_sink *join, const struct process *known,
                    const struct gs_sampled_process *about)
{
    return known->file == join->file && known->about.start_ticks && known->about.start_ticks == about->start_ticks;
}

/* The process that goes on in this recording, the latest of several; process_count: none does. */
static size_t find_process(const struct gs_join_sink *join, const struct gs_sampled_process *about)
{
    uint32_t at = join->pids[(uint32_t)about->pid % PIDS];
    for (int i = 0; at && i < ALIKE_MOST; i++, at = join->processes[at - 1].before) {
        const struct process *known = &join->processes[at - 1];
        bool earlier = known->file != join->file && known->last_ns <= join->begin_ns;
        if ((earlier || goes_on(join, known, about)) && gs_kept_same(&known->about, about))
            return at - 1;
    }
    return join->process_count;
}

static enum gs_status join_process(struct gs_sink *sink, uint32_t own, const struct gs_sampled_process *about)
{
    struct gs_join_sink *join = (struct gs_join_sink *)sink;
    size_t number = find_process(join, about);
    if (number >= GS_WIRE_PROCESSES_MOST)
        return GS_FAILED;
    if (!put_number(&join->process_of, own, (uint32_t)number))
        return GS_NO_MEMORY;
    if (number < join->process_count) {
        join->processes[number].file = join->file;
        return GS_OK;
    }
    if (!gs_room((void **)&join->processes, &join->process_room, number + 1, sizeof *join->processes))
        return GS_NO_MEMORY;
    struct process *process = &join->processes[join->process_count++];
    uint32_t *pid = &join->pids[(uint32_t)about->pid % PIDS];
    *process = (struct process){.file = join->file, .before = *pid};
    *pid = (uint32_t)join->process_count;
    enum gs_status status = gs_kept_process(&process->about, about);
    if (status || !join->to->process)
        return status;
    return join->to->process(join->to, (uint32_t)number, &process->about);
}

static size_t slot_of(const struct gs_join_sink *join, uint32_t process, pid_t tid, uint64_t ident)
{
    uint64_t hash = ((uint64_t)process << 32 | (uint32_t)tid) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 29 ^ ident) * UINT64_C(0xbf58476d1ce4e5b9);
    return (size_t)(hash >> 32) & (join->slot_count - 1);
}

static void chain(struct gs_join_sink *join, uint32_t number)
{
    struct thread *thread = &join->threads[number];
    uint32_t *slot = &join->slots[slot_of(join, thread->process, thread->tid, thread->ident)];
    thread->before = *slot;
    *slot = number + 1;
}

static bool add_thread(struct gs_join_sink *join, const struct thread *thread)
{
    if (!gs_room((void **)&join->threads, &join->thread_room, join->thread_count + 1, sizeof *join->threads))
        return false;
    if (join->thread_count == join->slot_count) {
        size_t count = join->slot_count ? join->slot_count * 2 : SLOTS_FIRST;
        uint32_t *slots = calloc(count, sizeof *slots);
        if (!slots)
            return false;
        free(join->slots);
        join->slots = slots;
        join->slot_count = count;
        for (uint32_t i = 0; i < join->thread_count; i++)
            chain(join, i);
    }
    join->threads[join->thread_count] = *thread;
    chain(join, (uint32_t)join->thread_count++);
    return true;
}

/* The latest thread with these ids that its process does not have under another number in this recording;
 * thread_count: none. */
static size_t find_thread(const struct gs_join_sink *join, const struct thread *wanted)
{
    uint32_t at = join->slot_count ? join->slots[slot_of(join, wanted->process, wanted->tid, wanted->ident)] : 0;
    for (int i = 0; at && i < ALIKE_MOST; i++, at = join->threads[at - 1].before) {
        const struct thread *known = &join->threads[at - 1];
        if (known->process == wanted->process && known->tid == wanted->tid && known->ident == wanted->ident &&
            (known->file != wanted->file || known->own != wanted->own))
            return at - 1;
    }
    return join->thread_count;
}

static enum gs_status join_thread(struct gs_sink *sink, uint32_t own, const struct gs_sampled_thread *about)
{
    struct gs_join_sink *join = (struct gs_join_sink *)sink;
    struct gs_sampled_thread told = *about;
    if (about->process >= join->process_of.count)
        return GS_FAILED;
    told.process = join->process_of.of[about->process];
    told.name = gs_strings_keep(join->names, about->name);
    struct thread thread = {
        .process = told.process, .tid = about->tid, .ident = about->ident, .file = join->file, .own = about->process};
    bool renamed = own < join->thread_of.count;
    size_t number = renamed ? join->thread_of.of[own] : find_thread(join, &thread);
    if (number >= GS_WIRE_THREADS_MOST)
        return GS_FAILED;
    if (!told.name || (!renamed && !put_number(&join->thread_of, own, (uint32_t)number)) ||
        (number == join->thread_count && !add_thread(join, &thread)))
        return GS_NO_MEMORY;
    join->threads[number].file = join->file;
    join->threads[number].own = about->process;
    return join->to->thread ? join->to->thread(join->to, (uint32_t)number, &told) : GS_OK;
}

static enum gs_status join_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_join_sink *join = (struct gs_join_sink *)sink;
    enum gs_status status = gs_kept_sample(&join->kept, sample);
    if (status)
        return status;
    if (sample->process >= join->process_of.count)
        return GS_FAILED;
    for (size_t i = 0; i < sample->thread_count; i++) {
        if (sample->threads[i].thread >= join->thread_of.count)
            return GS_FAILED;
        join->kept.threads[i].thread = join->thread_of.of[sample->threads[i].thread];
    }
    for (size_t i = 0; i < sample->gil_count; i++) {
        uint32_t last = sample->gils[i].last;
        join->kept.gils[i].last = last < join->thread_of.count ? join->thread_of.of[last] : GS_NO_THREAD;
    }
    join->kept.sample.process = join->process_of.of[sample->process];
    join->kept.sample.time_ns += (uint64_t)join->shift_ns;
    join->processes[join->kept.sample.process].last_ns = join->kept.sample.time_ns;
    return join->to->sample ? join->to->sample(join->to, &join->kept.sample) : GS_OK;
}

static enum gs_status join_forget(struct gs_sink *sink)
{
    struct gs_join_sink *join = (struct gs_join_sink *)sink;
    return join->to->forget ? join->to->forget(join->to) : GS_OK;
}

/* The stacks of this recording are no more when it returns. */
static enum gs_status end_one(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_join_sink *join = (struct gs_join_sink *)sink;
    if (join->alone)
        return join->to->end(join->to, end);
    join->end_ns = end->end_ns + (uint64_t)join->shift_ns;
    if (join->end_ns > join->sum.end_ns)
        join->sum.end_ns = join->end_ns;
    join->sum.samples += end->samples;
    join->sum.thread_samples += end->thread_samples;
    join->sum.complete = join->sum.complete && end->complete;
    gs_quality_add(&join->sum.quality, &end->quality);
    return join_forget(sink);
}

struct gs_join_sink *gs_join_sink_new(struct gs_sink *to)
{
    struct gs_join_sink *join = calloc(1, sizeof *join);
    if (!join)
        return NULL;
    join->sink = (struct gs_sink){begin_one, join_process, join_thread, join_sample, join_forget, end_one};
    join->to = to;
    join->sum.complete = true;
    join->names = gs_strings_new();
    if (join->names)
        return join;
    gs_join_sink_free(join);
    return NULL;
}

void gs_join_sink_free(struct gs_join_sink *join)
{
    if (!join)
        return;
    for (size_t i = 0; i < join->process_count; i++)
        gs_kept_process_fini(&join->processes[i].about);
    free(join->processes);
    free(join->threads);
    free(join->slots);
    free(join->process_of.of);
    free(join->thread_of.of);
    gs_strings_free(join->names);
    gs_kept_sample_fini(&join->kept);
    free(join);
}

void gs_join_sink_alone(struct gs_join_sink *join)
{
    join->alone = true;
    gs_join_sink_next(join, 0, 0);
}

void gs_join_sink_next(struct gs_join_sink *join, uint64_t begin_ns, int64_t shift_ns)
{
    join->file++;
    join->begin_ns = begin_ns;
    join->shift_ns = shift_ns;
    join->process_of.count = join->thread_of.count = 0;
}

struct gs_sink *gs_join_sink(struct gs_join_sink *join)
{
    return &join->sink;
}

uint64_t gs_join_sink_end_ns(const struct gs_join_sink *join)
{
    return join->end_ns;
}

enum gs_status gs_join_sink_finish(struct gs_join_sink *join, uint64_t begin_ns)
{
    struct gs_run_end end = join->sum;
    end.begin_ns = begin_ns;
    if (end.end_ns < begin_ns)
        end.end_ns = begin_ns;
    return join->to->end(join->to, &end);
}
