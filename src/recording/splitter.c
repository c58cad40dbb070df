/* Dividing a run: each recording gets a head of its own, and of processes and threads what its samples need. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "base/sorted.h"
#include "recording/kept.h"
#include "recording/quality.h"
#include "recording/recorder.h"
#include "recording/splitter.h"

/* `piece` is the number of a recording, from 1 on; 0: none. */
struct process {
    struct gs_sampled_process about;
    uint64_t piece;  /* that knows it, */
    uint32_t number; /* as this; */
    uint64_t seen;   /* that had its last sample */
};

struct thread {
    uint32_t source; /* its number in the source: the list is sorted by it */
    struct gs_sampled_thread about;
    uint64_t piece;
    uint32_t number;
    uint64_t seen;
};

struct gs_splitter {
    struct gs_sink sink;
    struct gs_splitter_limit limit;
    struct gs_splitter_calls calls;
    struct gs_run_info run;
    struct gs_sink *recorder; /* NULL: none is open */
    uint64_t piece;           /* number of the last that was opened */
    uint64_t last_ns;         /* of the last sample */
    uint64_t until_ns;        /* samples from here on belong to the next recording */
    struct gs_run_end before; /* when the recording was opened */
    uint64_t samples, thread_samples;
    uint32_t process_number, thread_number; /* given out in this recording */
    struct process *processes;
    size_t process_count, process_room;
    struct thread *threads;
    size_t thread_count, thread_room;
    struct gs_kept_sample kept;
};

static enum gs_status splitter_begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_splitter *splitter = (struct gs_splitter *)sink;
    splitter->run = *run;
    splitter->run.gilspy = strdup(run->gilspy ? run->gilspy : "");
    splitter->run.host = strdup(run->host ? run->host : "");
    splitter->last_ns = run->begin_ns;
    splitter->before = (struct gs_run_end){.begin_ns = run->begin_ns};
    return splitter->run.gilspy && splitter->run.host ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status splitter_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *about)
{
    struct gs_splitter *splitter = (struct gs_splitter *)sink;
    if (number != splitter->process_count)
        return GS_FAILED;
    if (!gs_room((void **)&splitter->processes, &splitter->process_room, splitter->process_count + 1,
                 sizeof *splitter->processes))
        return GS_NO_MEMORY;
    struct process *process = &splitter->processes[splitter->process_count++];
    *process = (struct process){.seen = splitter->piece};
    return gs_kept_process(&process->about, about);
}

GS_BY(by_source, struct thread, source);

/* NULL: not known. */
static struct thread *find(const struct gs_splitter *splitter, uint32_t source)
{
    struct thread wanted = {.source = source};
    return splitter->thread_count > 0
               ? bsearch(&wanted, splitter->threads, splitter->thread_count, sizeof wanted, by_source)
               : NULL;
}

/* Numbers are given out in rising order, so that a new one belongs at the end of the list; one that was dropped because
 * it was in no sample for long (a thread of C that calls Python now and then) may come back. */
static struct thread *add(struct gs_splitter *splitter, uint32_t source)
{
    if (!gs_room((void **)&splitter->threads, &splitter->thread_room, splitter->thread_count + 1,
                 sizeof *splitter->threads))
        return NULL;
    size_t at = splitter->thread_count++;
    for (; at > 0 && splitter->threads[at - 1].source > source; at--)
        splitter->threads[at] = splitter->threads[at - 1];
    splitter->threads[at] = (struct thread){.source = source, .seen = splitter->piece};
    return &splitter->threads[at];
}

/* The recording's own number of a process, which is told to it if it has none. */
static enum gs_status tell_process(struct gs_splitter *splitter, uint32_t source)
{
    struct process *process = &splitter->processes[source];
    if (process->piece == splitter->piece)
        return GS_OK;
    process->piece = splitter->piece;
    process->number = splitter->process_number++;
    return splitter->recorder->process(splitter->recorder, process->number, &process->about);
}

static enum gs_status tell_thread(struct gs_splitter *splitter, struct thread *thread)
{
    struct gs_sampled_thread about = thread->about;
    if (thread->piece != splitter->piece) {
        thread->piece = splitter->piece;
        thread->number = splitter->thread_number++;
    }
    about.process = splitter->processes[about.process].number;
    return splitter->recorder->thread(splitter->recorder, thread->number, &about);
}

static enum gs_status splitter_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *about)
{
    struct gs_splitter *splitter = (struct gs_splitter *)sink;
    struct thread *thread = find(splitter, number);
    if (about->process >= splitter->process_count)
        return GS_FAILED;
    if (!thread && !(thread = add(splitter, number)))
        return GS_NO_MEMORY;
    free((void *)thread->about.name);
    thread->about = *about;
    thread->about.name = strdup(about->name ? about->name : "");
    if (!thread->about.name)
        return GS_NO_MEMORY;
    return splitter->recorder && thread->piece == splitter->piece ? tell_thread(splitter, thread) : GS_OK;
}

/* One that was in none of the samples of its process has ended, or is told of again when it comes back. */
static void drop_ended(struct gs_splitter *splitter)
{
    size_t kept = 0;
    for (size_t i = 0; i < splitter->thread_count; i++) {
        struct thread *thread = &splitter->threads[i];
        bool watched = splitter->processes[thread->about.process].seen == splitter->piece;
        if (watched && thread->seen < splitter->piece)
            free((void *)thread->about.name);
        else
            splitter->threads[kept++] = *thread;
    }
    splitter->thread_count = kept;
}

/* What this recording's part of the run came to. */
static struct gs_run_end part_of(const struct gs_splitter *splitter, const struct gs_run_end *now, uint64_t end_ns)
{
    struct gs_run_end part = *now;
    part.begin_ns = splitter->before.begin_ns;
    part.end_ns = end_ns;
    part.samples = splitter->samples;
    part.thread_samples = splitter->thread_samples;
    gs_quality_subtract(&part.quality, &splitter->before.quality);
    part.quality.samples = splitter->samples;
    return part;
}

static enum gs_status close_recording(struct gs_splitter *splitter, const struct gs_run_end *now, uint64_t end_ns)
{
    struct gs_run_end part = part_of(splitter, now, end_ns);
    enum gs_status status = splitter->recorder->end(splitter->recorder, &part);
    if (status)
        return status;
    splitter->recorder = NULL;
    splitter->before = *now;
    splitter->before.begin_ns = end_ns;
    drop_ended(splitter);
    return splitter->calls.close(splitter->calls.context);
}

/* The first multiple after a moment. */
static uint64_t next_multiple(const struct gs_splitter *splitter, uint64_t time_ns)
{
    uint64_t length_ns = splitter->limit.time_ns, begin_ns = splitter->run.begin_ns - splitter->limit.early_ns;
    return length_ns ? begin_ns + ((time_ns - begin_ns) / length_ns + 1) * length_ns : UINT64_MAX;
}

static enum gs_status open_recording(struct gs_splitter *splitter, uint64_t time_ns)
{
    struct gs_run_info run = splitter->run;
    enum gs_status status = splitter->calls.open(splitter->calls.context, &splitter->recorder);
    if (status) {
        splitter->recorder = NULL;
        return status;
    }
    splitter->piece++;
    splitter->process_number = splitter->thread_number = 0;
    splitter->samples = splitter->thread_samples = 0;
    splitter->until_ns = next_multiple(splitter, time_ns);
    run.begin_ns = splitter->before.begin_ns;
    run.realtime_ns += (int64_t)(run.begin_ns - splitter->run.begin_ns);
    return splitter->recorder->begin(splitter->recorder, &run);
}

static bool is_full(const struct gs_splitter *splitter, const struct gs_sample *sample)
{
    if (!splitter->recorder || splitter->samples == 0)
        return false;
    return sample->time_ns >= splitter->until_ns ||
           (splitter->limit.bytes > 0 && gs_recorder_bytes(splitter->recorder) >= splitter->limit.bytes);
}

/* The recording for a sample: the one that is open, or another. */
static enum gs_status choose_recording(struct gs_splitter *splitter, const struct gs_sample *sample)
{
    struct gs_run_end now;
    enum gs_status status = GS_OK;
    if (is_full(splitter, sample)) {
        splitter->calls.sum(splitter->calls.sum_context, &now);
        status = close_recording(splitter, &now, splitter->last_ns);
    }
    return status || splitter->recorder ? status : open_recording(splitter, sample->time_ns);
}

static enum gs_status number_threads(struct gs_splitter *splitter, struct gs_kept_sample *kept)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < kept->sample.thread_count && !status; i++) {
        struct thread *thread = find(splitter, kept->threads[i].thread);
        if (!thread || thread->about.process != kept->sample.process)
            return GS_FAILED;
        thread->seen = splitter->piece;
        if (thread->piece != splitter->piece)
            status = tell_thread(splitter, thread);
        kept->threads[i].thread = thread->number;
    }
    return status;
}

/* Who had a GIL last is told of, too, though it may be in no sample of this recording. */
static enum gs_status number_lasts(struct gs_splitter *splitter, struct gs_kept_sample *kept)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < kept->sample.gil_count && !status; i++) {
        struct gs_sampled_gil *gil = &kept->gils[i];
        struct thread *thread = gil->last == GS_NO_THREAD ? NULL : find(splitter, gil->last);
        if (thread && thread->piece != splitter->piece)
            status = tell_thread(splitter, thread);
        gil->last = thread ? thread->number : GS_NO_THREAD;
    }
    return status;
}

static enum gs_status splitter_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_splitter *splitter = (struct gs_splitter *)sink;
    if (sample->process >= splitter->process_count)
        return GS_FAILED;
    enum gs_status status = choose_recording(splitter, sample);
    if (!status)
        status = gs_kept_sample(&splitter->kept, sample);
    if (!status)
        status = tell_process(splitter, sample->process);
    if (!status)
        status = number_threads(splitter, &splitter->kept);
    if (!status)
        status = number_lasts(splitter, &splitter->kept);
    if (status)
        return status;
    splitter->processes[sample->process].seen = splitter->piece;
    splitter->kept.sample.process = splitter->processes[sample->process].number;
    splitter->samples++;
    splitter->thread_samples += sample->thread_count;
    if (sample->time_ns > splitter->last_ns)
        splitter->last_ns = sample->time_ns;
    return splitter->recorder->sample(splitter->recorder, &splitter->kept.sample);
}

static enum gs_status splitter_forget(struct gs_sink *sink)
{
    struct gs_splitter *splitter = (struct gs_splitter *)sink;
    return splitter->recorder ? splitter->recorder->forget(splitter->recorder) : GS_OK;
}

static enum gs_status splitter_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_splitter *splitter = (struct gs_splitter *)sink;
    return splitter->recorder ? close_recording(splitter, end, end->end_ns) : GS_OK;
}

enum gs_status gs_splitter_new(struct gs_splitter **out, const struct gs_splitter_limit *limit,
                               const struct gs_splitter_calls *calls)
{
    struct gs_splitter *splitter = calloc(1, sizeof *splitter);
    *out = splitter;
    if (!splitter)
        return GS_NO_MEMORY;
    splitter->sink = (struct gs_sink){splitter_begin,  splitter_process, splitter_thread,
                                      splitter_sample, splitter_forget,  splitter_end};
    splitter->limit = *limit;
    splitter->calls = *calls;
    return GS_OK;
}

void gs_splitter_free(struct gs_splitter *splitter)
{
    if (!splitter)
        return;
    for (size_t i = 0; i < splitter->process_count; i++)
        gs_kept_process_fini(&splitter->processes[i].about);
    for (size_t i = 0; i < splitter->thread_count; i++)
        free((void *)splitter->threads[i].about.name);
    free(splitter->processes);
    free(splitter->threads);
    free((void *)splitter->run.gilspy);
    free((void *)splitter->run.host);
    gs_kept_sample_fini(&splitter->kept);
    free(splitter);
}

struct gs_sink *gs_splitter_sink(struct gs_splitter *splitter)
{
    return &splitter->sink;
}
