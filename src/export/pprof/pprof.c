/* The format pprof: the call tree with each thread and each state by itself, for go tool pprof and its relatives. */
#include <stdlib.h>
#include <string.h>

#include "base/joined.h"
#include "export/formats.h"
#include "export/pprof/pprof.h"
#include "gilspy/target.h"

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_pprof *self = (struct gs_pprof *)sink;
    self->run = *run;
    return GS_OK;
}

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_pprof *self = (struct gs_pprof *)sink;
    if (number > self->process_count)
        return GS_FAILED;
    if (number == self->process_count) {
        struct gs_pprof_process *list = realloc(self->processes, ((size_t)number + 1) * sizeof *list);
        if (!list)
            return GS_NO_MEMORY;
        self->processes = list;
        list[number] = (struct gs_pprof_process){0};
        self->process_count++;
    }
    struct gs_pprof_process *known = &self->processes[number];
    free(known->command);
    known->pid = process->pid;
    known->command = gs_words_joined(process->command);
    if (!self->exe)
        self->exe = process->exe;
    return known->command ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status add_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    return gs_calltree_add_thread(((struct gs_pprof *)sink)->tree, number, thread);
}

/* The tree's number for what threads of that class do in a process. */
static enum gs_status find_number(struct gs_pprof *self, uint32_t process, unsigned class, uint32_t *number)
{
    uint32_t *known = &self->processes[process].numbers[class];
    if (*known) {
        *number = *known - 1;
        return GS_OK;
    }
    *number = self->part_count;
    struct gs_pprof_part *parts = realloc(self->parts, ((size_t)self->part_count + 1) * sizeof *parts);
    if (!parts)
        return GS_NO_MEMORY;
    self->parts = parts;
    parts[self->part_count++] = (struct gs_pprof_part){process, (uint8_t) class};
    *known = self->part_count;
    struct gs_sampled_process part = {.pid = self->processes[process].pid};
    return gs_calltree_add_process(self->tree, *number, &part);
}

static enum gs_status add_class(struct gs_pprof *self, const struct gs_sample *sample, unsigned class)
{
    struct gs_sample part = *sample;
    bool blame = self->selection->mode == GS_MODE_BLAME;
    part.task_count = 0; /* they say of which thread they are */
    enum gs_status status = find_number(self, sample->process, class, &part.process);
    part.threads = self->list;
    part.thread_count = 0;
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *thread = &sample->threads[i];
        bool counts = gs_thread_code(thread) == class;
        if (!counts && !blame)
            continue;
        struct gs_thread_sample *one = &self->list[part.thread_count++];
        *one = *thread;
        /* When holders are to blame all must be where they were, though the others do not count. */
        if (!counts && one->gil != GS_HOLDS) {
            one->gil = GS_UNKNOWN;
            one->at_lock = false;
        }
    }
    if (part.gil_count > 0)
        memcpy(self->gils, sample->gils, part.gil_count * sizeof *self->gils);
    gs_sampled_gils_count(self->gils, part.gil_count, part.threads, part.thread_count);
    part.gils = self->gils;
    return status == GS_OK ? gs_calltree_add(self->tree, &part) : status;
}

/* Suspended tasks are all of one class. */
static enum gs_status add_tasks(struct gs_pprof *self, const struct gs_sample *sample)
{
    struct gs_sample part = *sample;
    const struct gs_thread_sample suspended = {.gil = GS_WITHOUT, .run = GS_RUN_BLOCKED};
    enum gs_status status = find_number(self, sample->process, gs_thread_code(&suspended), &part.process);
    return status == GS_OK ? gs_calltree_add(self->tree, &part) : status;
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_pprof *self = (struct gs_pprof *)sink;
    enum gs_status status = GS_OK;
    unsigned present = 0;
    if (sample->process >= self->process_count)
        return GS_FAILED;
    if (self->selection->mode == GS_MODE_AWAIT)
        return add_tasks(self, sample);
    if (sample->thread_count > self->list_room) {
        struct gs_thread_sample *list = realloc(self->list, sample->thread_count * 2 * sizeof *list);
        if (!list)
            return GS_NO_MEMORY;
        self->list = list;
        self->list_room = sample->thread_count * 2;
    }
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *thread = &sample->threads[i];
        if (thread->gil > GS_UNKNOWN) /* numbers that come from a file may be anything */
            return GS_FAILED;
        if (gs_mode_counts(self->selection->mode, thread))
            present |= 1U << gs_thread_code(thread);
    }
    for (unsigned class = 0; class < GS_PPROF_CLASSES && status == GS_OK; class ++) {
        if (present >> class & 1)
            status = add_class(self, sample, class);
    }
    return status;
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_calltree_forget(((struct gs_pprof *)sink)->tree);
    return GS_OK;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run)
{
    struct gs_pprof *self = (struct gs_pprof *)sink;
    enum gs_status status = gs_calltree_finish(self->tree);
    self->end_ns = run->end_ns;
    return status == GS_OK ? gs_pprof_write(self, run) : status;
}

void gs_pprof_close(struct gs_sink *sink)
{
    struct gs_pprof *self = (struct gs_pprof *)sink;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->process_count; i++)
        free(self->processes[i].command);
    free(self->processes);
    free(self->parts);
    free(self->list);
    gs_calltree_free(self->tree);
    free(self);
}

enum gs_status gs_pprof_open(struct gs_sink **sink, FILE *out, const struct gs_selection *selection,
                             const struct gs_pprof_options *options)
{
    const struct gs_calltree_options tree = {.most = options->most};
    struct gs_pprof *self = calloc(1, sizeof *self);
    if (!self)
        return GS_NO_MEMORY;
    self->sink = (struct gs_sink){begin, add_process, add_thread, add_sample, forget, end};
    self->options = *options;
    self->out = out;
    self->selection = selection;
    self->by_thread = *selection;
    self->by_thread.threads = true;
    self->tree = gs_calltree_new(&self->by_thread, &tree);
    *sink = &self->sink;
    if (self->tree)
        return GS_OK;
    gs_pprof_close(&self->sink);
    *sink = NULL;
    return GS_NO_MEMORY;
}

static enum gs_status open_file(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    static const struct gs_pprof_options options = {.most = GS_CALLTREE_MOST};
    return gs_pprof_open(sink, out, selection, &options);
}

const struct gs_format gs_format_pprof = {
    .name = "pprof",
    .extensions = ".pb.gz",
    .summary = "for go tool pprof, Pyroscope and Parca",
    .open = open_file,
    .close = gs_pprof_close,
};
