/* Dividing a run: each recording gets a head of its own, and of processes and threads what its samples need. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "recording/kept.h"
#include "recording/quality.h"
#include "recording/recorder.h"
#include "recording/rotor.h"

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

struct gs_rotor {
    struct gs_sink sink;
    struct gs_rotor_limit limit;
    struct gs_rotor_calls calls;
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

static enum gs_status rotor_begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_rotor *rotor = (struct gs_rotor *)sink;
    rotor->run = *run;
    rotor->run.gilspy = strdup(run->gilspy ? run->gilspy : "");
    rotor->run.host = strdup(run->host ? run->host : "");
    rotor->last_ns = run->begin_ns;
    rotor->before = (struct gs_run_end){.begin_ns = run->begin_ns};
    return rotor->run.gilspy && rotor->run.host ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status rotor_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *about)
{
    struct gs_rotor *rotor = (struct gs_rotor *)sink;
    if (number != rotor->process_count)
        return GS_FAILED;
    if (!gs_room((void **)&rotor->processes, &rotor->process_room, rotor->process_count + 1, sizeof *rotor->processes))
        return GS_NO_MEMORY;
    struct process *process = &rotor->processes[rotor->process_count++];
    *process = (struct process){.seen = rotor->piece};
    return gs_kept_process(&process->about, about);
}

static int by_source(const void *left, const void *right)
{
    uint32_t a = ((const struct thread *)left)->source, b = ((const struct thread *)right)->source;
    return (a > b) - (a < b);
}

/* NULL: not known. */
static struct thread *find(const struct gs_rotor *rotor, uint32_t source)
{
    struct thread wanted = {.source = source};
    return rotor->thread_count > 0 ? bsearch(&wanted, rotor->threads, rotor->thread_count, sizeof wanted, by_source)
                                   : NULL;
}

/* Numbers are given out in rising order, so that a new one belongs at the end of the list; one that was dropped because
 * it was in no sample for long (a thread of C that calls Python now and then) may come back. */
static struct thread *add(struct gs_rotor *rotor, uint32_t source)
{
    if (!gs_room((void **)&rotor->threads, &rotor->thread_room, rotor->thread_count + 1, sizeof *rotor->threads))
        return NULL;
    size_t at = rotor->thread_count++;
    for (; at > 0 && rotor->threads[at - 1].source > source; at--)
        rotor->threads[at] = rotor->threads[at - 1];
    rotor->threads[at] = (struct thread){.source = source, .seen = rotor->piece};
    return &rotor->threads[at];
}

/* The recording's own number of a process, which is told to it if it has none. */
static enum gs_status tell_process(struct gs_rotor *rotor, uint32_t source)
{
    struct process *process = &rotor->processes[source];
    if (process->piece == rotor->piece)
        return GS_OK;
    process->piece = rotor->piece;
    process->number = rotor->process_number++;
    return rotor->recorder->process(rotor->recorder, process->number, &process->about);
}

static enum gs_status tell_thread(struct gs_rotor *rotor, struct thread *thread)
{
    struct gs_sampled_thread about = thread->about;
    if (thread->piece != rotor->piece) {
        thread->piece = rotor->piece;
        thread->number = rotor->thread_number++;
    }
    about.process = rotor->processes[about.process].number;
    return rotor->recorder->thread(rotor->recorder, thread->number, &about);
}

static enum gs_status rotor_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *about)
{
    struct gs_rotor *rotor = (struct gs_rotor *)sink;
    struct thread *thread = find(rotor, number);
    if (about->process >= rotor->process_count)
        return GS_FAILED;
    if (!thread && !(thread = add(rotor, number)))
        return GS_NO_MEMORY;
    free((void *)thread->about.name);
    thread->about = *about;
    thread->about.name = strdup(about->name ? about->name : "");
    if (!thread->about.name)
        return GS_NO_MEMORY;
    return rotor->recorder && thread->piece == rotor->piece ? tell_thread(rotor, thread) : GS_OK;
}

/* One that was in none of the samples of its process has ended, or is told of again when it comes back. */
static void drop_ended(struct gs_rotor *rotor)
{
    size_t kept = 0;
    for (size_t i = 0; i < rotor->thread_count; i++) {
        struct thread *thread = &rotor->threads[i];
        bool watched = rotor->processes[thread->about.process].seen == rotor->piece;
        if (watched && thread->seen < rotor->piece)
            free((void *)thread->about.name);
        else
            rotor->threads[kept++] = *thread;
    }
    rotor->thread_count = kept;
}

/* What this recording's part of the run came to. */
static struct gs_run_end part_of(const struct gs_rotor *rotor, const struct gs_run_end *now, uint64_t end_ns)
{
    struct gs_run_end part = *now;
    part.begin_ns = rotor->before.begin_ns;
    part.end_ns = end_ns;
    part.samples = rotor->samples;
    part.thread_samples = rotor->thread_samples;
    gs_quality_subtract(&part.quality, &rotor->before.quality);
    part.quality.samples = rotor->samples;
    return part;
}

static enum gs_status close_recording(struct gs_rotor *rotor, const struct gs_run_end *now, uint64_t end_ns)
{
    struct gs_run_end part = part_of(rotor, now, end_ns);
    enum gs_status status = rotor->recorder->end(rotor->recorder, &part);
    if (status)
        return status;
    rotor->recorder = NULL;
    rotor->before = *now;
    rotor->before.begin_ns = end_ns;
    drop_ended(rotor);
    return rotor->calls.close(rotor->calls.context);
}

/* The first multiple after a moment. */
static uint64_t next_multiple(const struct gs_rotor *rotor, uint64_t time_ns)
{
    uint64_t length_ns = rotor->limit.time_ns, begin_ns = rotor->run.begin_ns - rotor->limit.early_ns;
    return length_ns ? begin_ns + ((time_ns - begin_ns) / length_ns + 1) * length_ns : UINT64_MAX;
}

static enum gs_status open_recording(struct gs_rotor *rotor, uint64_t time_ns)
{
    struct gs_run_info run = rotor->run;
    enum gs_status status = rotor->calls.open(rotor->calls.context, &rotor->recorder);
    if (status) {
        rotor->recorder = NULL;
        return status;
    }
    rotor->piece++;
    rotor->process_number = rotor->thread_number = 0;
    rotor->samples = rotor->thread_samples = 0;
    rotor->until_ns = next_multiple(rotor, time_ns);
    run.begin_ns = rotor->before.begin_ns;
    run.realtime_ns += (int64_t)(run.begin_ns - rotor->run.begin_ns);
    return rotor->recorder->begin(rotor->recorder, &run);
}

static bool is_full(const struct gs_rotor *rotor, const struct gs_sample *sample)
{
    if (!rotor->recorder || rotor->samples == 0)
        return false;
    return sample->time_ns >= rotor->until_ns ||
           (rotor->limit.bytes > 0 && gs_recorder_bytes(rotor->recorder) >= rotor->limit.bytes);
}

/* The recording for a sample: the one that is open, or another. */
static enum gs_status choose_recording(struct gs_rotor *rotor, const struct gs_sample *sample)
{
    struct gs_run_end now;
    enum gs_status status = GS_OK;
    if (is_full(rotor, sample)) {
        rotor->calls.sum(rotor->calls.sum_context, &now);
        status = close_recording(rotor, &now, rotor->last_ns);
    }
    return status || rotor->recorder ? status : open_recording(rotor, sample->time_ns);
}

static enum gs_status number_threads(struct gs_rotor *rotor, struct gs_kept_sample *kept)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < kept->sample.thread_count && !status; i++) {
        struct thread *thread = find(rotor, kept->threads[i].thread);
        if (!thread || thread->about.process != kept->sample.process)
            return GS_FAILED;
        thread->seen = rotor->piece;
        if (thread->piece != rotor->piece)
            status = tell_thread(rotor, thread);
        kept->threads[i].thread = thread->number;
    }
    return status;
}

/* Who had a GIL last is told of, too, though it may be in no sample of this recording. */
static enum gs_status number_lasts(struct gs_rotor *rotor, struct gs_kept_sample *kept)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < kept->sample.gil_count && !status; i++) {
        struct gs_sampled_gil *gil = &kept->gils[i];
        struct thread *thread = gil->last == GS_NO_THREAD ? NULL : find(rotor, gil->last);
        if (thread && thread->piece != rotor->piece)
            status = tell_thread(rotor, thread);
        gil->last = thread ? thread->number : GS_NO_THREAD;
    }
    return status;
}

static enum gs_status rotor_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_rotor *rotor = (struct gs_rotor *)sink;
    if (sample->process >= rotor->process_count)
        return GS_FAILED;
    enum gs_status status = choose_recording(rotor, sample);
    if (!status)
        status = gs_kept_sample(&rotor->kept, sample);
    if (!status)
        status = tell_process(rotor, sample->process);
    if (!status)
        status = number_threads(rotor, &rotor->kept);
    if (!status)
        status = number_lasts(rotor, &rotor->kept);
    if (status)
        return status;
    rotor->processes[sample->process].seen = rotor->piece;
    rotor->kept.sample.process = rotor->processes[sample->process].number;
    rotor->samples++;
    rotor->thread_samples += sample->thread_count;
    if (sample->time_ns > rotor->last_ns)
        rotor->last_ns = sample->time_ns;
    return rotor->recorder->sample(rotor->recorder, &rotor->kept.sample);
}

static enum gs_status rotor_forget(struct gs_sink *sink)
{
    struct gs_rotor *rotor = (struct gs_rotor *)sink;
    return rotor->recorder ? rotor->recorder->forget(rotor->recorder) : GS_OK;
}

static enum gs_status rotor_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_rotor *rotor = (struct gs_rotor *)sink;
    return rotor->recorder ? close_recording(rotor, end, end->end_ns) : GS_OK;
}

enum gs_status gs_rotor_new(struct gs_rotor **out, const struct gs_rotor_limit *limit,
                            const struct gs_rotor_calls *calls)
{
    struct gs_rotor *rotor = calloc(1, sizeof *rotor);
    *out = rotor;
    if (!rotor)
        return GS_NO_MEMORY;
    rotor->sink = (struct gs_sink){rotor_begin, rotor_process, rotor_thread, rotor_sample, rotor_forget, rotor_end};
    rotor->limit = *limit;
    rotor->calls = *calls;
    return GS_OK;
}

void gs_rotor_free(struct gs_rotor *rotor)
{
    if (!rotor)
        return;
    for (size_t i = 0; i < rotor->process_count; i++)
        gs_kept_process_fini(&rotor->processes[i].about);
    for (size_t i = 0; i < rotor->thread_count; i++)
        free((void *)rotor->threads[i].about.name);
    free(rotor->processes);
    free(rotor->threads);
    free((void *)rotor->run.gilspy);
    free((void *)rotor->run.host);
    gs_kept_sample_fini(&rotor->kept);
    free(rotor);
}

struct gs_sink *gs_rotor_sink(struct gs_rotor *rotor)
{
    return &rotor->sink;
}
