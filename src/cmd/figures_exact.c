/* The loop around exact tracing for stat: intervals, the end, what it is worth. */
#include <unistd.h>

#include "base/clock.h"
#include "base/least.h"
#include "cmd/exact_holds.h"
#include "cmd/exact_words.h"
#include "cmd/figures.h"
#include "cmd/figures_exact.h"
#include "cmd/message.h"
#include "cmd/output.h"
#include "cmd/signals.h"
#include "cmd/stuck.h"
#include "cmd/subject.h"
#include "export/stat.h"

static const double overhead_most = 0.02; /* unless --max-overhead says otherwise */

enum { REST_SHARE = 20 /* an interval that ends so close to the run's end, as a part of one, ends with it */ };

struct figures {
    const struct gs_args *args;
    struct gs_output output;
    struct gs_console console;
    struct gs_subject subject;
    struct gs_exact *exact;
    uint64_t begin_ns;
    bool shown, warned;  /* warned: of what tracing changes */
    const char *instead; /* why it is sampled from the beginning; NULL: it is not */
};

static void give_up(const struct gs_stuck *stuck, void *context)
{
    struct figures *f = context;
    gs_output_abandon(&f->output);
    _exit(gs_stuck_end(stuck, f->subject.look->target, "trace"));
}

static enum gs_status show(struct figures *f)
{
    struct gs_gilstat stat;
    enum gs_status status = gs_exact_figures(f->exact, &stat);
    if (!status)
        gs_gilstat_choose(&stat, f->args->threads, f->args->thread_count);
    if (!status && f->shown && !f->args->json)
        fputc('\n', f->output.file);
    if (!status)
        status =
            f->args->json ? gs_stat_json(&stat, f->output.file) : gs_stat_text(&stat, &f->console, f->args->verbose);
    if (f->args->json)
        fputc('\n', f->output.file);
    const char *caveat = status || f->args->quiet || f->warned ? NULL : gs_exact_caveat(&stat);
    if (caveat)
        gs_remark("%s", caveat);
    f->warned = f->warned || caveat;
    gs_gilstat_fini(&stat);
    gs_exact_next_span(f->exact);
    f->shown = true;
    return status ? status : gs_output_flush(&f->output);
}

/* *gone: the process is no more what it was. */
static enum gs_status loop(struct figures *f, bool *gone)
{
    uint64_t interval_ns = f->args->interval_us * 1000, begin_ns = f->begin_ns;
    uint64_t end_ns = f->args->duration_us ? begin_ns + f->args->duration_us * 1000 : UINT64_MAX;
    uint64_t next_ns = interval_ns ? begin_ns + interval_ns : UINT64_MAX;
    enum gs_status status = GS_OK;
    bool woken = false;
    while (!status && !gs_signals_ended() && !gs_exact_hopeless(f->exact)) {
        uint64_t now_ns = gs_clock_ns();
        if (now_ns >= end_ns)
            break;
        if (woken || now_ns >= gs_exact_next_ns(f->exact))
            status = gs_exact_step(f->exact);
        if (!status && now_ns >= next_ns && now_ns + interval_ns / REST_SHARE < end_ns) {
            status = show(f);
            next_ns += (1 + (now_ns - next_ns) / interval_ns) * interval_ns;
        }
        if (!status)
            woken = gs_signals_wait(gs_least(gs_least(gs_exact_next_ns(f->exact), end_ns), next_ns),
                                    gs_exact_wake_fd(f->exact), &f->subject.waiting);
    }
    *gone = gs_status_class(status) == GS_CLASS_GONE;
    return *gone ? GS_OK : status;
}

static void tell(const struct figures *f, bool gone)
{
    if (f->args->quiet)
        return;
    gs_exact_tell_setup(f->exact);
    gs_exact_tell_stopping(f->args->stopping);
    if (f->args->counters)
        gs_exact_tell_counters(f->exact);
    gs_exact_tell_losses(f->exact);
    if (gone && !f->args->program)
        gs_remark("the process %s: the figures are of the time up to then",
                  gs_target_check(f->subject.look->target) == GS_EXECED ? "runs another program now" : "has ended");
}

static enum gs_status measure(struct figures *f, struct gs_err *err)
{
    const struct gs_args *args = f->args;
    struct gs_exact_options options = {.max_overhead = args->max_overhead < 0   ? 0
                                                       : args->max_overhead > 0 ? args->max_overhead
                                                                                : overhead_most,
                                       .long_us = args->long_us,
                                       .counters = args->counters};
    struct gs_exact_subject subject = gs_exact_subject_of(f->subject.look);
    bool gone = false;
    enum gs_status status = gs_exact_open(&f->exact, &subject, &options, err);
    if (status == GS_UNGUARDED)
        f->instead = err->what;
    if (status)
        return status == GS_UNGUARDED ? GS_OK : status;
    f->begin_ns = gs_clock_ns();
    status = loop(f, &gone);
    if (!status)
        f->instead = gs_exact_hopeless(f->exact);
    if (f->instead)
        return status;
    enum gs_status ended = gs_exact_end(f->exact);
    status = status ? status : ended;
    if (!status)
        status = show(f); /* however short: the sum of all intervals is whole */
    if (!status)
        tell(f, gone);
    return status ? gs_fail(err, status, "cannot trace any longer: %s", gs_status_text(status)) : GS_OK;
}

/* The process goes on, and so do we, by sampling it. */
static int sample_instead(const struct figures *f)
{
    struct gs_args rest = *f->args;
    pid_t pid = f->subject.look->target->pid;
    rest.pids = &pid;
    rest.pid_count = 1;
    rest.program = NULL;
    rest.why = f->instead;
    return gs_figures_run(&rest);
}

int gs_figures_exact(const struct gs_args *args)
{
    struct figures f = {.args = args};
    struct gs_err err = {0}, why = {0};
    enum gs_status status = gs_output_open(&f.output, args->output, &err);
    if (status)
        return gs_message(status, &err);
    gs_console_init(&f.console, f.output.file, args->color);
    status = gs_subject_open(&f.subject, args, give_up, &f, &err);
    if (!status)
        status = measure(&f, &err);
    bool instead = !status && f.instead;
    enum gs_status closed = gs_output_close(&f.output, !status && !instead, &why);
    if (closed && !instead && (!status || status == GS_OUTPUT)) {
        status = closed;
        err = why;
    }
    if (f.subject.look)
        gs_watch_unguard(f.subject.look->watch);
    int exit = status ? gs_output_message(status, &err) : instead ? sample_instead(&f) : 0;
    gs_exact_close(f.exact);
    int child = gs_subject_close(&f.subject);
    if (child >= 0)
        return exit ? gs_status_exit(GS_FAILED) : child;
    return exit;
}
