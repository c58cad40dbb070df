/* The format speedscope: each thread's stacks in the order of time. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "export/formats.h"
#include "export/flame/speedscope.h"

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_speedscope *self = (struct gs_speedscope *)sink;
    self->begin_ns = run->begin_ns;
    self->gilspy = strdup(run->gilspy ? run->gilspy : "");
    return self->gilspy ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    return gs_calltree_add_process(((struct gs_speedscope *)sink)->tree, number, process);
}

static enum gs_status add_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_speedscope *self = (struct gs_speedscope *)sink;
    if (number > self->thread_count)
        return GS_FAILED;
    if (!gs_room((void **)&self->threads, &self->thread_room, number + 1, sizeof *self->threads))
        return GS_NO_MEMORY;
    if (number == self->thread_count)
        self->threads[self->thread_count++] = (struct gs_scope_thread){0};
    struct gs_scope_thread *known = &self->threads[number];
    free(known->name);
    known->process = thread->process;
    known->tid = thread->tid;
    known->name = strdup(thread->name);
    return known->name ? gs_calltree_add_thread(self->tree, number, thread) : GS_NO_MEMORY;
}

/* Makes the thread's last span longer, or begins another. */
static enum gs_status add_span(struct gs_speedscope *self, uint32_t number, uint32_t node, uint64_t begin_ns,
                               uint64_t end_ns)
{
    struct gs_scope_thread *thread = &self->threads[number];
    struct gs_span *span = &thread->span;
    enum gs_status status = GS_OK;
    begin_ns = begin_ns > self->begin_ns ? begin_ns - self->begin_ns : 0;
    end_ns = end_ns > self->begin_ns ? end_ns - self->begin_ns : 0;
    if (begin_ns < span->end_ns)
        begin_ns = span->end_ns;
    if (node == 0 || end_ns <= begin_ns)
        return GS_OK;
    thread->busy_ns += end_ns - begin_ns;
    if (span->node == node && span->end_ns == begin_ns) {
        span->end_ns = end_ns;
        return GS_OK;
    }
    if (span->node)
        status = gs_spill_add(self->spill, span);
    *span = (struct gs_span){number, node, begin_ns, end_ns};
    return status;
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_speedscope *self = (struct gs_speedscope *)sink;
    const uint32_t *nodes, *late;
    enum gs_status status = gs_calltree_find(self->tree, sample, &nodes, &late);
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++) {
        uint32_t number = sample->threads[i].thread;
        uint64_t begin_ns = sample->time_ns - sample->weight_ns;
        if (number >= self->thread_count)
            return GS_FAILED;
        status = add_span(self, number, late[i], begin_ns - sample->gap_ns, begin_ns);
        if (status == GS_OK)
            status = add_span(self, number, nodes[i], begin_ns, sample->time_ns);
    }
    return status;
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_calltree_forget(((struct gs_speedscope *)sink)->tree);
    return GS_OK;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run)
{
    struct gs_speedscope *self = (struct gs_speedscope *)sink;
    enum gs_status status = GS_OK;
    for (uint32_t i = 0; i < self->thread_count && status == GS_OK; i++) {
        if (self->threads[i].span.node)
            status = gs_spill_add(self->spill, &self->threads[i].span);
    }
    if (status == GS_OK)
        status = gs_spill_sort(self->spill);
    if (status == GS_OK)
        status = gs_calltree_finish(self->tree);
    return status == GS_OK ? gs_speedscope_write(self, run) : status;
}

static void close_speedscope(struct gs_sink *sink)
{
    struct gs_speedscope *self = (struct gs_speedscope *)sink;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->thread_count; i++)
        free(self->threads[i].name);
    free(self->threads);
    gs_calltree_free(self->tree);
    gs_spill_free(self->spill);
    free(self->gilspy);
    free(self);
}

static enum gs_status open_speedscope(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    static const struct gs_calltree_options options = {.most = GS_CALLTREE_MOST, .fixed = true};
    struct gs_speedscope *self = calloc(1, sizeof *self);
    if (!self)
        return GS_NO_MEMORY;
    self->sink = (struct gs_sink){begin, add_process, add_thread, add_sample, forget, end};
    self->out = out;
    self->selection = selection;
    self->tree = gs_calltree_new(selection, &options);
    self->spill = gs_spill_new(GS_SPILL_SPANS);
    *sink = &self->sink;
    if (self->tree && self->spill)
        return GS_OK;
    close_speedscope(&self->sink);
    *sink = NULL;
    return GS_NO_MEMORY;
}

const struct gs_format gs_format_speedscope = {
    "speedscope",     NULL, ".speedscope.json", "for speedscope: each thread's stacks over time", open_speedscope,
    close_speedscope, NULL};
