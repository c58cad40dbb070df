/* Several processes' figures: a gs_sample_feed for each. */
#include <stdlib.h>

#include "base/room.h"
#include "export/stat.h"
#include "export/stat_many.h"

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
        if (many->polls[i])
            gs_sample_feed_forget(many->polls[i]);
    }
}

void gs_stat_many_over(struct gs_stat_many *many, pid_t pid)
{
    for (size_t i = 0; i < many->count; i++) {
        if (many->polls[i])
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

static size_t drop_unseen(struct gs_stat_many *many)
{
    size_t count = 0;
    for (size_t i = 0; i < many->count; i++) {
        if (many->polls[i] && gs_sample_feed_count(many->polls[i]) == 0) {
            gs_sample_feed_free(many->polls[i]);
            many->polls[i] = NULL;
        }
        count += many->polls[i] != NULL;
    }
    return count;
}

enum gs_status gs_stat_many_show(struct gs_stat_many *many, const struct gs_stat_show *show)
{
    FILE *out = show->console->out;
    enum gs_status status = GS_OK;
    size_t shown = 0, count = drop_unseen(many);
    bool several = show->json && (count > 1 || show->several);
    if (count == 0)
        return GS_OK;
    if (several)
        fputs("{\"schema\": 1, \"processes\": [", out);
    for (size_t i = 0; i < many->count && !status; i++) {
        if (!many->polls[i])
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
