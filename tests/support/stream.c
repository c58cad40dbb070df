/* Making samples by hand. */
#include <string.h>

#include "support/stream.h"
#include "support/unit.h"

enum { BEGIN_NS = 5000000000 };

void stream_begin(struct stream *stream, struct gs_sink *sink)
{
    struct gs_run_info run = {
        .begin_ns = BEGIN_NS, .realtime_ns = 1769860800123456789, .rate_hz = 100, .gilspy = "0.1.0", .host = "box"};
    memset(stream, 0, sizeof *stream);
    stream->sink = sink;
    stream->stacks = gs_stacks_new();
    stream->time_ns = BEGIN_NS;
    assert_non_null(stream->stacks);
    if (sink->begin)
        assert_int_equal(sink->begin(sink, &run), GS_OK);
}

void stream_process(struct stream *stream, int pid, char *const *command)
{
    struct gs_sampled_process process = {.pid = pid,
                                         .ns_pid = pid,
                                         .command = command,
                                         .python = "3.11.7",
                                         .build = "release",
                                         .exe = "/usr/bin/python3.11",
                                         .start_ticks = stream->start_ticks};
    stream->process = stream->process_count++;
    if (stream->sink->process)
        assert_int_equal(stream->sink->process(stream->sink, stream->process, &process), GS_OK);
}

uint32_t stream_thread(struct stream *stream, int tid, const char *name)
{
    struct gs_sampled_thread thread = {.process = stream->process,
                                       .tid = tid,
                                       .ns_tid = tid,
                                       .ident = 139637976000000 + (uint64_t)tid,
                                       .name = name,
                                       .main = stream->thread_count == 0};
    if (stream->sink->thread)
        assert_int_equal(stream->sink->thread(stream->sink, stream->thread_count, &thread), GS_OK);
    return stream->thread_count++;
}

static uint32_t push(struct stream *stream, uint32_t caller, const struct gs_place *place)
{
    uint32_t number = gs_stacks_place(stream->stacks, place);
    assert_int_not_equal(number, 0);
    uint32_t stack = gs_stacks_push(stream->stacks, caller, number);
    assert_int_not_equal(stack, 0);
    return stack;
}

uint32_t stream_call(struct stream *stream, uint32_t caller, const char *qualname, const char *file, int line)
{
    const char *dot = strrchr(qualname, '.');
    return push(stream, caller,
                &(struct gs_place){.function = dot ? dot + 1 : qualname,
                                   .qualname = qualname,
                                   .file = file,
                                   .line = line,
                                   .kind = GS_FRAME_PYTHON});
}

uint32_t stream_task(struct stream *stream, const char *name)
{
    return push(stream, 0, &(struct gs_place){.function = name, .file = "", .kind = GS_FRAME_TASK});
}

uint32_t stream_gap(struct stream *stream, enum gs_gap gap)
{
    return push(stream, 0, &(struct gs_place){.function = gs_gap_text(gap), .file = "", .kind = GS_FRAME_GAP});
}

struct gs_thread_sample *stream_add(struct stream *stream, uint32_t thread, uint32_t stack, enum gs_gil_word gil,
                                    enum gs_run run)
{
    assert_true(stream->count < STREAM_THREADS);
    struct gs_thread_sample *sample = &stream->threads[stream->count++];
    *sample = (struct gs_thread_sample){.thread = thread, .stack = stack, .gil = (uint8_t)gil, .run = (uint8_t)run};
    return sample;
}

void stream_suspend(struct stream *stream, uint32_t thread_at, uint32_t stack)
{
    assert_true(stream->task_count < STREAM_TASKS);
    stream->tasks[stream->task_count++] = (struct gs_task_sample){thread_at, stack};
}

enum gs_status stream_tick(struct stream *stream, uint64_t weight_ns, uint64_t gap_ns)
{
    stream->time_ns += weight_ns + gap_ns;
    stream->samples++;
    stream->thread_samples += stream->count;
    struct gs_sampled_gil gils[GS_GILS_MOST];
    size_t gil_count = gs_sampled_gils_infer(gils, stream->threads, stream->count);
    for (size_t i = 0; i < gil_count && i < STREAM_GILS; i++) {
        gils[i].counted = stream->counted && i < STREAM_GILS;
        gils[i].switches = gils[i].counted ? stream->switches[i] : 0;
    }
    struct gs_sample sample = {.process = stream->process,
                               .time_ns = stream->time_ns,
                               .weight_ns = weight_ns,
                               .gap_ns = gap_ns,
                               .threads = stream->threads,
                               .thread_count = stream->count,
                               .gils = gils,
                               .gil_count = gil_count,
                               .tasks_ns = stream->task_count > 0 ? weight_ns : 0,
                               .tasks = stream->tasks,
                               .task_count = stream->task_count,
                               .stacks = stream->stacks};
    return stream->sink->sample ? stream->sink->sample(stream->sink, &sample) : GS_OK;
}

void stream_clear(struct stream *stream)
{
    stream->count = stream->task_count = 0;
}

void stream_forget(struct stream *stream)
{
    gs_stacks_clear(stream->stacks);
    stream->count = 0;
    if (stream->sink->forget)
        assert_int_equal(stream->sink->forget(stream->sink), GS_OK);
}

enum gs_status stream_end(struct stream *stream)
{
    stream->quality.samples = stream->samples;
    struct gs_run_end end = {.end_ns = stream->time_ns,
                             .samples = stream->samples,
                             .thread_samples = stream->thread_samples,
                             .quality = stream->quality,
                             .complete = true};
    enum gs_status status = stream->sink->end(stream->sink, &end);
    gs_stacks_free(stream->stacks);
    return status;
}
