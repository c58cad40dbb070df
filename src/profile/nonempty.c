/* Stands between a recording and what is drawn of it, and notes whether anything came by. */
#include "profile/nonempty.h"

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_sink *to = ((struct gs_nonempty *)sink)->to;
    return to->begin ? to->begin(to, run) : GS_OK;
}

static enum gs_status process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_nonempty *nonempty = (struct gs_nonempty *)sink;
    nonempty->tells |= process->exceptions;
    return nonempty->to->process ? nonempty->to->process(nonempty->to, number, process) : GS_OK;
}

static enum gs_status thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_nonempty *nonempty = (struct gs_nonempty *)sink;
    const struct gs_selection *selection = nonempty->selection;
    nonempty->fits |= gs_patterns_fit(selection->patterns, selection->pattern_count, thread->tid, thread->name);
    return nonempty->to->thread ? nonempty->to->thread(nonempty->to, number, thread) : GS_OK;
}

static enum gs_status sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_nonempty *nonempty = (struct gs_nonempty *)sink;
    nonempty->samples = true;
    for (size_t i = 0; i < sample->thread_count && !nonempty->locks; i++)
        nonempty->locks = sample->threads[i].at_lock;
    return nonempty->to->sample ? nonempty->to->sample(nonempty->to, sample) : GS_OK;
}

static enum gs_status forget(struct gs_sink *sink)
{
    struct gs_sink *to = ((struct gs_nonempty *)sink)->to;
    return to->forget ? to->forget(to) : GS_OK;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_nonempty *nonempty = (struct gs_nonempty *)sink;
    nonempty->empty = !nonempty->tells || (nonempty->must && !(nonempty->samples && nonempty->fits));
    return nonempty->empty ? GS_FAILED : nonempty->to->end(nonempty->to, end);
}

void gs_nonempty_init(struct gs_nonempty *nonempty, struct gs_sink *to, const struct gs_selection *selection, bool must)
{
    *nonempty = (struct gs_nonempty){.sink = {begin, process, thread, sample, forget, end},
                                     .to = to,
                                     .selection = selection,
                                     .fits = selection->pattern_count == 0,
                                     .tells = selection->mode != GS_MODE_EXCEPTION,
                                     .must = must};
}
