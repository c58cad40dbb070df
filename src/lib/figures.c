/* GIL figures over a span, of a process or out of a recording: those of `gilspy stat`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gil/sample_feed.h"
#include "lib/recording.h"
#include "lib/run.h"
#include "target/procfs.h"

enum { USUAL_HZ = 1000 };

static const uint64_t long_us = 10000; /* holds from this length on are looked at */

struct gilspy_figures {
    struct gs_sample_feed *feed;
    struct gs_gilstat stat;
};

struct feeder {
    struct gs_sink base; /* first */
    struct gs_sample_feed_options options;
    struct gs_sample_feed *feed;
    pid_t pid; /* wanted, 0: the first */
    uint32_t number;
};

static enum gs_status take_run(struct gs_sink *base, const struct gs_run_info *run)
{
    ((struct feeder *)base)->options.rate_hz = run->rate_hz;
    return GS_OK;
}

static enum gs_status take_process(struct gs_sink *base, uint32_t number, const struct gs_sampled_process *process)
{
    struct feeder *feeder = (struct feeder *)base;
    if (feeder->feed || (feeder->pid && process->pid != feeder->pid))
        return GS_OK;
    feeder->number = number;
    feeder->feed = gs_sample_feed_new(process, &feeder->options);
    return feeder->feed ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status take_thread(struct gs_sink *base, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct feeder *feeder = (struct feeder *)base;
    bool mine = feeder->feed && thread->process == feeder->number;
    return mine ? gs_sample_feed_thread(feeder->feed, number, thread) : GS_OK;
}

static enum gs_status take_sample(struct gs_sink *base, const struct gs_sample *sample)
{
    struct feeder *feeder = (struct feeder *)base;
    bool mine = feeder->feed && sample->process == feeder->number;
    return mine ? gs_sample_feed_add(feeder->feed, sample) : GS_OK;
}

static enum gs_status take_forget(struct gs_sink *base)
{
    struct feeder *feeder = (struct feeder *)base;
    if (feeder->feed)
        gs_sample_feed_forget(feeder->feed);
    return GS_OK;
}

static enum gs_status take_end(struct gs_sink *base, const struct gs_run_end *end)
{
    (void)base;
    (void)end;
    return GS_OK;
}

static struct feeder feeder_for(pid_t pid, double rate_hz)
{
    return (struct feeder){.base = {.begin = take_run,
                                    .process = take_process,
                                    .thread = take_thread,
                                    .sample = take_sample,
                                    .forget = take_forget,
                                    .end = take_end},
                           .options = {.rate_hz = rate_hz, .long_us = long_us},
                           .pid = pid};
}

/* Owns the feed from now on. */
static enum gilspy_status finish(struct feeder *feeder, enum gs_status status, const struct gs_err *err,
                                 gilspy_figures **out, struct gilspy_error *error)
{
    gilspy_figures *figures = calloc(1, sizeof *figures);
    struct gs_err none;
    if (status == GS_OK && (!feeder->feed || gs_sample_feed_count(feeder->feed) == 0)) {
        gs_fail(&none, GS_FAILED, "there are no samples of this process");
        status = GS_FAILED;
        err = &none;
    }
    if (status == GS_OK)
        status = figures ? gs_sample_feed_finish(feeder->feed, &figures->stat) : GS_NO_MEMORY;
    if (status != GS_OK) {
        gs_sample_feed_free(feeder->feed);
        free(figures);
        return gs_lib_fail(error, status, err);
    }
    figures->feed = feeder->feed;
    *out = figures;
    return GILSPY_OK;
}

enum gilspy_status gilspy_stat(gilspy_process *process, double rate_hz, double seconds, gilspy_figures **figures,
                               struct gilspy_error *error)
{
    struct gs_lib_span span = {.rate_hz = rate_hz != 0 ? rate_hz : USUAL_HZ, /* 0, as it was given */
                               .seconds = seconds,
                               .polls = true,
                               .long_ns = long_us * 1000};
    struct feeder feeder = feeder_for(gilspy_pid(process), span.rate_hz);
    *figures = NULL;
    feeder.options.ran = gs_proc_ran_ns;
    enum gs_status status = gs_lib_run(process, &span, &feeder.base);
    return finish(&feeder, status, NULL, figures, error);
}

enum gilspy_status gilspy_recording_stat(gilspy_recording *recording, pid_t pid, gilspy_figures **figures,
                                         struct gilspy_error *error)
{
    struct feeder feeder = feeder_for(pid, USUAL_HZ);
    struct gs_err err = {.what = ""};
    *figures = NULL;
    enum gs_status status = gs_recording_play(gs_lib_recording(recording), &feeder.base, 0, UINT64_MAX, &err);
    return finish(&feeder, status, &err, figures, error);
}

void gilspy_figures_free(gilspy_figures *figures)
{
    if (!figures)
        return;
    gs_gilstat_fini(&figures->stat);
    gs_sample_feed_free(figures->feed);
    free(figures);
}

double gilspy_figures_seconds(const gilspy_figures *figures)
{
    return figures->stat.seconds;
}

size_t gilspy_figures_gils(const gilspy_figures *figures)
{
    return figures->stat.gil_count;
}

size_t gilspy_figures_threads(const gilspy_figures *figures)
{
    return figures->stat.thread_count;
}

size_t gilspy_figures_waits(const gilspy_figures *figures)
{
    return figures->stat.blame_count;
}

static double share(struct gs_figure figure)
{
    return figure.known ? figure.value : -1;
}

static uint64_t in_ns(struct gs_count us)
{
    return us.known ? us.value * 1000 : 0;
}

enum gilspy_status gilspy_figures_gil(const gilspy_figures *figures, size_t index, struct gilspy_gil_figures *gil)
{
    if (index >= figures->stat.gil_count)
        return GILSPY_USAGE;
    const struct gs_gilstat_gil *from = &figures->stat.gils[index];
    struct gilspy_gil_figures filled = {.struct_size = sizeof filled,
                                        .interpreter = from->interpreter,
                                        .held = share(from->held),
                                        .contended = share(from->contended),
                                        .mean_waiters = share(from->mean_waiters),
                                        .longest_hold = in_ns(from->longest_hold_us),
                                        .longest_hold_tid = from->longest_hold_tid,
                                        .counted = from->switches.known,
                                        .handovers = from->switches.value};
    gs_lib_give(gil, &filled, sizeof filled);
    return GILSPY_OK;
}

enum gilspy_status gilspy_figures_thread(const gilspy_figures *figures, size_t index,
                                         struct gilspy_thread_figures *thread)
{
    if (index >= figures->stat.thread_count)
        return GILSPY_USAGE;
    const struct gs_gilstat_thread *from = &figures->stat.threads[index];
    struct gilspy_thread_figures filled = {.struct_size = sizeof filled,
                                           .tid = from->tid,
                                           .name = from->name,
                                           .main = from->main,
                                           .holds = from->has,
                                           .waits = from->waits,
                                           .without = from->without,
                                           .unknown = from->unknown,
                                           .cpu = share(from->on_cpu),
                                           .half_width = from->half_width,
                                           .longest_hold = in_ns(from->longest_hold_us),
                                           .longest_wait = in_ns(from->longest_wait_us)};
    gs_lib_give(thread, &filled, sizeof filled);
    return GILSPY_OK;
}

enum gilspy_status gilspy_figures_wait(const gilspy_figures *figures, size_t index, struct gilspy_wait_figures *wait)
{
    if (index >= figures->stat.blame_count)
        return GILSPY_USAGE;
    const struct gs_gilstat_blame *from = &figures->stat.blame[index];
    struct gilspy_wait_figures filled = {
        .struct_size = sizeof filled, .waiter = from->waiter, .holder = from->holder, .waited = from->us * 1000};
    gs_lib_give(wait, &filled, sizeof filled);
    return GILSPY_OK;
}
