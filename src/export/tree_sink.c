/* From samples to a call tree, and from there to the drawing. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "export/tree_sink.h"

struct tree_sink {
    struct gs_sink sink;
    FILE *out;
    const struct gs_selection *selection;
    struct gs_calltree *tree;
    struct gs_run_info run;
    char *gilspy, *host;
    gs_draw_fn draw;
    uint64_t *late_ns; /* by process */
    size_t process_count, process_room;
    struct gs_run_end end; /* when it came, */
    struct gs_tree_drawing drawing;
};

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct tree_sink *self = (struct tree_sink *)sink;
    self->run = *run;
    self->run.gilspy = self->gilspy = strdup(run->gilspy ? run->gilspy : "");
    self->run.host = self->host = strdup(run->host ? run->host : "");
    return self->gilspy && self->host ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct tree_sink *self = (struct tree_sink *)sink;
    if (!gs_room((void **)&self->late_ns, &self->process_room, (size_t)number + 1, sizeof *self->late_ns))
        return GS_NO_MEMORY;
    while (self->process_count <= number)
        self->late_ns[self->process_count++] = 0;
    return gs_calltree_add_process(self->tree, number, process);
}

static enum gs_status thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    return gs_calltree_add_thread(((struct tree_sink *)sink)->tree, number, thread);
}

static enum gs_status sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct tree_sink *self = (struct tree_sink *)sink;
    enum gs_status status = gs_calltree_add(self->tree, sample);
    if (status == GS_OK)
        self->late_ns[sample->process] += sample->gap_ns;
    return status;
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_calltree_forget(((struct tree_sink *)sink)->tree);
    return GS_OK;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run_end)
{
    struct tree_sink *self = (struct tree_sink *)sink;
    enum gs_status status = gs_calltree_finish(self->tree);
    self->end = *run_end;
    self->drawing = (struct gs_tree_drawing){self->out, self->selection, self->tree, &self->run, &self->end, 0};
    for (size_t i = 0; i < self->process_count; i++)
        self->drawing.late_ns = self->late_ns[i] > self->drawing.late_ns ? self->late_ns[i] : self->drawing.late_ns;
    return status == GS_OK && self->draw ? self->draw(&self->drawing) : status;
}

enum gs_status gs_tree_sink_open(struct gs_sink **sink, FILE *out, const struct gs_selection *selection,
                                 const struct gs_calltree_options *options, gs_draw_fn draw)
{
    struct tree_sink *self = calloc(1, sizeof *self);
    if (!self)
        return GS_NO_MEMORY;
    self->sink = (struct gs_sink){begin, process, thread, sample, forget, end};
    self->out = out;
    self->selection = selection;
    self->draw = draw;
    self->tree = gs_calltree_new(selection, options);
    *sink = &self->sink;
    if (self->tree)
        return GS_OK;
    gs_tree_sink_close(&self->sink);
    *sink = NULL;
    return GS_NO_MEMORY;
}

void gs_tree_sink_close(struct gs_sink *sink)
{
    struct tree_sink *self = (struct tree_sink *)sink;
    if (!self)
        return;
    gs_calltree_free(self->tree);
    free(self->late_ns);
    free(self->gilspy);
    free(self->host);
    free(self);
}

const struct gs_tree_drawing *gs_tree_sink_drawing(const struct gs_sink *sink)
{
    return &((const struct tree_sink *)sink)->drawing;
}
