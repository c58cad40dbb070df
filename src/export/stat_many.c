/* Several processes' figures: a gs_sample_feed for each; and the format stat, which is these of a recording. */
#include <stdlib.h>

#include "base/room.h"
#include "export/formats.h"
#include "export/stat.h"
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
    .name = "stat",
    .extensions = "",
    .summary = "the figures of gilspy stat, as text or with --json",
    .open = open_stat,
    .close = close_stat,
};

void gs_stat_many_fini(struct gs_stat_many *many)
{
    for (size_t i = 0; i < many->count; i++)
        gs_sample_feed_free(many->polls[i]);
    free(many->polls);
}

enum gs_status gs_stat_many_process(struct gs_stat_many *many, uint32_t number,
                                    const struct gs_sampled_process *process)
{
    if (number != many->count)
        return GS_FAILED;
    if (!gs_room((void **)&many->polls, &many->room, many->count + 1, sizeof *many->polls))
        return GS_NO_MEMORY;
    many->polls[many->count] = gs_sample_feed_new(process, &many->options);
    return many->polls[many->count] ? (many->count++, GS_OK) : GS_NO_MEMORY;
}

enum gs_status gs_stat_many_thread(struct gs_stat_many *many, uint32_t number, const struct gs_sampled_thread *thread)
{
    if (thread->process >= many->count)
        return GS_FAILED;
    struct gs_sample_feed *polls = many->polls[thread->process];
    return polls ? gs_sample_feed_thread(polls, number, thread) : GS_OK;
}

enum gs_status gs_stat_many_sample(struct gs_stat_many *many, const struct gs_sample *sample)
{
    if (sample->process >= many->count)
        return GS_FAILED;
    struct gs_sample_feed *polls = many->polls[sample->process];
    return polls ? gs_sample_feed_add(polls, sample) : GS_OK;
}

void gs_stat_many_forget(struct gs_stat_many *many)
{
    for (size_t i = 0; i < many->count; i++) {
        gs_sample_feed_forget(many->polls[i]);
    }
}

void gs_stat_many_over(struct gs_stat_many *many, pid_t pid)
{
    for (size_t i = 0; i < many->count; i++) {
        gs_sample_feed_over(many->polls[i], pid);
    }
}

static enum gs_status show_one(struct gs_sample_feed *polls, const struct gs_stat_show *show)
{
    struct gs_gilstat stat;
    enum gs_status status = gs_sample_feed_finish(polls, &stat);
    if (status)
        return status;
    show->complete(show->context, &stat);
    gs_gilstat_choose(&stat, show->patterns, show->pattern_count);
    status = show->json ? gs_stat_json(&stat, show->console->out) : gs_stat_text(&stat, show->console, show->verbose);
    gs_gilstat_fini(&stat);
    return status;
}

/* It was seen in this interval: a short one may have no sample. */
static bool is_seen(const struct gs_stat_many *many, size_t i)
{
    return gs_sample_feed_count(many->polls[i]) > 0;
}

enum gs_status gs_stat_many_show(struct gs_stat_many *many, const struct gs_stat_show *show)
{
    FILE *out = show->console->out;
    enum gs_status status = GS_OK;
    size_t shown = 0, count = 0;
    for (size_t i = 0; i < many->count; i++)
        count += is_seen(many, i);
    bool several = show->json && (count > 1 || show->several);
    if (count == 0)
        return GS_OK;
    if (several)
        fputs("{\"schema\": 1, \"processes\": [", out);
    for (size_t i = 0; i < many->count && !status; i++) {
        if (!is_seen(many, i))
            continue;
        if (several)
            fputs(shown++ > 0 ? ", " : "", out);
        else if (many->shown && !show->json)
            fputc('\n', out);
        many->shown = true;
        status = show_one(many->polls[i], show);
        gs_sample_feed_next(many->polls[i]);
    }
    if (show->json)
        fputs(several ? "]}\n" : "\n", out);
    return status;
}
