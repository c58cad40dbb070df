/* One moment of a process, out of a snapshot or out of a sampler's or a recording's stream: the same to whoever asks.
 */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "lib/handle.h"

/* ---- who is sampled ---- */

void gs_lib_roster_fini(struct gs_lib_roster *roster)
{
    for (size_t i = 0; i < roster->thread_count; i++)
        free((char *)roster->threads[i].name);
    free(roster->threads);
    free(roster->processes);
    *roster = (struct gs_lib_roster){0};
}

static enum gs_status take_process(struct gs_sink *base, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_lib_roster *roster = ((struct gs_lib_sink *)base)->roster;
    if (!gs_room((void **)&roster->processes, &roster->process_room, number + 1, sizeof *roster->processes))
        return GS_NO_MEMORY;
    /* Only the numbers of it are used. */
    roster->processes[number] = (struct gs_sampled_process){.pid = process->pid, .ns_pid = process->ns_pid};
    roster->process_count = roster->process_count > number ? roster->process_count : number + 1;
    return GS_OK;
}

static enum gs_status take_thread(struct gs_sink *base, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_lib_roster *roster = ((struct gs_lib_sink *)base)->roster;
    char *name = strdup(thread->name ? thread->name : "");
    if (!name || !gs_room((void **)&roster->threads, &roster->thread_room, number + 1, sizeof *roster->threads)) {
        free(name);
        return GS_NO_MEMORY;
    }
    if (number < roster->thread_count)
        free((char *)roster->threads[number].name);
    for (; roster->thread_count <= number; roster->thread_count++)
        roster->threads[roster->thread_count] = (struct gs_sampled_thread){.name = NULL};
    roster->threads[number] = *thread;
    roster->threads[number].name = name;
    return GS_OK;
}

static enum gs_status take_sample(struct gs_sink *base, const struct gs_sample *taken)
{
    struct gs_lib_sink *sink = (struct gs_lib_sink *)base;
    struct gilspy_sample *sample = sink->sample;
    sample->sample = taken;
    sample->roster = sink->roster;
    sample->thread = SIZE_MAX;
    sink->stopped = sink->callback && sink->callback(sink->context, sample) != 0;
    sample->sample = NULL;
    return sink->stopped ? GS_FAILED : GS_OK;
}

static enum gs_status take_end(struct gs_sink *base, const struct gs_run_end *end)
{
    ((struct gs_lib_sink *)base)->complete = end->complete;
    return GS_OK;
}

void gs_lib_sink_init(struct gs_lib_sink *sink, struct gs_lib_roster *roster, struct gilspy_sample *sample,
                      gilspy_callback callback, void *context)
{
    *sink = (struct gs_lib_sink){
        .base = {.process = take_process, .thread = take_thread, .sample = take_sample, .end = take_end},
        .roster = roster,
        .sample = sample,
        .callback = callback,
        .context = context};
}

/* ---- one moment ---- */

void gs_lib_sample_fini(struct gilspy_sample *sample)
{
    gs_merge_free(sample->merge);
    free(sample->stack);
    *sample = (struct gilspy_sample){0};
}

uint64_t gilspy_sample_time(const gilspy_sample *sample)
{
    return sample->sample ? sample->sample->time_ns : sample->attach->snapshot->time_ns;
}

uint64_t gilspy_sample_weight(const gilspy_sample *sample)
{
    return sample->sample ? sample->sample->weight_ns : 0;
}

pid_t gilspy_sample_pid(const gilspy_sample *sample)
{
    if (!sample->sample)
        return sample->attach->target->pid;
    uint32_t process = sample->sample->process;
    return process < sample->roster->process_count ? sample->roster->processes[process].pid : 0;
}

size_t gilspy_sample_threads(const gilspy_sample *sample)
{
    return sample->sample ? sample->sample->thread_count : sample->thread_count;
}

size_t gilspy_sample_gils(const gilspy_sample *sample)
{
    return sample->sample ? sample->sample->gil_count : sample->attach->snapshot->gil_count;
}

static void fill_of_snapshot(const gilspy_sample *sample, size_t index, struct gilspy_thread *filled)
{
    const struct gs_thread *thread = &sample->threads[index];
    const struct gs_snapshot *snapshot = sample->attach->snapshot;
    struct gs_lookup lookup = gs_attach_lookup(sample->attach);
    filled->tid = thread->tid;
    filled->ident = thread->ident;
    filled->name = lookup.name(lookup.context, thread, ((gilspy_sample *)sample)->spare);
    filled->main = thread->main;
    filled->gil = (enum gilspy_word)thread->gil;
    filled->inferred = thread->evidence == GS_INFERRED;
    filled->running = thread->activity.run == GS_RUN_RUNNING;
    filled->torn = thread->torn;
    uint32_t gil = thread->interpreter < snapshot->interpreter_count ? snapshot->interpreters[thread->interpreter].gil
                                                                     : GS_GIL_LEFT_OUT;
    filled->gil_index = gil < snapshot->gil_count ? gil : SIZE_MAX;
    filled->frame_count = thread->frame_count;
}

static void fill_of_stream(const gilspy_sample *sample, size_t index, struct gilspy_thread *filled)
{
    const struct gs_thread_sample *thread = &sample->sample->threads[index];
    static const struct gs_sampled_thread nobody = {.name = ""};
    const struct gs_sampled_thread *known =
        thread->thread < sample->roster->thread_count ? &sample->roster->threads[thread->thread] : &nobody;
    filled->tid = known->tid;
    filled->ident = known->ident;
    filled->name = known->name ? known->name : "";
    filled->main = known->main;
    filled->gil = (enum gilspy_word)thread->gil;
    filled->inferred = thread->evidence == GS_INFERRED;
    filled->running = thread->run == GS_RUN_RUNNING;
    filled->torn = thread->torn;
    filled->gil_index = thread->lock < sample->sample->gil_count ? thread->lock : SIZE_MAX;
    filled->frame_count = thread->stack ? gs_stacks_at(sample->sample->stacks, thread->stack).depth : 0;
}

enum gilspy_status gilspy_sample_thread(const gilspy_sample *sample, size_t index, struct gilspy_thread *thread)
{
    struct gilspy_thread filled = {.struct_size = sizeof filled};
    if (index >= gilspy_sample_threads(sample))
        return GILSPY_USAGE;
    if (sample->sample)
        fill_of_stream(sample, index, &filled);
    else
        fill_of_snapshot(sample, index, &filled);
    gs_lib_give(thread, &filled, sizeof filled);
    return GILSPY_OK;
}

/* ---- frames ---- */

static bool frame_of_snapshot(const gilspy_sample *sample, size_t thread, size_t index, struct gilspy_frame *filled)
{
    const struct gs_thread *whose = &sample->threads[thread];
    struct gs_lookup lookup = gs_attach_lookup(sample->attach);
    struct gs_frame_info info = {0};
    if (index >= whose->frame_count)
        return false;
    const struct gs_frame *frame = &whose->frames[index];
    filled->kind = (enum gilspy_frame_kind)frame->kind;
    if (frame->kind == GS_FRAME_GAP) {
        filled->function = gs_gap_text(frame->gap);
    } else if (frame->kind == GS_FRAME_GC) {
        filled->function = GS_GC_FRAME;
    } else if (lookup.frame(lookup.context, frame, &info)) {
        filled->function = info.function;
        filled->qualname = info.qualname;
        filled->file = info.file ? info.file : "";
        filled->module = info.module;
        filled->line = info.line;
    }
    return true;
}

/* A stack is kept from its innermost frame outwards: the numbers of its places are listed once for each thread. */
static bool list_places(gilspy_sample *sample, size_t thread)
{
    const struct gs_stacks *stacks = sample->sample->stacks;
    uint32_t stack = sample->sample->threads[thread].stack;
    if (sample->thread == thread)
        return true;
    sample->depth = 0;
    for (; stack; stack = gs_stacks_at(stacks, stack).caller) {
        if (!gs_room((void **)&sample->stack, &sample->room, sample->depth + 1, sizeof *sample->stack))
            return false;
        sample->stack[sample->depth++] = gs_stacks_at(stacks, stack).place;
    }
    sample->thread = thread;
    return true;
}

static bool frame_of_stream(const gilspy_sample *sample, size_t thread, size_t index, struct gilspy_frame *filled)
{
    if (!list_places((gilspy_sample *)sample, thread) || index >= sample->depth)
        return false;
    const struct gs_place *place = gs_stacks_place_at(sample->sample->stacks, sample->stack[index]);
    filled->kind = (enum gilspy_frame_kind)place->kind;
    filled->function = place->function;
    filled->qualname = place->qualname;
    filled->file = place->file;
    filled->module = place->module;
    filled->line = place->line;
    return true;
}

enum gilspy_status gilspy_sample_frame(const gilspy_sample *sample, size_t thread, size_t index,
                                       struct gilspy_frame *frame)
{
    struct gilspy_frame filled = {.struct_size = sizeof filled, .function = "<unreadable>", .file = ""};
    bool found =
        thread < gilspy_sample_threads(sample) && (sample->sample ? frame_of_stream(sample, thread, index, &filled)
                                                                  : frame_of_snapshot(sample, thread, index, &filled));
    if (!found)
        return GILSPY_USAGE;
    gs_lib_give(frame, &filled, sizeof filled);
    return GILSPY_OK;
}

/* ---- GILs ---- */

static void gil_of_snapshot(const gilspy_sample *sample, size_t index, struct gilspy_gil *filled)
{
    const struct gs_snapshot *snapshot = sample->attach->snapshot;
    const struct gs_gil *gil = &snapshot->gils[index];
    for (size_t i = snapshot->interpreter_count; i-- > 0;) {
        if (snapshot->interpreters[i].gil == index)
            filled->interpreter = snapshot->interpreters[i].id;
    }
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread *thread = &sample->threads[i];
        filled->waiters += thread->gil == GS_WAITS && thread->interpreter < snapshot->interpreter_count &&
                           snapshot->interpreters[thread->interpreter].gil == index;
    }
    filled->state = (enum gilspy_gil_state)gil->state;
    filled->holder = gil->holder;
    filled->counted = gil->has_switches;
    filled->switches = gil->switches;
}

static void gil_of_stream(const gilspy_sample *sample, size_t index, struct gilspy_gil *filled)
{
    const struct gs_sampled_gil *gil = &sample->sample->gils[index];
    const struct gs_thread_sample *holder = gs_sample_holder(sample->sample, index);
    filled->interpreter = gil->interpreter;
    filled->state = (enum gilspy_gil_state)gil->state;
    filled->holder =
        holder && holder->thread < sample->roster->thread_count ? sample->roster->threads[holder->thread].tid : 0;
    filled->waiters = gil->waiters;
    filled->counted = gil->counted;
    filled->switches = gil->switches;
}

enum gilspy_status gilspy_sample_gil(const gilspy_sample *sample, size_t index, struct gilspy_gil *gil)
{
    struct gilspy_gil filled = {.struct_size = sizeof filled};
    if (index >= gilspy_sample_gils(sample))
        return GILSPY_USAGE;
    if (sample->sample)
        gil_of_stream(sample, index, &filled);
    else
        gil_of_snapshot(sample, index, &filled);
    gs_lib_give(gil, &filled, sizeof filled);
    return GILSPY_OK;
}
