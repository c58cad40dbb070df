/* gilspy trace: an exact timeline of the GIL, written while it is traced. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/least.h"
#include "base/console.h"
#include "cmd/cmd.h"
#include "cmd/message.h"
#include "profile/meter.h"
#include "cmd/wire.h"
#include "session/loop.h"
#include "session/traced.h"
#include "export/text/exact_remarks.h"
#include "export/run.h"
#include "export/timeline/feed.h"
#include "export/text/trace.h"
#include "gilspy/sampler.h"

static const double overhead_most = 0.2; /* unless --max-overhead says otherwise */

struct trace {
    const struct gs_args *args;
    const struct gs_timeline_format *format;
    char *name; /* of the output */
    struct gs_output output;
    struct gs_traced traced;
    struct gs_loop loop;
    uint64_t sample_ns, end_ns; /* of the next sample; of the run, UINT64_MAX: none */
    struct gs_reader *reader;   /* the sampler's own: the look's is used for the states at the beginning of windows */
    struct gs_names *names;
    struct gs_sampler *sampler;
    struct gs_timeline *timeline;
    struct gs_meter meter;
    struct gs_selection selection; /* of threads that have tracks */
    struct gs_timeline_feed feed;
    struct gs_exact *exact;
    struct gs_gilstat stat;
    bool open, sampled, gone; /* sampled: it is not traced any more */
};

/* ---- the beginning ---- */

static enum gs_status choose_format(const struct gs_timeline_format **format, const struct gs_args *args,
                                    struct gs_err *err)
{
    const char *output = args->output && strcmp(args->output, "-") != 0 ? args->output : NULL;
    *format = &gs_timeline_chrome;
    if (args->format)
        *format = gs_timeline_find(args->format);
    else if (output && strncmp(output, "/dev/", 5) != 0)
        *format = gs_timeline_of_file(output);
    if (*format)
        return GS_OK;
    if (args->format)
        gs_fail(err, GS_USAGE, "cannot write the format '%.60s': trace has none of that name", args->format);
    else
        gs_fail(err, GS_USAGE, "cannot tell the format from the name %.200s", output);
    gs_err_todo(err, GS_TIMELINE_FORMATS_HINT);
    return GS_USAGE;
}

/* The sampler, for the functions. */
static enum gs_status open_sampler(struct trace *t, struct gs_err *err)
{
    const struct gs_args *args = t->args;
    struct gs_reader_options options = {.stopping = args->stopping, .max_pause = args->max_pause};
    struct gs_python *python = t->traced.attach->python;
    enum gs_status status = t->format->open(&t->timeline, t->output.file, t->traced.attach->target->pid, &t->selection);
    if (!status)
        status = gs_reader_new(&t->reader, python, &options);
    t->names = status ? NULL : gs_names_new(python);
    if (!status && !t->names)
        status = GS_NO_MEMORY;
    if (!status) {
        gs_meter_init(&t->meter, t->timeline->sink);
        status = gs_sampler_new(&t->sampler, args->rate_hz, &t->meter.sink);
    }
    if (!status)
        status = gs_sampler_add(t->sampler, 0, python, t->reader, t->names);
    return status ? gs_fail(err, status, "cannot trace: %s", gs_status_text(status)) : GS_OK;
}

static enum gs_status begin(struct trace *t, struct gs_err *err)
{
    const struct gs_args *args = t->args;
    struct gs_exact_tap tap = gs_timeline_feed_tap(&t->feed);
    struct gs_exact_options options = {.max_overhead = args->max_overhead < 0   ? 0
                                                       : args->max_overhead > 0 ? args->max_overhead
                                                                                : overhead_most,
                                       .long_us = args->long_us,
                                       .switches = true,
                                       .counters = args->counters,
                                       .tap = &tap};
    const struct gs_family_options family = gs_wire_family(args, &t->output);
    enum gs_status status = gs_traced_open(&t->traced, &family, err);
    if (!status)
        status = gs_output_open(&t->output, t->name, &gs_to_user, err);
    t->open = !status;
    if (!status)
        status = open_sampler(t, err);
    if (!status && gs_timeline_feed_init(&t->feed, t->timeline, &t->selection))
        status = gs_fail(err, GS_NO_MEMORY, "cannot trace: out of memory");
    if (status)
        return status;
    struct gs_exact_subject subject = gs_traced_subject(&t->traced);
    status = gs_exact_open(&t->exact, &subject, &options, err);
    t->feed.exact = t->exact;
    return status;
}

/* ---- the loop ---- */

static bool is_gone(enum gs_status status)
{
    return gs_status_class(status) == GS_CLASS_GONE;
}

static uint64_t sample_due(void *context, uint64_t now_ns)
{
    const struct trace *t = context;
    (void)now_ns;
    return gs_sampler_count(t->sampler) > 0 ? t->sample_ns : UINT64_MAX;
}

static enum gs_status sample(void *context, uint64_t now_ns, bool woken)
{
    struct trace *t = context;
    uint64_t id;
    (void)now_ns;
    (void)woken;
    enum gs_status status = gs_sampler_take(t->sampler, &id);
    t->sample_ns = gs_sampler_next_ns(t->sampler);
    if (is_gone(status) && !t->sampled)
        return GS_OK; /* the other one will notice */
    return status;
}

static uint64_t step_due(void *context, uint64_t now_ns)
{
    const struct trace *t = context;
    (void)now_ns;
    return gs_least(t->sampled ? UINT64_MAX : gs_exact_next_ns(t->exact), t->end_ns);
}

static enum gs_status step(void *context, uint64_t now_ns, bool woken)
{
    struct trace *t = context;
    enum gs_status status = GS_OK;
    if (!t->sampled && (woken || now_ns >= gs_exact_next_ns(t->exact)))
        status = gs_exact_step(t->exact);
    if (!status && !t->sampled && gs_exact_hopeless(t->exact)) {
        t->sampled = true;
        t->loop.fd = -1;
        t->timeline->go_sampled(t->timeline);
        gs_remark("%s: from here on it is sampled", gs_exact_hopeless(t->exact));
        if (gs_sampler_count(t->sampler) == 0)
            status = GS_GONE;
    }
    return status ? status : t->feed.failed;
}

static bool is_over(void *context, uint64_t now_ns)
{
    const struct trace *t = context;
    return now_ns >= t->end_ns || ferror(t->output.file);
}

static enum gs_status loop(struct trace *t)
{
    t->end_ns = t->args->duration_us ? gs_clock_ns() + t->args->duration_us * 1000 : UINT64_MAX;
    t->sample_ns = gs_sampler_next_ns(t->sampler);
    t->loop = (struct gs_loop){.events = {{.context = t, .due = sample_due, .run = sample},
                                          {.context = t, .due = step_due, .run = step, .wakes = true}},
                               .count = 2,
                               .fd = gs_exact_wake_fd(t->exact),
                               .context = t,
                               .over = is_over};
    enum gs_status status = gs_loop_run(&t->loop);
    t->gone = is_gone(status);
    return t->gone ? GS_OK : status;
}

/* ---- the end ---- */

static enum gs_status finish_timeline(struct trace *t)
{
    const struct gs_tracer_setup *setup = gs_exact_setup(t->exact);
    enum gs_status status = gs_exact_end(t->exact);
    if (!status)
        status = gs_exact_figures(t->exact, &t->stat);
    if (!status)
        gs_gilstat_choose(&t->stat, t->args->threads, t->args->thread_count);
    for (size_t i = 0; i < t->stat.thread_count && !status; i++)
        status =
            t->timeline->thread(t->timeline, t->stat.threads[i].tid, t->stat.threads[i].name, t->stat.threads[i].main);
    struct gs_timeline_end end = {.stat = &t->stat,
                                  .trap_ns = setup->trap_ns,
                                  .windows = t->feed.windows,
                                  .waits = setup->addresses.waits,
                                  .switches = setup->switches,
                                  .states = setup->gauges.there[GS_GAUGE_STATES],
                                  .wakers = setup->gauges.there[GS_GAUGE_WAKES]};
    if (!status)
        status = t->feed.failed ? t->feed.failed : t->timeline->about(t->timeline, &end);
    return status ? status : gs_sampler_end(t->sampler);
}

static enum gs_status summarize(const struct trace *t)
{
    const struct gs_args *args = t->args;
    bool piped = strcmp(t->name, "-") == 0;
    struct gs_run_end end;
    FILE *out = piped ? stderr : stdout;
    gs_sampler_sum(t->sampler, &end);
    struct gs_run_summary summary = {.pid = t->traced.attach->target->pid,
                                     .python = t->traced.attach->python->version,
                                     .output = t->name,
                                     .format = t->format->name,
                                     .mode = gs_modes[GS_MODE_WALL].name,
                                     .seconds = t->stat.seconds,
                                     .rate_hz = args->rate_hz,
                                     .unique_stacks = t->meter.unique_stacks,
                                     .end = &end,
                                     .exact = &t->stat};
    if (args->json) {
        enum gs_status status = gs_run_json(&summary, out);
        fputc('\n', out);
        return status;
    }
    if (args->quiet)
        return GS_OK;
    struct gs_console console;
    gs_console_init(&console, out, args->color);
    enum gs_status status = gs_trace_text(&t->stat, &console, args->verbose);
    if (!status && !piped)
        gs_remark("%s is written. %s", t->name, t->format->how);
    return status;
}

static void tell_setup(const struct trace *t)
{
    const struct gs_tracer_setup *setup = gs_exact_setup(t->exact);
    if (t->args->quiet)
        return;
    gs_exact_tell_setup(t->exact, &gs_to_user);
    if (!setup->switches && !setup->addresses.none)
        gs_remark("with so many threads the scheduler is not traced");
    if (t->args->verbose && setup->switches && !setup->gauges.there[GS_GAUGE_WAKES])
        gs_remark("in which state a thread sleeps and who wakes it is not seen: that takes root or CAP_PERFMON, and "
                  "tracefs (mount -t tracefs nodev /sys/kernel/tracing)");
    if (t->args->counters)
        gs_exact_tell_counters(t->exact, &gs_to_user);
}

/* What is to be known of the result. */
static void tell_losses(const struct trace *t)
{
    if (t->args->quiet)
        return;
    if (t->gone &&
        gs_target_check(t->traced.attach->target) == GS_EXECED) /* while it did so it looked as if it ended */
        gs_remark("process %d runs another program now: traced up to there", (int)t->traced.attach->target->pid);
    if (gs_exact_caveat(&t->stat))
        gs_remark("%s", gs_exact_caveat(&t->stat));
    gs_exact_tell_losses(t->exact, &gs_to_user);
}

static void close_all(struct trace *t)
{
    if (t->traced.attach)
        gs_watch_unguard(t->traced.attach->watch);
    gs_gilstat_fini(&t->stat);
    gs_exact_close(t->exact);
    gs_timeline_feed_fini(&t->feed);
    gs_sampler_free(t->sampler);
    if (t->timeline)
        t->timeline->close(t->timeline);
    gs_meter_fini(&t->meter);
    gs_names_free(t->names);
    gs_reader_free(t->reader);
}

static int trace(struct trace *t)
{
    struct gs_err err = {0};
    enum gs_status status = begin(t, &err);
    if (!status) {
        tell_setup(t);
        status = loop(t);
        enum gs_status finished = finish_timeline(t);
        status = status ? status : finished;
        if (status)
            gs_fail(&err, status, "cannot trace any longer: %s", gs_status_text(status));
    }
    if (t->open)
        status = gs_output_end(&t->output, status, &err);
    if (!status)
        status = summarize(t);
    if (t->exact)
        tell_losses(t);
    int exit = status ? gs_output_message(status, &err) : 0;
    close_all(t);
    int child = gs_traced_close(&t->traced);
    return exit || child >= 0 ? gs_wire_exit(exit, child) : gs_stdout_close(0);
}

static int run(const struct gs_args *args)
{
    struct trace t = {
        .args = args,
        .selection = {.mode = GS_MODE_WALL, .patterns = args->threads, .pattern_count = args->thread_count}};
    struct gs_err err;
    enum gs_status status = gs_wire_check_one(args, "trace", &err);
    if (!status)
        status = choose_format(&t.format, args, &err);
    if (status)
        return gs_message(status, &err);
    char extension[32];
    snprintf(extension, sizeof extension, "%.*s", (int)strcspn(t.format->extensions, " "), t.format->extensions);
    t.name = gs_wire_name(args, extension);
    int exit = t.name ? trace(&t) : gs_status_exit(GS_NO_MEMORY);
    free(t.name);
    return exit;
}

const struct gs_cmd gs_cmd_trace = {
    .name = "trace",
    .summary = "an exact timeline of every hand-over of the GIL, as a page or for Perfetto",
    .operands = "[-- COMMAND ...]",
    .offers = GS_OFFER_PROGRAM,
    .help =
        "Traces each take, drop and wait of the GIL, and who is on a processor, to the nanosecond, until Ctrl-C, the "
        "duration or the end of the process, and writes a timeline that is ready when it ends. Functions are sampled "
        "meanwhile. At its end stands what share of the time each thread had the GIL, waited for it, or did without.\n"
        "\n"
        "It watches the words in which Python keeps the GIL, with the processor's debug registers: no symbols, no "
        "restart, no root where kernel.perf_event_paranoid is 2 or less (gilspy doctor tells). Each event costs the "
        "thread that does it a trap, some 2 to 10 us, which is measured first; --max-overhead bounds what that may "
        "come to. Where threads convoy, the trap itself changes who wins. Some virtual machines make of such a trap a "
        "SIGTRAP that would end the process: so a process of gilspy's, its guard, is the tracer of all threads and "
        "takes "
        "those away, and no debugger can have them meanwhile. Nobody is stopped for that, but each signal and each new "
        "thread takes some time more.\n"
        "\n"
        "Of a free-threaded 3.13 that runs without the GIL each stop of all threads and each collection of garbage is "
        "traced so, with the thread that asked for it.\n"
        "\n"
        "It traces one process. For a family, start one for each of its processes (gilspy ps lists them), whose times "
        "are all of one clock; or have all of them sampled: gilspy stat -s, gilspy record -s.\n"
        "\n"
        "The file's name chooses what is written: .html is a page that opens in any browser, without a network; "
        ".trace.json is for Perfetto.\n"
        "\n"
        "  gilspy trace -p 1234 -d 5 -o a.html               a page\n"
        "  gilspy trace -p 1234 -d 5 -o a.trace.json         for https://ui.perfetto.dev\n"
        "  gilspy trace -p 1234 --thread 'worker-*'          only these threads\n"
        "  gilspy trace --max-overhead off -- python3 app.py  whatever it costs",
    .options = GS_OPT(PID) | GS_OPT(NAME) | GS_OPT(CGROUP) | GS_OPT(USER) | GS_OPT(RATE) | GS_OPT(DURATION) |
               GS_OPT(CONTROL) | GS_OPT(FORMAT) | GS_OPT(MAX_OVERHEAD) | GS_OPT(COUNTERS) | GS_OPT(LONG) |
               GS_OPT(THREAD) | GS_OPT(BLOCKING) | GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) | GS_OPT(JSON) |
               GS_OPT(OUTPUT) | GS_OPT(ASSUME) | GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .run = run,
};
