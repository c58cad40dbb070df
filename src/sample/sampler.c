/* Slots of time, and what each sample weighs: the time since the one before it, which is what makes random points and
 * missed slots harmless. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/room.h"
#include "base/clock.h"
#include "base/least.h"
#include "base/pace.h"
#include "gilspy/sampler.h"
#include "sample/cpu_hop.h"
#include "sample/stream.h"

enum {
    GAP_SLOTS = 10,              /* so many missed in a row weigh on nobody */
    LEAST_GAP_NS = 10000000,     /* at the highest rates a slot is shorter than being sent to sleep once */
    SKIPPED_NS = 50000,          /* between two tries of a sample that may not be taken yet, where there are no slots */
    STACKS_BYTES_MAX = 12 << 20, /* of all that is remembered of stacks: beyond that it is forgotten, and begun anew */
    HOST_BYTES = 256
};
#define STOOD_NS GS_NS_PER_S /* of what stands so much at most is kept back */

struct sampled {
    uint64_t id;
    struct gs_stream *stream;
    struct gs_reader *reader;
    uint64_t last_ns; /* the last sample's time */
    uint64_t kept_ns; /* until then it was kept up with: a sample was taken, or left out on purpose */
    uint64_t
        stood_ns; /* until then the last sample stands, which the sink is not told yet; 0: there is nothing to tell */
    uint64_t skipped;  /* samples that were left out so far */
    uint64_t tasks_ns; /* that samples weighed since its tasks were looked at */
};

struct gs_sampler {
    struct gs_stream_host host;
    struct gs_pace pace;
    struct gs_cpu_hop hop;
    bool stays;     /* it does not hop */
    bool joins;     /* samples that say the same are given as one */
    bool uncounted; /* of this round: a GIL does not count how often it changes hands */
    bool skipped;   /* of this round: a sample was left out to keep within the pauses that are allowed */
    struct sampled *list;
    size_t count, room;
    size_t next; /* who is still to be sampled in this round */
    double rate_hz;
    uint64_t begin_ns; /* 0: not yet */
    uint64_t last_ns;  /* of the samples */
    uint64_t until_ns; /* 0: it goes on */
    uint64_t samples, thread_samples;
    struct gs_quality gone; /* of the processes that are no more */
};

void gs_sampler_poll(struct gs_sampler *sampler, uint64_t long_ns)
{
    sampler->host.polls = true;
    sampler->host.long_ns = long_ns;
}

void gs_sampler_tasks(struct gs_sampler *sampler, bool suspended)
{
    sampler->host.tasks = true;
    sampler->host.suspended = suspended;
}

void gs_sampler_opcodes(struct gs_sampler *sampler)
{
    sampler->host.opcodes = true;
}

void gs_sampler_locks(struct gs_sampler *sampler, bool all, const struct gs_lock_looker *looker)
{
    sampler->host.locks = looker;
    sampler->host.all_locks = all;
    if (looker)
        sampler->host.looker = *looker;
}

void gs_sampler_loops(struct gs_sampler *sampler)
{
    sampler->host.loops = true;
}

void gs_sampler_join(struct gs_sampler *sampler)
{
    sampler->joins = true;
}

/* The run begins with the first process. */
static enum gs_status begin(struct gs_sampler *sampler)
{
    struct timespec now;
    char host[HOST_BYTES] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    sampler->begin_ns = gs_clock_ns();
    gs_pace_init(&sampler->pace, sampler->rate_hz, sampler->begin_ns);
    gethostname(host, sizeof host - 1);
    struct gs_run_info run = {.begin_ns = sampler->begin_ns,
                              .realtime_ns = now.tv_sec * (int64_t)GS_NS_PER_S + now.tv_nsec,
                              .rate_hz = sampler->rate_hz,
                              .gilspy = GILSPY_VERSION,
                              .host = host};
    struct gs_sink *sink = sampler->host.sink;
    return sink->begin ? sink->begin(sink, &run) : GS_OK;
}

enum gs_status gs_sampler_new(struct gs_sampler **out, double rate_hz, struct gs_sink *sink)
{
    struct gs_sampler *sampler = calloc(1, sizeof *sampler);
    *out = NULL;
    if (!sampler)
        return GS_NO_MEMORY;
    sampler->rate_hz = rate_hz;
    gs_cpu_hop_init(&sampler->hop, gs_clock_ns());
    sampler->host = (struct gs_stream_host){.sink = sink, .stacks = gs_stacks_new()};
    if (!sampler->host.stacks) {
        gs_sampler_free(sampler);
        return GS_NO_MEMORY;
    }
    *out = sampler;
    return GS_OK;
}

void gs_sampler_keep_affinity(struct gs_sampler *sampler)
{
    sampler->stays = true;
}

void gs_sampler_free(struct gs_sampler *sampler)
{
    if (!sampler)
        return;
    for (size_t i = 0; i < sampler->count; i++)
        gs_stream_free(sampler->list[i].stream);
    free(sampler->list);
    gs_stacks_free(sampler->host.stacks);
    gs_cpu_hop_fini(&sampler->hop);
    free(sampler);
}

enum gs_status gs_sampler_add(struct gs_sampler *sampler, uint64_t id, struct gs_python *python,
                              struct gs_reader *reader, struct gs_names *names)
{
    if (!gs_room((void **)&sampler->list, &sampler->room, sampler->count + 1, sizeof *sampler->list))
        return GS_NO_MEMORY;
    enum gs_status status = sampler->begin_ns ? GS_OK : begin(sampler);
    struct sampled *sampled = &sampler->list[sampler->count];
    /* The first one stands for the time since the beginning; one that comes later, since now. */
    *sampled =
        (struct sampled){.id = id, .reader = reader, .last_ns = sampler->samples ? gs_clock_ns() : sampler->begin_ns};
    if (!status)
        status = gs_stream_new(&sampled->stream, &sampler->host, id, python, reader, names);
    if (!status)
        sampler->count++;
    return status;
}

size_t gs_sampler_count(const struct gs_sampler *sampler)
{
    return sampler->count;
}

uint64_t gs_sampler_next_ns(struct gs_sampler *sampler)
{
    uint64_t now_ns = gs_clock_ns();
    return sampler->skipped ? gs_pace_later(&sampler->pace, now_ns, SKIPPED_NS) : gs_pace_next(&sampler->pace, now_ns);
}

void gs_sampler_rate(struct gs_sampler *sampler, double rate_hz)
{
    uint64_t late = sampler->pace.late;
    sampler->rate_hz = rate_hz;
    gs_pace_init(&sampler->pace, rate_hz, gs_clock_ns());
    sampler->pace.late = late;
}

static void add_quality(struct gs_quality *sum, const struct gs_quality *one)
{
    sum->samples += one->samples;
    sum->torn += one->torn;
    sum->retried += one->retried;
    sum->stopped += one->stopped;
    sum->stopped_us += one->stopped_us;
    sum->stopped_in_syscall += one->stopped_in_syscall;
    sum->late += one->late;
    sum->lost += one->lost;
    sum->took_us += one->took_us;
    sum->skipped += one->skipped;
    sum->refused += one->refused;
}

static void drop(struct gs_sampler *sampler, size_t index)
{
    struct sampled *sampled = &sampler->list[index];
    add_quality(&sampler->gone, gs_reader_quality(sampled->reader));
    gs_stream_free(sampled->stream);
    sampler->count--;
    memmove(sampled, sampled + 1, (sampler->count - index) * sizeof *sampled);
}

/* What is longer weighs on nobody. */
static uint64_t weight_most_ns(const struct gs_sampler *sampler)
{
    return gs_most(GAP_SLOTS * sampler->pace.period_ns, LEAST_GAP_NS);
}

static void weigh(const struct gs_sampler *sampler, struct sampled *sampled, struct gs_sample *sample)
{
    uint64_t most = weight_most_ns(sampler);
    uint64_t since = sample->time_ns > sampled->last_ns ? sample->time_ns - sampled->last_ns : 0;
    uint64_t kept_ns = gs_most(sampled->kept_ns, sampled->last_ns);
    uint64_t missed = sample->time_ns > kept_ns ? sample->time_ns - kept_ns : 0;
    sample->gap_ns = missed > most ? missed - sampler->pace.period_ns : 0;
    sample->weight_ns = since - sample->gap_ns;
    sampled->last_ns = sample->time_ns;
    sampled->tasks_ns += sample->weight_ns;
    if (!sample->tasks)
        return;
    sample->tasks_ns = sampled->tasks_ns;
    sampled->tasks_ns = 0;
}

/* A sample that was left out on purpose is no gap: the next one stands for its time, since nothing that it would have
 * shown had to do with that. */
static void note_skipped(struct gs_sampler *sampler, struct sampled *sampled)
{
    uint64_t skipped = gs_reader_quality(sampled->reader)->skipped;
    if (skipped == sampled->skipped)
        return;
    sampled->skipped = skipped;
    sampled->kept_ns = gs_clock_ns();
    sampler->skipped = true;
}

/* Those that do not count it let go of it after so few instructions that it changes hands all the time. */
static bool is_uncounted(const struct gs_sample *sample)
{
    for (size_t i = 0; i < sample->gil_count; i++) {
        if (!sample->gils[i].counted && sample->gils[i].state != GS_GIL_DISABLED)
            return true;
    }
    return false;
}

static enum gs_status give(struct gs_sampler *sampler, struct sampled *sampled, struct gs_sample *sample)
{
    struct gs_sink *sink = sampler->host.sink;
    weigh(sampler, sampled, sample);
    sampler->last_ns = gs_most(sampler->last_ns, sample->time_ns);
    return sink->sample ? sink->sample(sink, sample) : GS_OK;
}

/* Where a thread sleeps with the same stack all is the same: no task is told, and no loop counts what it runs. */
static bool may_sleep_again(const struct gs_sampler *sampler, const struct gs_sample *last)
{
    bool may = !sampler->host.tasks;
    for (size_t i = 0; i < last->loop_count; i++)
        may = may && last->loops[i].polls;
    return may;
}

/* The process slept since its last sample, which nobody need be told yet. */
static bool stands(struct gs_sampler *sampler, struct sampled *sampled)
{
    struct gs_sample last;
    uint64_t now_ns = gs_clock_ns(), kept_ns = gs_most(sampled->kept_ns, sampled->last_ns);
    if (!sampler->joins || !gs_stream_last(sampled->stream, &last) || now_ns > kept_ns + weight_most_ns(sampler) ||
        !gs_reader_asleep(sampled->reader, now_ns, may_sleep_again(sampler, &last)))
        return false;
    sampled->stood_ns = sampled->kept_ns = now_ns;
    sampler->samples++;
    sampler->thread_samples += last.thread_count;
    return true;
}

/* Gives what stood until now. */
static enum gs_status tell_stood(struct gs_sampler *sampler, struct sampled *sampled)
{
    struct gs_sample last;
    if (!sampled->stood_ns || !gs_stream_last(sampled->stream, &last))
        return GS_OK;
    last.time_ns = sampled->stood_ns;
    sampled->stood_ns = 0;
    return give(sampler, sampled, &last);
}

static enum gs_status tell_all_stood(struct gs_sampler *sampler)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < sampler->count && !status; i++)
        status = tell_stood(sampler, &sampler->list[i]);
    return status;
}

enum gs_status gs_sampler_drop(struct gs_sampler *sampler, uint64_t id, bool abandoned)
{
    size_t at = 0;
    while (at < sampler->count && sampler->list[at].id != id)
        at++;
    if (at == sampler->count)
        return GS_OK;
    enum gs_status status = tell_stood(sampler, &sampler->list[at]);
    if (abandoned)
        sampler->list[at].stream = NULL;
    drop(sampler, at);
    return status;
}

/* What is remembered of stacks must not grow for ever. */
static enum gs_status forget_stacks(struct gs_sampler *sampler)
{
    struct gs_stream_host *host = &sampler->host;
    if (gs_stacks_bytes(host->stacks) < STACKS_BYTES_MAX)
        return GS_OK;
    enum gs_status status = tell_all_stood(sampler);
    if (!status && host->sink->forget)
        status = host->sink->forget(host->sink);
    gs_stacks_clear(host->stacks);
    host->forgotten++;
    return status;
}

static enum gs_status take_one(struct gs_sampler *sampler, struct sampled *sampled)
{
    struct gs_sample sample;
    uint32_t processor = gs_cpu_hop_pinned(&sampler->hop);
    if (stands(sampler, sampled))
        return sampled->stood_ns - sampled->last_ns < STOOD_NS ? GS_OK : tell_stood(sampler, sampled);
    enum gs_status status = tell_stood(sampler, sampled);
    if (!status)
        status = gs_stream_take(sampled->stream, &sample);
    if (gs_status_class(status) == GS_CLASS_LOST) {
        note_skipped(sampler, sampled);
        return GS_OK; /* the next one will stand for its time too */
    }
    if (status)
        return status;
    sample.processor = processor;
    sampler->uncounted |= is_uncounted(&sample);
    sampler->samples++;
    sampler->thread_samples += sample.thread_count;
    return give(sampler, sampled, &sample);
}

enum gs_status gs_sampler_take(struct gs_sampler *sampler, uint64_t *id)
{
    if (sampler->next == 0) {
        sampler->skipped = false;
        enum gs_status status = forget_stacks(sampler);
        if (status)
            return status;
    }
    while (sampler->next < sampler->count) {
        struct sampled *sampled = &sampler->list[sampler->next];
        enum gs_status status = take_one(sampler, sampled);
        if (gs_status_class(status) == GS_CLASS_GONE) {
            *id = sampled->id;
            drop(sampler, sampler->next);
            return status;
        }
        if (status)
            return status;
        sampler->next++;
    }
    sampler->next = 0;
    if (sampler->uncounted && !sampler->stays)
        gs_cpu_hop(&sampler->hop, gs_clock_ns());
    sampler->uncounted = false;
    return GS_OK;
}

uint64_t gs_sampler_follow(struct gs_sampler *sampler, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    for (size_t i = 0; i < sampler->count && !sampler->host.polls; i++) {
        uint64_t due_ns = gs_reader_follow(sampler->list[i].reader, now_ns);
        next_ns = due_ns < next_ns ? due_ns : next_ns;
    }
    return next_ns;
}

void gs_sampler_until(struct gs_sampler *sampler, uint64_t end_ns)
{
    sampler->until_ns = gs_most(gs_most(sampler->begin_ns, sampler->last_ns), end_ns);
}

void gs_sampler_sum(const struct gs_sampler *sampler, struct gs_run_end *end)
{
    *end = (struct gs_run_end){.begin_ns = sampler->begin_ns,
                               .end_ns = sampler->until_ns ? sampler->until_ns : gs_clock_ns(),
                               .samples = sampler->samples,
                               .thread_samples = sampler->thread_samples,
                               .quality = sampler->gone,
                               .complete = true};
    for (size_t i = 0; i < sampler->count; i++)
        add_quality(&end->quality, gs_reader_quality(sampler->list[i].reader));
    end->quality.samples = sampler->samples; /* not the look before the run */
    end->quality.late += sampler->pace.late;
    end->quality.cpu_us = gs_clock_cpu_us();
}

/* Of the time behind the last sample nobody knows anything: a sample that weighs nothing has it as its gap. Figures
 * that are polled for are of the time up to the last poll. */
static enum gs_status tell_rest(const struct gs_sampler *sampler, const struct sampled *sampled, uint64_t end_ns)
{
    struct gs_sample sample;
    struct gs_sink *sink = sampler->host.sink;
    if (sampler->host.polls || !sink->sample || end_ns < sampled->last_ns + weight_most_ns(sampler) ||
        !gs_stream_rest(sampled->stream, &sample))
        return GS_OK;
    sample.time_ns = end_ns;
    sample.gap_ns = end_ns - sampled->last_ns;
    return sink->sample ? sink->sample(sink, &sample) : GS_OK;
}

enum gs_status gs_sampler_end(struct gs_sampler *sampler)
{
    struct gs_run_end end;
    struct gs_sink *sink = sampler->host.sink;
    gs_sampler_sum(sampler, &end);
    if (!sampler->begin_ns)
        return GS_OK;
    enum gs_status status = tell_all_stood(sampler);
    for (size_t i = 0; i < sampler->count && !status; i++)
        status = tell_rest(sampler, &sampler->list[i], end.end_ns);
    if (status)
        return status;
    return sink->end ? sink->end(sink, &end) : GS_OK;
}
