/* Several processes' figures: a gs_sample_feed for each; and the format stat, which is these of a recording. */
#include <stdlib.h>

#include "base/room.h"
#include "export/formats.h"
#include "export/stat.h"
#include "export/stat_many.h"
#include "export/stat_sum.h"
#include "session/role.h"

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
    for (size_t i = 0; i < many->count; i++)
        free(many->programs[i]);
    free(many->programs);
    free(many->polls);
}

enum gs_status gs_stat_many_process(struct gs_stat_many *many, uint32_t number,
                                    const struct gs_sampled_process *process)
{
    if (number != many->count)
        return GS_FAILED;
    bool helper;
    if (!gs_room((void **)&many->polls, &many->room, many->count + 1, sizeof *many->polls) ||
        !gs_room((void **)&many->programs, &many->programs_room, many->count + 1, sizeof *many->programs))
        return GS_NO_MEMORY;
    char *program = gs_role_program(process->command, &helper);
    struct gs_sample_feed *polls = program ? gs_sample_feed_new(process, &many->options) : NULL;
    if (!polls) {
        free(program);
        return GS_NO_MEMORY;
    }
    many->programs[many->count] = program;
    many->polls[many->count++] = polls;
    return GS_OK;
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

/* It was seen in this interval: a short one may have no sample. */
static bool is_seen(const struct gs_stat_many *many, size_t i)
{
    return gs_sample_feed_count(many->polls[i]) > 0;
}

/* Of each process that is shown. */
struct shown {
    struct gs_gilstat *stats;
    struct gs_stat_sum *sums;
    size_t count;
};

static enum gs_status finish_all(struct gs_stat_many *many, const struct gs_stat_show *show, struct shown *shown)
{
    for (size_t i = 0; i < many->count; i++) {
        if (!is_seen(many, i))
            continue;
        struct gs_gilstat *stat = &shown->stats[shown->count];
        enum gs_status status = gs_sample_feed_finish(many->polls[i], stat);
        if (status)
            return status;
        show->complete(show->context, stat);
        shown->sums[shown->count++] = gs_stat_sum_of(stat, many->programs[i]);
        gs_gilstat_choose(stat, show->patterns, show->pattern_count);
    }
    return GS_OK;
}

static enum gs_status write_json(const struct shown *shown, bool several, FILE *out)
{
    enum gs_status status = GS_OK;
    if (several)
        fputs("{\"schema\": 1, \"processes\": [", out);
    for (size_t i = 0; i < shown->count && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_stat_json(&shown->stats[i], out);
    }
    if (several)
        fputs("], \"groups\": ", out);
    if (several && !status)
        status = gs_stat_sum_json(shown->sums, shown->count, out);
    fputs(several ? "}\n" : "\n", out);
    return status;
}

static enum gs_status write_text(const struct shown *shown, const struct gs_stat_show *show, bool again)
{
    enum gs_status status = GS_OK;
    if (again)
        fputc('\n', show->console->out);
    if (shown->count > 1)
        status = gs_stat_sum_text(shown->sums, shown->count, show->console);
    for (size_t i = 0; i < shown->count && !status; i++) {
        if (shown->count > 1)
            fputc('\n', show->console->out);
        status = gs_stat_text(&shown->stats[i], show->console, show->verbose);
    }
    return status;
}

enum gs_status gs_stat_many_show(struct gs_stat_many *many, const struct gs_stat_show *show)
{
    size_t count = 0;
    for (size_t i = 0; i < many->count; i++)
        count += is_seen(many, i);
    if (count == 0)
        return GS_OK;
    struct shown shown = {.stats = calloc(count, sizeof *shown.stats), .sums = calloc(count, sizeof *shown.sums)};
    enum gs_status status = shown.stats && shown.sums ? finish_all(many, show, &shown) : GS_NO_MEMORY;
    if (!status)
        status = show->json ? write_json(&shown, count > 1 || show->several, show->console->out)
                            : write_text(&shown, show, many->shown);
    many->shown = many->shown || !status;
    for (size_t i = 0; i < shown.count; i++)
        gs_gilstat_fini(&shown.stats[i]);
    free(shown.stats);
    free(shown.sums);
    for (size_t i = 0; i < many->count; i++) {
        if (is_seen(many, i))
            gs_sample_feed_next(many->polls[i]);
    }
    return status;
}
