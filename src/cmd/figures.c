/* Takes the samples of a session into figures of each process, and prints them. */
#include <stdlib.h>
#include <unistd.h>

#include "base/room.h"
#include "cmd/figures.h"
#include "cmd/message.h"
#include "base/output.h"
#include "cmd/wire.h"
#include "export/stat_many.h"
#include "recording/quality.h"
#include "session/sampling.h"
#include "session/signals.h"
#include "session/stat_natives.h"
#include "target/procfs.h"

enum {
    REST_SHARE = 20,        /* the end of a run shows no interval that is a smaller part of one than this */
    EARLY_NS = 50 * 1000000 /* so long before its time a run may end without a word */
};

struct figures {
    struct gs_sink sink; /* first */
    const struct gs_args *args;
    struct gs_sampling *sampling;
    struct gs_output output;
    struct gs_console console;
    struct gs_stat_many many;
    pid_t pid;                /* of the last process that was begun */
    uint64_t next_ns;         /* when the interval ends */
    struct gs_quality before; /* what was done up to the last interval */
    struct gs_stat_natives *natives;
    size_t native_count, native_room;
    bool gives_up;
};

/* ---- printing ---- */

/* One that ran another program before has two rows under one pid: then it is not known of which of them these were. */
static void add_natives(const struct figures *f, struct gs_gilstat *stat)
{
    struct gs_stat_natives *found = NULL;
    for (size_t i = 0; i < f->native_count && !f->gives_up; i++) {
        if (f->natives[i].pid != stat->pid)
            continue;
        if (found)
            return;
        found = &f->natives[i];
    }
    if (found)
        gs_stat_natives_fill(found, stat);
}

static void complete(void *context, struct gs_gilstat *stat)
{
    const struct figures *f = context;
    struct gs_run_end end;
    gs_sampling_sum(f->sampling, &end);
    gs_quality_subtract(&end.quality, &f->before);
    end.quality.samples = stat->quality.samples;
    stat->quality = end.quality;
    if (stat->seconds > 0)
        stat->overhead = gs_figure((double)stat->quality.stopped_us / 1e6 / stat->seconds);
    stat->why = f->args->why;
    stat->counting = f->args->counters; /* of which nothing is known in samples */
    add_natives(f, stat);
}

/* Those that were sampled in this interval. */
static enum gs_status show(struct figures *f)
{
    struct gs_run_end end;
    struct gs_stat_show show = {.console = &f->console,
                                .json = f->args->json,
                                .several = gs_args_several(f->args),
                                .verbose = f->args->verbose,
                                .patterns = f->args->threads,
                                .pattern_count = f->args->thread_count,
                                .complete = complete,
                                .context = f};
    enum gs_status status = gs_stat_many_show(&f->many, &show);
    gs_sampling_sum(f->sampling, &end);
    f->before = end.quality;
    return status ? status : gs_output_flush(&f->output);
}

/* ---- the sink ---- */

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct figures *f = (struct figures *)sink;
    f->next_ns = f->args->interval_us > 0 ? run->begin_ns + f->args->interval_us * 1000 : UINT64_MAX;
    return GS_OK;
}

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct figures *f = (struct figures *)sink;
    if (f->pid == process->pid && !f->args->quiet)
        gs_remark("process %d runs another program now: its figures are shown by themselves", (int)process->pid);
    f->pid = process->pid;
    return gs_stat_many_process(&f->many, number, process);
}

static enum gs_status add_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    return gs_stat_many_thread(&((struct figures *)sink)->many, number, thread);
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct figures *f = (struct figures *)sink;
    enum gs_status status = GS_OK;
    if (sample->time_ns >= f->next_ns) {
        status = show(f);
        uint64_t interval_ns = f->args->interval_us * 1000;
        f->next_ns += (1 + (sample->time_ns - f->next_ns) / interval_ns) * interval_ns;
    }
    return status ? status : gs_stat_many_sample(&f->many, sample);
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_stat_many_forget(&((struct figures *)sink)->many);
    return GS_OK;
}

static enum gs_status end_run(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct figures *f = (struct figures *)sink;
    uint64_t interval_ns = f->args->interval_us * 1000;
    if (f->many.shown && interval_ns > 0 && end->end_ns + interval_ns < f->next_ns + interval_ns / REST_SHARE)
        return GS_OK;
    return show(f);
}

/* ---- the run ---- */

/* Called from another thread when the one that samples is stuck in the kernel, and so not in here. */
static void give_up(void *context)
{
    struct figures *f = context;
    struct gs_err err = {0};
    f->gives_up = true;
    enum gs_status status = show(f);
    int exit = f->many.shown && !status ? 0 : gs_status_exit(GS_FAILED);
    status = gs_output_close(&f->output, exit == 0, &err);
    _exit(status ? gs_output_message(status, &err) : exit);
}

static enum gs_status asked(void *context)
{
    return show(context);
}

static void open_process(void *context, struct gs_attach *attach)
{
    struct figures *f = context;
    if (gs_room((void **)&f->natives, &f->native_room, f->native_count + 1, sizeof *f->natives))
        gs_stat_natives_begin(&f->natives[f->native_count++], attach->target);
}

static void close_process(void *context, struct gs_attach *attach, enum gs_status why)
{
    struct figures *f = context;
    (void)why;
    gs_stat_many_over(&f->many, attach->target->pid);
    for (size_t i = 0; i < f->native_count; i++) {
        if (f->natives[i].target == attach->target)
            f->natives[i].target = NULL;
    }
}

/* It is over, and neither the time nor the user has ended it. */
static void tell_end(const struct figures *f)
{
    const struct gs_args *args = f->args;
    struct gs_run_end end;
    gs_sampling_sum(f->sampling, &end);
    uint64_t ran_ns = end.end_ns - end.begin_ns;
    if (args->quiet || args->program || gs_signals_ended() ||
        (args->duration_us > 0 && ran_ns + EARLY_NS >= args->duration_us * 1000))
        return;
    gs_remark("%s after %.1f s: the figures are of that time",
              gs_args_several(args) ? "the processes have ended" : "the process has ended", (double)ran_ns / 1e9);
}

static int sample_and_show(struct figures *f)
{
    struct gs_err err = {0};
    int exit = 0;
    const struct gs_args *args = f->args;
    struct gs_sampling_options options = {.family = gs_wire_family(args, &f->output),
                                          .rate_hz = args->rate_hz,
                                          .duration_us = args->duration_us,
                                          .at_once = args->given & GS_OPT(CONTROL),
                                          .polls = true,
                                          .tasks = !(args->given & GS_OPT(TASKS)) || args->tasks != GS_TASKS_OFF,
                                          .locks = true,
                                          .all_locks = args->locks,
                                          .long_us = args->long_us};
    struct gs_sampling_calls calls = {
        .context = f, .opened = open_process, .closed = close_process, .asked = asked, .give_up = give_up};
    enum gs_status status = gs_sampling_open(&f->sampling, &options, &f->sink, &calls, &exit, &err);
    if (!status)
        status = gs_sampling_run(f->sampling, &err);
    if (!status)
        tell_end(f);
    status = gs_output_end(&f->output, status, &err);
    int failed = status ? (err.what[0] || !exit ? gs_output_message(status, &err) : exit) : 0;
    int child = f->sampling ? gs_sampling_wait(f->sampling) : -1;
    gs_sampling_close(f->sampling);
    return gs_wire_exit(failed ? failed : child < 0 ? exit : 0, child);
}

int gs_figures_run(const struct gs_args *args)
{
    struct gs_err err;
    struct figures f = {.sink = {begin, add_process, add_thread, add_sample, forget, end_run},
                        .args = args,
                        .many.options = {.rate_hz = args->rate_hz, .long_us = args->long_us, .ran = gs_proc_ran_ns}};
    enum gs_status status = gs_output_open(&f.output, args->output, &gs_to_user, &err);
    if (status)
        return gs_message(status, &err);
    gs_console_init(&f.console, f.output.file, args->color);
    int exit = sample_and_show(&f);
    gs_stat_many_fini(&f.many);
    for (size_t i = 0; i < f.native_count; i++)
        gs_stat_natives_fini(&f.natives[i]);
    free(f.natives);
    return exit;
}
