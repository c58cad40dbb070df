/* Each process has a splitter of its own, since servers keep one series for each, and every span of it a pprof. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/room.h"
#include "base/sorted.h"
#include "export/pprof/pprof.h"
#include "push/groups.h"
#include "push/names.h"
#include "push/spans.h"
#include "recording/splitter.h"

/* Pyroscope 1.12 takes 16,000 samples of a profile, and 2 MB of it in one go. */
enum { NODES_MOST = 8000 };

#define STEP_NS ((int64_t)GS_NS_PER_S) /* by less a clock is slewed, and spans are to follow each other */

struct process {
    struct gs_spans *spans;
    uint32_t number;
    pid_t pid;
    char service[GS_PUSH_TEXT];
    struct gs_splitter *splitter;
    bool begun;
    uint64_t last_ns; /* of its last sample */
    /* The span that is sampled. */
    int64_t stepped_ns;    /* as in gs_groups */
    struct gs_sink *pprof; /* NULL: none is */
    struct gs_groups groups;
    FILE *out;
    char *bytes;
    size_t len;
};

struct gs_spans {
    struct gs_sink sink, *to;
    struct gs_spans_options options;
    struct gs_push_label *labels;
    struct gs_selection selection;
    struct gs_run_info run;
    struct process **processes; /* by number */
    size_t count, room;
    uint64_t looked_ns; /* when quiet processes were looked for */
};

/* The clock may have been set, or have gone on while the machine was suspended, which CLOCK_MONOTONIC did not. */
static void look_at_clock(struct process *process)
{
    const struct gs_spans *spans = process->spans;
    if (!spans->options.ahead_ns)
        return;
    int64_t now_ns = spans->options.ahead_ns() - (spans->run.realtime_ns - (int64_t)spans->run.begin_ns);
    if (llabs(now_ns - process->stepped_ns) >= STEP_NS)
        process->stepped_ns = now_ns;
}

static enum gs_status open_span(void *context, struct gs_sink **recorder)
{
    static const struct gs_pprof_options options = {.most = NODES_MOST, .times_only = true, .thread = GS_PUSH_THREAD};
    struct process *process = context;
    process->out = open_memstream(&process->bytes, &process->len);
    enum gs_status status = process->out
                                ? gs_pprof_open(&process->pprof, process->out, &process->spans->selection, &options)
                                : GS_NO_MEMORY;
    look_at_clock(process);
    gs_groups_init(&process->groups, process->pprof, process->stepped_ns);
    *recorder = &process->groups.sink;
    return status;
}

static void drop_span(struct process *process)
{
    gs_pprof_close(process->pprof);
    gs_groups_fini(&process->groups);
    if (process->out)
        fclose(process->out);
    free(process->bytes);
    process->pprof = NULL;
    process->out = NULL;
    process->bytes = NULL;
}

static enum gs_status close_span(void *context)
{
    struct process *process = context;
    const struct gs_spans_options *options = &process->spans->options;
    const struct gs_pprof *pprof = (const struct gs_pprof *)process->pprof;
    struct gs_push_profile *profile =
        gs_push_profile_new(process->service, process->spans->labels, options->label_count);
    bool written = fclose(process->out) == 0;
    process->out = NULL;
    if (!profile || !written) {
        gs_push_profile_free(profile);
        return GS_NO_MEMORY;
    }
    profile->pid = process->pid;
    profile->begin_ns = pprof->run.realtime_ns;
    profile->duration_ns = pprof->end_ns - pprof->run.begin_ns;
    profile->pprof = (uint8_t *)process->bytes;
    profile->len = process->len;
    process->bytes = NULL;
    drop_span(process);
    options->take(options->context, profile);
    return GS_OK;
}

/* What the run came to is not told to servers. */
static void sum(void *context, struct gs_run_end *end)
{
    (void)context;
    *end = (struct gs_run_end){.complete = true};
}

static enum gs_status spans_begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_spans *spans = (struct gs_spans *)sink;
    spans->run = *run;
    spans->run.gilspy = GILSPY_VERSION;
    spans->run.host = "";
    return spans->to && spans->to->begin ? spans->to->begin(spans->to, run) : GS_OK;
}

/* The first index whose number is not below. */
static size_t index_of(const struct gs_spans *spans, uint32_t number)
{
    return GS_FIRST_NOT(i, spans->count, spans->processes[i]->number < number);
}

/* NULL: there is none. */
static struct process *find(const struct gs_spans *spans, uint32_t number)
{
    size_t at = index_of(spans, number);
    return at < spans->count && spans->processes[at]->number == number ? spans->processes[at] : NULL;
}

/* Those of processes that began together shall not all end at the same moment: how much earlier those of one do. The
 * parts of a span in which they end are as even as may be, however many there are (2^32 by the golden ratio). */
static uint64_t early_ns(uint32_t number, uint64_t every_ns)
{
    uint32_t part = number * UINT32_C(2654435769);
    return (every_ns >> 16) * (part >> 16);
}

static enum gs_status add_process(struct gs_spans *spans, uint32_t number, const struct gs_sampled_process *about)
{
    struct process *process = calloc(1, sizeof *process);
    struct gs_splitter_limit limit = {.time_ns = spans->options.every_ns,
                                      .early_ns = early_ns(number, spans->options.every_ns)};
    struct gs_splitter_calls calls = {.context = process, .open = open_span, .close = close_span, .sum = sum};
    if (!process || !gs_room((void **)&spans->processes, &spans->room, spans->count + 1, sizeof *spans->processes)) {
        free(process);
        return GS_NO_MEMORY;
    }
    spans->processes[spans->count++] = process;
    process->spans = spans;
    process->number = number;
    process->pid = about->pid;
    gs_push_service(process->service, about);
    enum gs_status status = gs_splitter_new(&process->splitter, &limit, &calls);
    struct gs_sink *splitter = status ? NULL : gs_splitter_sink(process->splitter);
    return splitter ? splitter->process(splitter, 0, about) : status;
}

static enum gs_status spans_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *about)
{
    struct gs_spans *spans = (struct gs_spans *)sink;
    if (index_of(spans, number) < spans->count)
        return GS_FAILED;
    enum gs_status status = add_process(spans, number, about);
    if (status || !spans->to || !spans->to->process)
        return status;
    return spans->to->process(spans->to, number, about);
}

static enum gs_status spans_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_spans *spans = (struct gs_spans *)sink;
    struct gs_sampled_thread own = *thread;
    struct process *process = find(spans, thread->process);
    if (!process)
        return GS_FAILED;
    struct gs_sink *splitter = gs_splitter_sink(process->splitter);
    own.process = 0;
    enum gs_status status = splitter->thread(splitter, number, &own);
    if (status || !spans->to || !spans->to->thread)
        return status;
    return spans->to->thread(spans->to, number, thread);
}

/* The run of a process begins with the time that its first sample weighs. */
static enum gs_status begin_process(struct process *process, const struct gs_sample *sample)
{
    struct gs_run_info run = process->spans->run;
    struct gs_sink *splitter = gs_splitter_sink(process->splitter);
    uint64_t before_ns = sample->weight_ns + sample->gap_ns;
    uint64_t begin_ns = sample->time_ns > before_ns ? sample->time_ns - before_ns : 0;
    run.realtime_ns += (int64_t)(begin_ns - run.begin_ns);
    run.begin_ns = begin_ns;
    process->begun = true;
    return splitter->begin(splitter, &run);
}

static enum gs_status end_span(struct process *process)
{
    struct gs_run_end end = {.end_ns = process->last_ns, .complete = true};
    struct gs_sink *splitter = gs_splitter_sink(process->splitter);
    return process->pprof ? splitter->end(splitter, &end) : GS_OK;
}

/* Who has ended, or cannot be read, would keep what was sampled last. Who sleeps is told of late (gs_sampler_join). */
static enum gs_status end_quiet(struct gs_spans *spans, uint64_t now_ns)
{
    uint64_t every_ns = spans->options.every_ns;
    enum gs_status status = GS_OK;
    if (now_ns < spans->looked_ns + every_ns)
        return GS_OK;
    spans->looked_ns = now_ns;
    for (size_t i = 0; i < spans->count && !status; i++) {
        if (now_ns > spans->processes[i]->last_ns + every_ns + GS_NS_PER_S)
            status = end_span(spans->processes[i]);
    }
    return status;
}

static enum gs_status spans_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_spans *spans = (struct gs_spans *)sink;
    struct gs_sample part = *sample;
    struct process *process = find(spans, sample->process);
    if (!process)
        return GS_FAILED;
    struct gs_sink *splitter = gs_splitter_sink(process->splitter);
    enum gs_status status = process->begun ? GS_OK : begin_process(process, sample);
    part.process = 0;
    if (!status)
        status = splitter->sample(splitter, &part);
    process->last_ns = sample->time_ns;
    if (!status)
        status = end_quiet(spans, sample->time_ns);
    if (status || !spans->to || !spans->to->sample)
        return status;
    return spans->to->sample(spans->to, sample);
}

static enum gs_status spans_forget(struct gs_sink *sink)
{
    struct gs_spans *spans = (struct gs_spans *)sink;
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < spans->count && !status; i++) {
        struct gs_sink *splitter = gs_splitter_sink(spans->processes[i]->splitter);
        status = splitter->forget(splitter);
    }
    if (status || !spans->to || !spans->to->forget)
        return status;
    return spans->to->forget(spans->to);
}

static void free_process(struct process *process)
{
    drop_span(process);
    gs_splitter_free(process->splitter);
    free(process);
}

enum gs_status gs_spans_gone(struct gs_spans *spans, pid_t pid)
{
    enum gs_status status = GS_OK;
    size_t kept = 0;
    for (size_t i = 0; i < spans->count; i++) {
        struct process *process = spans->processes[i];
        if (process->pid != pid) {
            spans->processes[kept++] = process;
            continue;
        }
        status = end_span(process);
        free_process(process);
    }
    spans->count = kept;
    return status;
}

static enum gs_status spans_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_spans *spans = (struct gs_spans *)sink;
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < spans->count && !status; i++)
        status = end_span(spans->processes[i]);
    return status || !spans->to ? status : spans->to->end(spans->to, end);
}

enum gs_status gs_spans_new(struct gs_spans **out, const struct gs_spans_options *options, struct gs_sink *to)
{
    struct gs_spans *spans = calloc(1, sizeof *spans);
    *out = spans;
    if (!spans)
        return GS_NO_MEMORY;
    spans->sink = (struct gs_sink){spans_begin, spans_process, spans_thread, spans_sample, spans_forget, spans_end};
    spans->to = to;
    spans->options = *options;
    spans->selection = (struct gs_selection){.mode = GS_MODE_WALL};
    spans->labels = gs_push_labels_copy(options->labels, options->label_count);
    return spans->labels ? GS_OK : GS_NO_MEMORY;
}

void gs_spans_free(struct gs_spans *spans)
{
    if (!spans)
        return;
    for (size_t i = 0; i < spans->count; i++)
        free_process(spans->processes[i]);
    free(spans->processes);
    gs_push_labels_free(spans->labels, spans->options.label_count);
    free(spans);
}

struct gs_sink *gs_spans_sink(struct gs_spans *spans)
{
    return &spans->sink;
}
