/* gilspy record: samples into a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/console.h"
#include "cmd/cmd.h"
#include "cmd/draw.h"
#include "cmd/message.h"
#include "profile/meter.h"
#include "base/clock.h"
#include "base/output.h"
#include "recording/rotate.h"
#include "cmd/wire.h"
#include "session/sampling.h"
#include "cmd/summary.h"
#include "recording/recorder.h"
#include "push/push.h"

/* Everything that is sampled goes into a recording; another format is drawn from it at the end. */
struct record {
    const struct gs_args *args;
    const struct gs_format *format; /* NULL: the recording itself */
    char *name;                     /* of the output */
    struct gs_output kept;          /* the recording, if it is what is asked for, */
    struct gs_rotation *rotation;   /* or several of them */
    int fd;
    struct gs_sink *recorder;
    struct gs_push *push; /* NULL: nothing is pushed */
    struct gs_sent sent;
    enum gs_status pushed; /* what came of it, */
    struct gs_err why;     /* and why it failed */
    uint64_t empty_bytes;  /* of a recording of nothing */
    struct gs_meter meter;
    struct gs_sampling *sampling;
    bool progress; /* a line of it stands on the terminal */
};

/* A file without a name: beside the output, where there is room for that too, or where temporary files are. */
static int open_unnamed(const char *output)
{
    const char *folder = getenv("TMPDIR");
    char *beside = strdup(output), *slash = beside ? strrchr(beside, '/') : NULL;
    if (slash)
        slash[slash == beside] = '\0';
    int fd = strcmp(output, "-") != 0 && beside ? open(slash ? beside : ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
    free(beside);
    if (fd < 0)
        fd = open(folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    FILE *file = tmpfile();
    if (!file)
        return -1;
    fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
    fclose(file);
    return fd;
}

static enum gs_status cannot_write(const struct record *r, int reason, struct gs_err *err)
{
    gs_fail(err, GS_OUTPUT, "cannot write to %.300s: %s", strcmp(r->name, "-") == 0 ? "the output" : r->name,
            strerror(reason));
    if (reason == EPIPE)
        err->what[0] = '\0'; /* whoever closed it knows */
    return GS_OUTPUT;
}

static void sum_up(void *context, struct gs_run_end *end)
{
    const struct record *r = context;
    gs_sampling_sum(r->sampling, end);
}

static enum gs_status open_rotation(struct record *r, struct gs_err *err)
{
    const struct gs_rotation_options options = {.output = r->name,
                                                .rotate_us = r->args->rotate_us,
                                                .rotate_bytes = r->args->rotate_bytes,
                                                .keep = r->args->rotate_keep,
                                                .remarks = &gs_to_user};
    return gs_rotation_open(&r->rotation, &options, sum_up, r, err);
}

static enum gs_status open_recording(struct record *r, struct gs_err *err)
{
    enum gs_status status = GS_OK;
    if (r->args->rotate_keep)
        return open_rotation(r, err);
    if (r->format) {
        r->fd = open_unnamed(r->name);
        if (r->fd < 0)
            return gs_fail(err, GS_OUTPUT, "cannot keep the samples in a temporary file: %s", strerror(errno));
        char *first;
        status = gs_draw_first_file(&first, r->format, r->name, err);
        if (!status)
            status = gs_output_try(NULL, first, first, &gs_to_user, err); /* rather now than after an hour */
        free(first);
    } else {
        status = gs_output_open_growing(&r->kept, NULL, r->name, r->name, &gs_to_user, err);
        r->fd = status ? -1 : fileno(r->kept.file);
    }
    if (status)
        return status;
    status = gs_recorder_open(&r->recorder, r->fd);
    if (status) {
        struct gs_err why;
        if (status == GS_OUTPUT)
            cannot_write(r, errno, err);
        else
            gs_fail(err, status, "cannot record: out of memory");
        if (!r->format)
            (void)!gs_output_close(&r->kept, false, &why);
        return status;
    }
    r->empty_bytes = gs_recorder_bytes(r->recorder);
    return GS_OK;
}

/* Who pushes wants no file, unless it is asked for. */
static bool wants_file(const struct gs_args *args)
{
    return !args->push || args->output || args->format || args->rotate_keep;
}

static enum gs_status open_sinks(struct record *r, struct gs_err *err)
{
    const struct gs_args *args = r->args;
    enum gs_status status = wants_file(args) ? open_recording(r, err) : GS_OK;
    struct gs_sink *sink = r->rotation && !status ? gs_rotation_sink(r->rotation) : r->recorder;
    if (!status && args->push) {
        const struct gs_push_options options = {.url = args->push,
                                                .every_us = args->every_us,
                                                .labels = args->labels,
                                                .label_count = args->label_count,
                                                .remarks = args->quiet ? NULL : &gs_to_user};
        status = gs_push_open(&r->push, &options, sink, err);
        sink = status ? NULL : gs_push_sink(r->push);
    }
    if (!status)
        gs_meter_init(&r->meter, sink);
    return status;
}

static void clear_progress(struct record *r)
{
    if (r->progress)
        fputs("\r\033[K", stderr);
    r->progress = false;
}

/* The line of progress; returns when it is to be renewed. */
static uint64_t show_progress(void *context, uint64_t now_ns, bool woken)
{
    enum { EVERY_NS = 500000000 };
    struct record *r = context;
    struct gs_run_end end;
    struct gs_console console;
    char line[160];
    (void)woken;
    gs_sampling_sum(r->sampling, &end);
    double seconds = end.begin_ns ? (double)(end.end_ns - end.begin_ns) / 1e9 : 0;
    gs_console_init(&console, stderr, GS_COLOR_NEVER);
    double held = r->meter.weighed_ns > 0 ? 100.0 * (double)r->meter.held_ns / (double)r->meter.weighed_ns : 0;
    snprintf(line, sizeof line, "%.0f s, %llu samples, %.0f a second, GIL held %.0f %%, %llu lost", seconds,
             (unsigned long long)end.samples, seconds > 0 ? (double)end.samples / seconds : 0, held,
             (unsigned long long)end.quality.lost);
    if (console.columns > 0 && (size_t)console.columns < sizeof line)
        line[console.columns - 1] = '\0'; /* a line that goes on in the next could not be taken back */
    fprintf(stderr, "\r\033[K%s", line);
    r->progress = true;
    return now_ns + EVERY_NS;
}

static enum gs_status draw(struct record *r, struct gs_err *err)
{
    static const char name[] = "the recording";
    struct gs_recording *recording;
    int fd = r->fd;
    r->fd = -1;
    enum gs_status status = gs_recording_open_fd(&recording, fd, name, err);
    if (status)
        return status;
    struct gs_join *join = gs_join_new();
    if (!join) {
        gs_recording_close(recording);
        return gs_fail(err, GS_NO_MEMORY, "cannot draw: out of memory");
    }
    status = gs_join_add(join, recording, name, err);
    if (!status)
        status = gs_draw(join, r->format, r->name, r->args, false, NULL, err);
    gs_join_free(join);
    return status;
}

/* A recording that is asked for goes to its place, or, when it broke off, stays where it grew. */
static enum gs_status place(struct record *r, enum gs_status status, bool any, struct gs_err *err)
{
    struct gs_err why;
    if (status && any && r->kept.part) {
        gs_err_todo(err, "What was recorded before is in %.300s: gilspy report draws it", r->kept.part);
        gs_output_leave(&r->kept);
        return status;
    }
    enum gs_status closed = gs_output_close(&r->kept, any && !status, &why);
    if (!status && closed)
        *err = why;
    return status ? status : closed;
}

/* Puts the file in its place. status: how the sampling ended. */
static enum gs_status finish_file(struct record *r, enum gs_status status, struct gs_err *err)
{
    if (r->rotation)
        return gs_rotation_finish(r->rotation, status, err);
    int reason = gs_recorder_error(r->recorder);
    bool any = r->meter.samples > 0 && gs_recorder_bytes(r->recorder) > r->empty_bytes;
    if (status == GS_OUTPUT && reason)
        cannot_write(r, reason, err);
    gs_recorder_close(r->recorder);
    r->recorder = NULL;
    if (!r->format)
        return place(r, status, any, err);
    if (any && (!status || status == GS_OUTPUT)) {
        struct gs_err why = {0};
        enum gs_status drawn = draw(r, status ? &why : err);
        status = status ? status : drawn;
    }
    return status;
}

/* What could not be pushed does not keep the file from being complete. */
static enum gs_status finish(struct record *r, enum gs_status status, struct gs_err *err)
{
    clear_progress(r);
    if (r->push)
        r->pushed = gs_push_finish(r->push, gs_clock_ns(), &r->sent, &r->why);
    return r->recorder || r->rotation ? finish_file(r, status, err) : status;
}

/* The last words, and how it ended. */
static enum gs_status summarize(const struct record *r, const struct gs_run_end *end, uint64_t missed,
                                struct gs_err *err)
{
    const struct gs_run_pushed pushed = {.server = r->args->push, .profiles = r->sent.sent, .lost = r->sent.lost};
    struct gs_summary summary = {.args = r->args,
                                 .format = r->format,
                                 .name = r->name,
                                 .meter = &r->meter,
                                 .rotation = r->rotation,
                                 .pushed = r->push ? &pushed : NULL,
                                 .file = wants_file(r->args),
                                 .end = end,
                                 .missed = missed};
    enum gs_status status = gs_summary_tell(&summary);
    if (status || !r->pushed)
        return status;
    *err = r->why;
    return r->pushed;
}

/* Called from another thread when the one that samples is stuck in the kernel, and so not in the recorder. */
static void give_up(void *context)
{
    struct record *r = context;
    struct gs_run_end end;
    struct gs_err err = {0};
    gs_sampling_sum(r->sampling, &end);
    enum gs_status status = r->meter.sink.end(&r->meter.sink, &end);
    status = finish(r, status, &err);
    if (!status && r->meter.samples > 0)
        status = summarize(r, &end, 0, &err);
    bool failed = status || r->meter.samples == 0;
    _exit(gs_stdout_close(failed ? gs_output_message(status ? status : GS_FAILED, &err) : 0));
}

static bool with_tasks(const struct gs_args *args)
{
    return args->mode == GS_MODE_AWAIT || (args->given & GS_OPT(TASKS) && args->tasks != GS_TASKS_OFF);
}

static int record(struct record *r)
{
    const struct gs_args *args = r->args;
    struct gs_err err = {0};
    int exit = 0;
    struct gs_sampling_options options = {.family = gs_wire_family(args, NULL),
                                          .rate_hz = args->rate_hz,
                                          .duration_us = args->duration_us,
                                          .at_once = args->given & GS_OPT(CONTROL)};
    options.tasks = with_tasks(args);
    options.locks = true;
    options.all_locks = args->locks || args->mode == GS_MODE_LOCKS;
    options.opcodes = args->opcodes;
    options.exceptions = args->mode == GS_MODE_EXCEPTION;
    options.suspended = args->mode == GS_MODE_AWAIT || (!r->format && args->tasks == GS_TASKS_ALL);
    struct gs_sampling_calls calls = {.context = r, .give_up = give_up};
    if (isatty(STDERR_FILENO) && !args->quiet && !args->program) /* a program has the terminal for itself */
        calls.tick = show_progress;
    enum gs_status status = open_sinks(r, &err);
    if (!status)
        status = gs_sampling_open(&r->sampling, &options, &r->meter.sink, &calls, &exit, &err);
    struct gs_run_end end = {0};
    if (!status) {
        status = gs_sampling_run(r->sampling, &err);
        gs_sampling_sum(r->sampling, &end);
    }
    if (r->recorder || r->rotation || r->push)
        status = finish(r, status, &err);
    if (!status)
        status = summarize(r, &end, gs_sampling_missed(r->sampling), &err);
    int failed = status ? (err.what[0] || !exit ? gs_output_message(status, &err) : exit) : 0;
    int child = r->sampling ? gs_sampling_wait(r->sampling) : -1;
    gs_sampling_close(r->sampling);
    return failed || child >= 0 ? gs_wire_exit(failed, child) : gs_stdout_close(exit);
}

/* What is drawn at the end has no parts; without a name or a format it is recordings that are meant. */
static enum gs_status check_rotation(struct record *r, struct gs_err *err)
{
    const struct gs_args *args = r->args;
    if (!args->output && !args->format)
        r->format = NULL;
    if (!r->format && !(args->output && (strcmp(args->output, "-") == 0 || strncmp(args->output, "/dev/", 5) == 0)))
        return GS_OK;
    gs_fail(err, GS_USAGE, "cannot rotate %s: only recordings in files can be", r->format ? r->format->name : "this");
    gs_err_todo(err, "Record with -o NAME.gilspy, and draw with gilspy report NAME.*.gilspy");
    return GS_USAGE;
}

static enum gs_status check_push(const struct gs_args *args, struct gs_err *err)
{
    const struct gs_push_protocol *protocol;
    char *server;
    const char *alone = args->push ? NULL : gs_args_given(args, GS_OPT(EVERY) | GS_OPT(LABEL));
    if (alone)
        return gs_fail(err, GS_USAGE, "cannot record: --%s is for what is sent with --push", alone);
    enum gs_status status = args->push ? gs_push_url(args->push, &protocol, &server, err) : GS_OK;
    if (args->push)
        free(server);
    return status;
}

/* A recording has all of it, and so has what is pushed. */
static void tell_unheeded(const struct gs_args *args)
{
    const char *drawn = gs_args_given(args, (args->mode == GS_MODE_LOCKS ? 0 : GS_OPT(MODE)) | GS_OPT(GIL) |
                                                GS_OPT(IDLE) | GS_OPT(THREADS) | GS_OPT(THREAD) | GS_OPT(FUNCTION));
    if (drawn && !args->quiet)
        gs_remark(wants_file(args)
                      ? "a recording has every thread and every mode: give --%s to gilspy report, which draws it"
                      : "what is pushed has every thread and every mode: --%s changes nothing",
                  drawn);
}

static int run(const struct gs_args *args)
{
    struct record r = {.args = args, .fd = -1};
    struct gs_err err;
    enum gs_status status = gs_args_check(args, "record", &err);
    if (!status)
        status = gs_draw_choose(&r.format, args, &err);
    if (!status && !r.format && args->output && strcmp(args->output, "-") == 0 && isatty(STDOUT_FILENO))
        status = gs_fail(&err, GS_USAGE, "cannot write a recording to a terminal");
    if (!status)
        status = check_push(args, &err);
    if (!status && args->rotate_keep)
        status = check_rotation(&r, &err);
    if (status)
        return gs_message(status, &err);
    if (!wants_file(args))
        r.format = NULL;
    if (!r.format)
        tell_unheeded(args);
    char extension[32];
    gs_draw_extension(r.format, extension);
    r.name = wants_file(args) ? gs_wire_name(args, extension) : strdup(args->push);
    int exit = r.name ? record(&r) : gs_status_exit(GS_NO_MEMORY);
    gs_meter_fini(&r.meter);
    gs_push_close(r.push);
    gs_rotation_close(r.rotation);
    if (r.format && r.fd >= 0)
        close(r.fd);
    free(r.name);
    return exit;
}

const struct gs_cmd gs_cmd_record = {
    .name = "record",
    .summary = "sample into a file: a flame graph, or a recording to look at again later",
    .operands = "[-- COMMAND ...]",
    .offers = GS_OFFER_PROGRAM,
    .help =
        "Samples what every thread does, with who holds the GIL and who waits for it, until Ctrl-C, the duration or "
        "the end of the process, and writes a report (html), a flame graph (svg), a profile for speedscope, pprof, "
        "KCachegrind, SnakeViz, Perfetto or Firefox, or a recording that "
        "gilspy report draws in each of these.\n"
        "\n"
        "Nothing is stopped to be read, but for one thread for some 30 us where its stack changed meanwhile. Each "
        "sample weighs the time since the one before; what was missed is told.\n"
        "\n"
        "  gilspy record -p 1234 -o out.svg               a flame graph, coloured by GIL\n"
        "  gilspy record -p 1234 -n -o out.svg            with frames of C\n"
        "  gilspy record -p 1234 -d 30 -m blame -o b.svg  who made whom wait\n"
        "  gilspy record -p 1234 -m locks -o out.svg      what waits for any lock\n"
        "  gilspy record -p 1234 --tasks -o out.svg       by task of its event loops\n"
        "  gilspy record -p 1234 -m await -o out.svg      what suspended tasks wait for\n"
        "  gilspy record -p 1234 -m exception -o e.svg    while an exception is handled\n"
        "  gilspy record -p 1234 --opcodes -o out.svg     by instruction of bytecode\n"
        "  gilspy record -p 1234 -f source -o pages       the source, line by line\n"
        "  gilspy record -p 1234 -o run.gilspy            to be drawn later, in any mode\n"
        "  gilspy record -p 1234 -o run.gilspy --rotate 1h,24   the last day, by hours\n"
        "  gilspy record -p 1234 --push pyroscope+http://host:4040   to a server\n"
        "  gilspy record -s -- python3 app.py             a program and its children",
    .options = GS_OPT(PID) | GS_OPT(NAME) | GS_OPT(CGROUP) | GS_OPT(SUBPROCESSES) | GS_OPT(USER) | GS_OPT(RATE) |
               GS_OPT(DURATION) | GS_OPT(CONTROL) | GS_OPT(ROTATE) | GS_OPT(PUSH) | GS_OPT(EVERY) | GS_OPT(LABEL) |
               GS_OPT(FORMAT) | GS_OPT(MODE) | GS_OPT(GIL) | GS_OPT(IDLE) | GS_OPT(THREADS) | GS_OPT(THREAD) |
               GS_OPT(FUNCTION) | GS_OPT(TASKS) | GS_OPT(LOCKS) | GS_OPT(OPCODES) | GS_OPT(NO_SOURCE) | GS_OPT(NATIVE) |
               GS_OPT(DEBUGINFOD) | GS_OPT(BLOCKING) | GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) | GS_OPT(JSON) |
               GS_OPT(OUTPUT) | GS_OPT(ASSUME) | GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .run = run,
};
