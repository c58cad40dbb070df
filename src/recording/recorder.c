/* The sink that writes a recording: what stands around the samples. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "recording/quality.h"
#include "recording/recorder.h"
#include "recording/samples_out.h"

struct gs_recorder {
    struct gs_sink sink; /* first: it is what the source knows */
    struct gs_packer packer;
    struct gs_samples_out samples;
    uint64_t block_ns; /* time of the block's first sample, */
    bool block_begun;  /* if it has one */
};

static struct gs_recorder *recorder_of(struct gs_sink *sink)
{
    return (struct gs_recorder *)sink;
}

/* Begins a record: the tag is put. NULL, and why, when there is no room. */
static uint8_t *begin_record(struct gs_recorder *recorder, enum gs_record tag, size_t most, enum gs_status *status)
{
    *status = gs_packer_room(&recorder->packer, most + 1);
    if (*status)
        return NULL;
    uint8_t *to = recorder->packer.raw + recorder->packer.len;
    *to++ = (uint8_t)tag;
    return to;
}

static enum gs_status record_begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_recorder *recorder = recorder_of(sink);
    enum gs_status status;
    uint8_t *to = begin_record(
        recorder, GS_RECORD_RUN,
        GS_WIRE_NUMBER_MOST * 6 + gs_wire_string_len(run->gilspy) + gs_wire_string_len(run->host), &status);
    if (!to)
        return status;
    double slot_ns = run->rate_hz > 0 ? (double)GS_NS_PER_S / run->rate_hz : 0;
    recorder->samples.begin_ns = run->begin_ns;
    recorder->samples.slot_ns = slot_ns < 9e18 ? (uint64_t)slot_ns : 0;
    to = gs_wire_put(to, run->begin_ns);
    to = gs_wire_put(to, gs_wire_zigzag(run->realtime_ns));
    to = gs_wire_put(to, recorder->samples.slot_ns);
    to = gs_wire_put_bytes(to, &run->rate_hz, sizeof run->rate_hz);
    to = gs_wire_put_string(to, run->gilspy);
    to = gs_wire_put_string(to, run->host);
    return gs_packer_commit(&recorder->packer, to);
}

/* How many arguments are written, and the bytes that they take at most. */
static size_t count_arguments(char *const *command, size_t *most)
{
    size_t count = 0;
    *most = 0;
    for (; command && command[count] && count < GS_WIRE_ARGUMENTS_MOST; count++) {
        size_t len = gs_wire_string_len(command[count]) + GS_WIRE_NUMBER_MOST + 1;
        if (*most + len > GS_WIRE_COMMAND_MOST)
            break;
        *most += len;
    }
    return count;
}

static enum gs_status record_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_recorder *recorder = recorder_of(sink);
    const char *strings[] = {process->python, process->build, process->exe};
    size_t most, count = count_arguments(process->command, &most);
    enum gs_status status = gs_samples_out_process(&recorder->samples, number);
    if (status)
        return status;
    for (size_t i = 0; i < 3; i++)
        most += gs_wire_string_len(strings[i]) + GS_WIRE_NUMBER_MOST + 2;
    uint8_t *to = begin_record(recorder, GS_RECORD_PROCESS, most + GS_WIRE_NUMBER_MOST * 4 + 1, &status);
    if (!to)
        return status;
    to = gs_wire_put(to, (uint32_t)process->pid);
    to = gs_wire_put(to, (uint32_t)process->ns_pid);
    to = gs_wire_put(to, process->start_ticks);
    *to++ = process->exceptions;
    for (size_t i = 0; i < 3; i++) {
        *to++ = strings[i] != NULL;
        if (strings[i])
            to = gs_wire_put_string(to, strings[i]);
    }
    to = gs_wire_put(to, count);
    for (size_t i = 0; i < count; i++)
        to = gs_wire_put_string(to, process->command[i]);
    return gs_packer_commit(&recorder->packer, to);
}

static enum gs_status record_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_recorder *recorder = recorder_of(sink);
    enum gs_status status;
    if (number >= GS_WIRE_THREADS_MOST)
        return GS_FAILED;
    uint8_t *to =
        begin_record(recorder, GS_RECORD_THREAD, GS_WIRE_NUMBER_MOST * 7 + gs_wire_string_len(thread->name), &status);
    if (!to)
        return status;
    to = gs_wire_put(to, number);
    to = gs_wire_put(to, thread->process);
    to = gs_wire_put(to, (uint32_t)thread->tid);
    to = gs_wire_put(to, (uint32_t)thread->ns_tid);
    to = gs_wire_put(to, thread->ident);
    *to++ = thread->main;
    to = gs_wire_put_string(to, thread->name);
    return gs_packer_commit(&recorder->packer, to);
}

static enum gs_status record_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_recorder *recorder = recorder_of(sink);
    enum gs_status status = gs_samples_out_put(&recorder->samples, &recorder->packer, sample);
    if (status)
        return status;
    if (recorder->packer.len == 0) {
        recorder->block_begun = false;
    } else if (!recorder->block_begun) {
        recorder->block_begun = true;
        recorder->block_ns = sample->time_ns;
    } else if (sample->time_ns - recorder->block_ns >= GS_NS_PER_S) {
        recorder->block_begun = false;
        return gs_packer_write(&recorder->packer);
    }
    return GS_OK;
}

static enum gs_status record_forget(struct gs_sink *sink)
{
    struct gs_recorder *recorder = recorder_of(sink);
    enum gs_status status;
    uint8_t *to = begin_record(recorder, GS_RECORD_FORGET, 0, &status);
    if (!to)
        return status;
    gs_samples_out_forget(&recorder->samples);
    return gs_packer_commit(&recorder->packer, to);
}

static enum gs_status record_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_recorder *recorder = recorder_of(sink);
    enum gs_status status;
    uint8_t *to = begin_record(recorder, GS_RECORD_END, GS_WIRE_NUMBER_MOST * (4 + GS_QUALITY_FIELDS), &status);
    if (!to)
        return status;
    to = gs_wire_put(to, end->end_ns - recorder->samples.begin_ns);
    to = gs_wire_put(to, end->samples);
    to = gs_wire_put(to, end->thread_samples);
    *to++ = end->complete;
    for (size_t i = 0; i < GS_QUALITY_FIELDS; i++)
        to = gs_wire_put(to, *gs_quality_field((struct gs_quality *)&end->quality, i));
    status = gs_packer_commit(&recorder->packer, to);
    return status ? status : gs_packer_write(&recorder->packer);
}

enum gs_status gs_recorder_open(struct gs_sink **sink, int fd)
{
    struct gs_recorder *recorder = calloc(1, sizeof *recorder);
    *sink = NULL;
    if (!recorder)
        return GS_NO_MEMORY;
    recorder->sink = (struct gs_sink){.begin = record_begin,
                                      .process = record_process,
                                      .thread = record_thread,
                                      .sample = record_sample,
                                      .forget = record_forget,
                                      .end = record_end};
    gs_samples_out_init(&recorder->samples);
    enum gs_status status = gs_packer_init(&recorder->packer, fd);
    if (status) {
        int error = recorder->packer.error;
        gs_recorder_close(&recorder->sink);
        errno = error;
        return status;
    }
    *sink = &recorder->sink;
    return GS_OK;
}

void gs_recorder_close(struct gs_sink *sink)
{
    struct gs_recorder *recorder = recorder_of(sink);
    if (!recorder)
        return;
    /* After an end there is nothing left, and without one the run has failed anyhow. */
    (void)!gs_packer_write(&recorder->packer);
    gs_packer_fini(&recorder->packer);
    gs_samples_out_fini(&recorder->samples);
    free(recorder);
}

int gs_recorder_error(const struct gs_sink *sink)
{
    return ((const struct gs_recorder *)sink)->packer.error;
}

uint64_t gs_recorder_bytes(const struct gs_sink *sink)
{
    return ((const struct gs_recorder *)sink)->packer.written;
}
