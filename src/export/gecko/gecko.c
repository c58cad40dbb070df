/* The format gecko: a track for each thread in the Firefox Profiler, in categories by what it has to do with the GIL.
 */
#include <stdlib.h>

#include "base/least.h"
#include "base/patterns.h"
#include "base/room.h"
#include "export/formats.h"
#include "export/gecko/gecko.h"

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    ((struct gs_gecko *)sink)->run = *run;
    return GS_OK;
}

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_gecko *self = (struct gs_gecko *)sink;
    if (number > self->process_count)
        return GS_FAILED;
    if (!gs_room((void **)&self->processes, &self->process_room, (size_t)number + 1, sizeof *self->processes))
        return GS_NO_MEMORY;
    if (number == self->process_count)
        self->processes[self->process_count++] = (struct gs_gecko_process){0};
    return gs_calltree_add_process(self->tree, number, process);
}

static enum gs_status add_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_gecko *self = (struct gs_gecko *)sink;
    const struct gs_selection *selection = self->selection;
    if (number > self->thread_count || thread->process >= self->process_count)
        return GS_FAILED;
    if (!gs_room((void **)&self->threads, &self->thread_room, (size_t)number + 1, sizeof *self->threads))
        return GS_NO_MEMORY;
    if (number == self->thread_count)
        self->threads[self->thread_count++] = (struct gs_gecko_thread){0};
    struct gs_gecko_thread *known = &self->threads[number];
    known->process = thread->process;
    known->tid = thread->tid;
    known->name = thread->name;
    known->main = thread->main;
    known->chosen = gs_patterns_fit(selection->patterns, selection->pattern_count, thread->tid, thread->name);
    return gs_calltree_add_thread(self->tree, number, thread);
}

static enum gs_status add_span(struct gs_gecko *self, const struct gs_thread_sample *now, uint32_t node,
                               uint64_t begin_ns, uint64_t end_ns)
{
    struct gs_gecko_thread *thread = &self->threads[now->thread];
    uint32_t code = gs_thread_code(now);
    begin_ns = begin_ns > self->run.begin_ns ? begin_ns - self->run.begin_ns : 0;
    end_ns = end_ns > self->run.begin_ns ? end_ns - self->run.begin_ns : 0;
    begin_ns = gs_most(begin_ns, gs_spill_end(self->spill, now->thread));
    if (node == 0 || end_ns <= begin_ns)
        return GS_OK;
    if (thread->last_ns == 0)
        thread->first_ns = begin_ns;
    thread->last_ns = end_ns;
    return gs_spill_add(self->spill, &(struct gs_span){now->thread, node << GS_GECKO_SHIFT | code, begin_ns, end_ns});
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_gecko *self = (struct gs_gecko *)sink;
    const uint32_t *nodes, *late;
    uint64_t begin_ns = sample->time_ns - sample->weight_ns;
    enum gs_status status = gs_calltree_find(self->tree, sample, &nodes, &late);
    if (sample->process >= self->process_count)
        return GS_FAILED;
    for (size_t i = 0; i < sample->thread_count; i++) {
        if (sample->threads[i].thread >= self->thread_count || sample->threads[i].gil > GS_UNKNOWN)
            return GS_FAILED;
    }
    if (status == GS_OK)
        status = gs_gecko_follow(self, sample, nodes);
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++) {
        status = add_span(self, &sample->threads[i], late[i], begin_ns - sample->gap_ns, begin_ns);
        if (status == GS_OK)
            status = add_span(self, &sample->threads[i], nodes[i], begin_ns, sample->time_ns);
    }
    return status;
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_calltree_forget(((struct gs_gecko *)sink)->tree);
    return GS_OK;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run)
{
    struct gs_gecko *self = (struct gs_gecko *)sink;
    enum gs_status status = gs_gecko_end_marks(self);
    if (status == GS_OK)
        status = gs_spill_sort(self->spill);
    if (status == GS_OK)
        status = gs_calltree_finish(self->tree);
    return status == GS_OK ? gs_gecko_write(self, run) : status;
}

static void close_gecko(struct gs_sink *sink)
{
    struct gs_gecko *self = (struct gs_gecko *)sink;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->process_count; i++)
        free(self->processes[i].gils);
    free(self->processes);
    free(self->threads);
    free(self->marks);
    gs_calltree_free(self->tree);
    gs_spill_free(self->spill);
    free(self);
}

static enum gs_status open_gecko(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    static const struct gs_calltree_options options = {.most = GS_CALLTREE_MOST, .fixed = true};
    struct gs_gecko *self = calloc(1, sizeof *self);
    if (!self)
        return GS_NO_MEMORY;
    self->sink = (struct gs_sink){begin, add_process, add_thread, add_sample, forget, end};
    self->out = out;
    self->selection = selection;
    self->long_ns = GS_GECKO_LONG_MS * UINT64_C(1000000);
    self->tree = gs_calltree_new(selection, &options);
    self->spill = gs_spill_new(GS_SPILL_SPANS);
    *sink = &self->sink;
    if (self->tree && self->spill)
        return GS_OK;
    close_gecko(&self->sink);
    *sink = NULL;
    return GS_NO_MEMORY;
}

const struct gs_format gs_format_gecko = {
    .name = "gecko",
    .other_name = "firefox",
    .extensions = ".gecko.json",
    .summary = "for the Firefox Profiler: a track for each thread, its long waits marked",
    .how = "Open it in https://profiler.firefox.com",
    .open = open_gecko,
    .close = close_gecko,
};
