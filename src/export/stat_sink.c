/* The figures of stat, out of a recording. */
#include <stdlib.h>

#include "export/formats.h"
#include "export/stat_many.h"

enum { LONG_US = 20000 /* from which length on stat lists a hold unless told */ };

struct stat_sink {
    struct gs_sink sink; /* first */
    FILE *out;
    const struct gs_selection *selection;
    struct gs_stat_many many;
    const struct gs_run_end *end;
};

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    ((struct stat_sink *)sink)->many.options.rate_hz = run->rate_hz;
    return GS_OK;
}

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    return gs_stat_many_process(&((struct stat_sink *)sink)->many, number, process);
}

static enum gs_status add_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    return gs_stat_many_thread(&((struct stat_sink *)sink)->many, number, thread);
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    return gs_stat_many_sample(&((struct stat_sink *)sink)->many, sample);
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_stat_many_forget(&((struct stat_sink *)sink)->many);
    return GS_OK;
}

/* Its own samples are those of the process; the rest is known of the whole run only. */
static void complete(void *context, struct gs_gilstat *stat)
{
    const struct stat_sink *self = context;
    uint64_t samples = stat->quality.samples;
    stat->quality = self->end->quality;
    stat->quality.samples = samples;
    if (stat->seconds > 0)
        stat->overhead = gs_figure((double)stat->quality.stopped_us / 1e6 / stat->seconds);
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run_end)
{
    struct stat_sink *self = (struct stat_sink *)sink;
    struct gs_console console;
    struct gs_stat_show show = {.console = &console,
                                .json = self->selection->json,
                                .patterns = self->selection->patterns,
                                .pattern_count = self->selection->pattern_count,
                                .complete = complete,
                                .context = self};
    gs_console_init(&console, self->out, GS_COLOR_AUTO);
    self->end = run_end;
    return gs_stat_many_show(&self->many, &show);
}

static void close_stat(struct gs_sink *sink)
{
    if (!sink)
        return;
    gs_stat_many_fini(&((struct stat_sink *)sink)->many);
    free(sink);
}

static enum gs_status open_stat(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    struct stat_sink *self = calloc(1, sizeof *self);
    *sink = NULL;
    if (!self)
        return GS_NO_MEMORY;
    self->sink = (struct gs_sink){begin, add_process, add_thread, add_sample, forget, end};
    self->out = out;
    self->selection = selection;
    self->many.options.long_us = LONG_US;
    *sink = &self->sink;
    return GS_OK;
}

const struct gs_format gs_format_stat = {
    "stat", NULL, "", "the figures of gilspy stat, as text or with --json", open_stat, close_stat, NULL};
