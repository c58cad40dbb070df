/* Stands between a recording and what is drawn of it, and notes whether anything came by. */
#include "profile/witness.h"

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_sink *to = ((struct gs_witness *)sink)->to;
    return to->begin ? to->begin(to, run) : GS_OK;
}

static enum gs_status process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_witness *witness = (struct gs_witness *)sink;
    witness->tells |= process->exceptions;
    return witness->to->process ? witness->to->process(witness->to, number, process) : GS_OK;
}

static enum gs_status thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_witness *witness = (struct gs_witness *)sink;
    const struct gs_selection *selection = witness->selection;
    witness->fits |= gs_patterns_fit(selection->patterns, selection->pattern_count, thread->tid, thread->name);
    return witness->to->thread ? witness->to->thread(witness->to, number, thread) : GS_OK;
}

static enum gs_status sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_witness *witness = (struct gs_witness *)sink;
    witness->samples = true;
    for (size_t i = 0; i < sample->thread_count && !witness->locks; i++)
        witness->locks = sample->threads[i].at_lock;
    return witness->to->sample ? witness->to->sample(witness->to, sample) : GS_OK;
}

static enum gs_status forget(struct gs_sink *sink)
{
    struct gs_sink *to = ((struct gs_witness *)sink)->to;
    return to->forget ? to->forget(to) : GS_OK;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_witness *witness = (struct gs_witness *)sink;
    witness->empty = !witness->tells || (witness->must && !(witness->samples && witness->fits));
    return witness->empty ? GS_FAILED : witness->to->end(witness->to, end);
}

void gs_witness_init(struct gs_witness *witness, struct gs_sink *to, const struct gs_selection *selection, bool must)
{
    *witness = (struct gs_witness){.sink = {begin, process, thread, sample, forget, end},
                                   .to = to,
                                   .selection = selection,
                                   .fits = selection->pattern_count == 0,
                                   .tells = selection->mode != GS_MODE_EXCEPTION,
                                   .must = must};
}
