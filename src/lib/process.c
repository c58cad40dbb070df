/* Attaching, snapshots, and sampling for a while. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/least.h"
#include "base/output.h"
#include "base/parse.h"
#include "gilspy/sampler.h"
#include "lib/handle.h"
#include "lib/run.h"
#include "recording/recorder.h"

#define MAX_PAUSE 0.02                /* of the time, for which threads may be stopped */
#define STOP_NS   UINT64_C(100000000) /* how soon gilspy_stop is noticed */

/* ---- attaching ---- */

/* A thread of the process stands still until we end. */
static void end(void *context, const struct gs_err *err)
{
    (void)context;
    (void)err;
    abort();
}

static enum gilspy_status attach(pid_t pid, const char *core, const char *program, const struct gilspy_options *given,
                                 gilspy_process **out, struct gilspy_error *error)
{
    struct gilspy_options options = {.struct_size = sizeof options};
    struct gs_attach_options wanted = {
        .core = core, .exe = program, .reader = {.stopping = GS_STOP_NEVER, .keep_limits = true}, .end = end};
    struct gs_err err = {.what = ""};
    *out = NULL;
    if (given) {
        size_t len = given->struct_size < sizeof options ? given->struct_size : sizeof options;
        memcpy(&options, given, len);
    }
    if (options.stop) {
        wanted.reader.stopping = GS_STOP_TORN;
        wanted.reader.max_pause = MAX_PAUSE;
    }
    wanted.reader.native = options.native ? GS_NATIVE_ALL : GS_NATIVE_NONE;
    if (options.assume && !gs_parse_version(options.assume, &wanted.assume))
        return gs_lib_usage(error, "assume: not a version of Python");
    gilspy_process *process = calloc(1, sizeof *process);
    if (!process)
        return gs_lib_fail(error, GS_NO_MEMORY, NULL);
    process->sample.merge = gs_merge_new();
    enum gs_status status =
        process->sample.merge ? gs_attach_open(&process->attach, pid, &wanted, GS_ATTACH_WHOLE, &err) : GS_NO_MEMORY;
    if (status != GS_OK) {
        gilspy_close(process);
        return gs_lib_fail(error, status, &err);
    }
    *out = process;
    return GILSPY_OK;
}

enum gilspy_status gilspy_attach(pid_t pid, const struct gilspy_options *options, gilspy_process **process,
                                 struct gilspy_error *error)
{
    return attach(pid, NULL, NULL, options, process, error);
}

enum gilspy_status gilspy_attach_core(const char *core, const char *program, const struct gilspy_options *options,
                                      gilspy_process **process, struct gilspy_error *error)
{
    return attach(0, core, program, options, process, error);
}

void gilspy_close(gilspy_process *process)
{
    if (!process)
        return;
    gs_lib_sample_fini(&process->sample);
    gs_lib_roster_fini(&process->roster);
    if (process->attach)
        gs_attach_close(process->attach);
    free(process);
}

pid_t gilspy_pid(const gilspy_process *process)
{
    return process->attach->target->pid;
}

const char *gilspy_python(const gilspy_process *process)
{
    return process->attach->python->version;
}

/* ---- snapshots ---- */

enum gilspy_status gilspy_snapshot(gilspy_process *process, const gilspy_sample **out, struct gilspy_error *error)
{
    struct gilspy_sample *sample = &process->sample;
    *out = NULL;
    enum gs_status status = gs_attach_snapshot(process->attach);
    if (status != GS_OK)
        return gs_lib_fail(error, status, NULL);
    sample->attach = process->attach;
    sample->sample = NULL;
    sample->threads = gs_merge_threads(sample->merge, process->attach->snapshot, &sample->thread_count);
    if (!sample->threads)
        return gs_lib_fail(error, GS_NO_MEMORY, NULL);
    *out = sample;
    return GILSPY_OK;
}

/* ---- sampling ---- */

void gilspy_stop(gilspy_process *process)
{
    atomic_store(&process->stop, true);
}

/* False: it is to end. */
static bool wait_until(gilspy_process *process, uint64_t ns)
{
    for (uint64_t now_ns = gs_clock_ns(); now_ns < ns && !atomic_load(&process->stop); now_ns = gs_clock_ns()) {
        uint64_t left_ns = gs_least(ns - now_ns, STOP_NS);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = (long)left_ns}, NULL);
    }
    return !atomic_load(&process->stop);
}

static enum gs_status loop(gilspy_process *process, struct gs_sampler *sampler, uint64_t end_ns)
{
    enum gs_status status = GS_OK;
    for (uint64_t id; status == GS_OK;) {
        uint64_t next_ns = gs_sampler_next_ns(sampler);
        if (!wait_until(process, gs_least(next_ns, end_ns)) || next_ns >= end_ns)
            break;
        status = gs_sampler_take(sampler, &id);
    }
    if (end_ns < UINT64_MAX)
        gs_sampler_until(sampler, gs_least(end_ns, gs_clock_ns()));
    return status;
}

enum gs_status gs_lib_run(gilspy_process *process, const struct gs_lib_span *span, struct gs_sink *sink)
{
    struct gs_attach *attached = process->attach;
    struct gs_sampler *sampler;
    if (attached->target->postmortem || !(span->rate_hz > 0) || span->seconds < 0 || isnan(span->seconds))
        return GS_USAGE;
    enum gs_status status = gs_sampler_new(&sampler, span->rate_hz, sink);
    if (status != GS_OK)
        return status;
    gs_sampler_keep_affinity(sampler);
    if (span->polls)
        gs_sampler_poll(sampler, span->long_ns / 2);
    process->sample.attach = NULL;
    status = gs_sampler_add(sampler, 0, attached->python, attached->reader, attached->names);
    bool lasts = span->seconds > 0 && span->seconds < 1e9;
    uint64_t end_ns = lasts ? gs_clock_ns() + (uint64_t)(span->seconds * 1e9) : UINT64_MAX;
    if (status == GS_OK)
        status = loop(process, sampler, end_ns);
    if (gs_status_class(status) == GS_CLASS_GONE)
        status = GS_OK; /* it ended, and so does the run */
    enum gs_status ended = gs_sampler_end(sampler);
    gs_sampler_free(sampler);
    atomic_store(&process->stop, false);
    return status != GS_OK ? status : ended;
}

enum gilspy_status gilspy_run(gilspy_process *process, double rate_hz, double seconds, gilspy_callback callback,
                              void *context, struct gilspy_error *error)
{
    struct gs_lib_sink sink;
    struct gs_lib_span span = {.rate_hz = rate_hz, .seconds = seconds};
    gs_lib_roster_fini(&process->roster);
    gs_lib_sink_init(&sink, &process->roster, &process->sample, callback, context);
    enum gs_status status = gs_lib_run(process, &span, &sink.base);
    return status == GS_OK || sink.stopped ? GILSPY_OK : gs_lib_fail(error, status, NULL);
}

enum gilspy_status gilspy_record(gilspy_process *process, const char *path, double rate_hz, double seconds,
                                 struct gilspy_error *error)
{
    struct gs_lib_span span = {.rate_hz = rate_hz, .seconds = seconds};
    struct gs_output output;
    struct gs_sink *sink = NULL;
    struct gs_err err = {.what = ""};
    enum gs_status status = gs_output_open(&output, path, NULL, &err);
    if (status != GS_OK)
        return gs_lib_fail(error, status, &err);
    status = gs_recorder_open(&sink, fileno(output.file));
    if (status == GS_OK)
        status = gs_lib_run(process, &span, sink);
    if (status == GS_OUTPUT)
        gs_fail(&err, status, "cannot write to %.300s: %s", path, strerror(sink ? gs_recorder_error(sink) : errno));
    gs_recorder_close(sink);
    status = gs_output_end(&output, status, &err);
    return status == GS_OK ? GILSPY_OK : gs_lib_fail(error, status, &err);
}
