/* gilspy stat: the GIL in figures, over a span of time; exactly, by tracing it, or sampled (figures.c). */
#include "base/clock.h"
#include "base/least.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/figures.h"
#include "cmd/message.h"
#include "cmd/wire.h"
#include "export/stat.h"
#include "export/text/exact_remarks.h"
#include "session/loop.h"
#include "session/stat_natives.h"
#include "session/traced.h"

static const double overhead_most = 0.02; /* unless --max-overhead says otherwise */

enum { REST_SHARE = 20 /* an interval that ends so close to the run's end, as a part of one, ends with it */ };

struct figures {
    const struct gs_args *args;
    struct gs_output output;
    struct gs_console console;
    struct gs_traced traced;
    struct gs_loop loop;
    struct gs_exact *exact;
    struct gs_stat_natives natives;
    uint64_t next_ns, end_ns; /* of the interval, of the run; UINT64_MAX: none */
    bool shown, warned;       /* warned: of what tracing changes */
    const char *instead;      /* why it is sampled from the beginning; NULL: it is not */
};

static enum gs_status show(struct figures *f)
{
    struct gs_gilstat stat;
    enum gs_status status = gs_exact_figures(f->exact, &stat);
    if (!status)
        gs_stat_natives_fill(&f->natives, &stat);
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

/* ---- the loop ---- */

static uint64_t step_due(void *context, uint64_t now_ns)
{
    const struct figures *f = context;
    (void)now_ns;
    return gs_least(gs_exact_next_ns(f->exact), f->end_ns);
}

static enum gs_status step(void *context, uint64_t now_ns, bool woken)
{
    const struct figures *f = context;
    return woken || now_ns >= gs_exact_next_ns(f->exact) ? gs_exact_step(f->exact) : GS_OK;
}

static uint64_t show_due(void *context, uint64_t now_ns)
{
    (void)now_ns;
    return ((const struct figures *)context)->next_ns;
}

static enum gs_status show_interval(void *context, uint64_t now_ns, bool woken)
{
    struct figures *f = context;
    uint64_t interval_ns = f->args->interval_us * 1000;
    (void)woken;
    if (gs_exact_hopeless(f->exact))
        return GS_OK;
    if (now_ns + interval_ns / REST_SHARE >= f->end_ns) {
        f->next_ns = UINT64_MAX;
        return GS_OK;
    }
    f->next_ns += (1 + (now_ns - f->next_ns) / interval_ns) * interval_ns;
    return show(f);
}

static bool is_over(void *context, uint64_t now_ns)
{
    const struct figures *f = context;
    return now_ns >= f->end_ns || gs_exact_hopeless(f->exact);
}

/* *gone: the process is no more what it was. */
static enum gs_status loop(struct figures *f, bool *gone)
{
    uint64_t interval_ns = f->args->interval_us * 1000, begin_ns = gs_clock_ns();
    f->end_ns = f->args->duration_us ? begin_ns + f->args->duration_us * 1000 : UINT64_MAX;
    f->next_ns = interval_ns ? begin_ns + interval_ns : UINT64_MAX;
    f->loop = (struct gs_loop){.events = {{.context = f, .due = step_due, .run = step, .wakes = true},
                                          {.context = f, .due = show_due, .run = show_interval}},
                               .count = 2,
                               .fd = gs_exact_wake_fd(f->exact),
                               .context = f,
                               .over = is_over};
    enum gs_status status = gs_loop_run(&f->loop);
    *gone = gs_status_class(status) == GS_CLASS_GONE;
    return *gone ? GS_OK : status;
}

static void tell(const struct figures *f, bool gone)
{
    if (f->args->quiet)
        return;
    gs_exact_tell_setup(f->exact, &gs_to_user);
    if (f->args->counters)
        gs_exact_tell_counters(f->exact, &gs_to_user);
    gs_exact_tell_losses(f->exact, &gs_to_user);
    if (gone && !f->args->program)
        gs_remark("the process %s: the figures are of the time up to then",
                  gs_target_check(f->traced.attach->target) == GS_EXECED ? "runs another program now" : "has ended");
}

static enum gs_status measure(struct figures *f, struct gs_err *err)
{
    const struct gs_args *args = f->args;
    struct gs_exact_options options = {.max_overhead = args->max_overhead < 0   ? 0
                                                       : args->max_overhead > 0 ? args->max_overhead
                                                                                : overhead_most,
                                       .long_us = args->long_us,
                                       .counters = args->counters};
    struct gs_exact_subject subject = gs_traced_subject(&f->traced);
    bool gone = false;
    enum gs_status status = gs_exact_open(&f->exact, &subject, &options, err);
    if (status == GS_UNGUARDED)
        f->instead = err->what;
    if (status)
        return status == GS_UNGUARDED ? GS_OK : status;
    gs_stat_natives_begin(&f->natives, f->traced.attach->target);
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
    pid_t pid = f->traced.attach->target->pid;
    rest.pids = &pid;
    rest.pid_count = 1;
    rest.program = NULL;
    rest.why = f->instead;
    return gs_figures_run(&rest);
}

/* As gs_figures_run, for one process. Where exactness costs more than it may, it is sampled instead, which is said. */
static int run_exact(const struct gs_args *args)
{
    struct figures f = {.args = args};
    struct gs_err err = {0};
    enum gs_status status = gs_output_open(&f.output, args->output, &gs_to_user, &err);
    if (status)
        return gs_message(status, &err);
    gs_console_init(&f.console, f.output.file, args->color);
    const struct gs_family_options options = gs_wire_family(args, &f.output);
    status = gs_traced_open(&f.traced, &options, &err);
    if (!status)
        status = measure(&f, &err);
    bool instead = !status && f.instead;
    if (instead)
        (void)!gs_output_close(&f.output, false, NULL); /* it is opened again */
    else
        status = gs_output_end(&f.output, status, &err);
    if (f.traced.attach)
        gs_watch_unguard(f.traced.attach->watch);
    int exit = status ? gs_output_message(status, &err) : instead ? sample_instead(&f) : 0;
    gs_exact_close(f.exact);
    gs_stat_natives_fini(&f.natives);
    return gs_wire_exit(exit, gs_traced_close(&f.traced));
}

enum { USUAL_US = 10 * 1000000 /* unless told, and unless something else ends it */ };

static int run(const struct gs_args *args)
{
    struct gs_args mine = *args;
    struct gs_err err;
    bool exact = args->exact || args->counters; /* what is counted in a state is known where its ends are */
    enum gs_status status = exact ? gs_wire_check_one(args, "measure", &err) : gs_args_check(args, "measure", &err);
    if (!status && args->max_overhead != 0 && !exact)
        status = gs_fail(&err, GS_USAGE, "cannot measure: --max-overhead is for --exact");
    if (!status && args->locks && exact)
        status = gs_fail(&err, GS_USAGE, "cannot measure: --locks are sampled, not traced: leave out --exact");
    if (status)
        return gs_message(status, &err);
    mine.native = GS_NATIVE_NONE; /* who keeps the GIL has C frames anyway, and nobody else is looked at */
    if (args->duration_us == 0 && args->interval_us == 0 && !args->program && !(args->given & GS_OPT(CONTROL)))
        mine.duration_us = USUAL_US;
    return exact ? run_exact(&mine) : gs_figures_run(&mine);
}

const struct gs_cmd gs_cmd_stat = {
    .name = "stat",
    .summary = "the GIL in figures: who has it, who waits, for how long",
    .operands = "[-- COMMAND ...]",
    .offers = GS_OFFER_PROGRAM,
    .help =
        "Watches a process for ten seconds (or --duration; with --interval until interrupted, a command until it ends) "
        "and tells for each thread which share of the time it had the GIL, waited for it or did without, its share of "
        "a processor, how often it took the GIL (from another thread) and waited, its longest hold and wait; then "
        "where the GIL was kept for --long or more, in which C function, if it was one (with or without -n), and who "
        "waited for "
        "whom.\n"
        "\n"
        "The GIL's own words are looked at 1000 times a second, at random moments; nothing is stopped for that, but "
        "for one thread for some 30 us where its stack is needed because it keeps the GIL for long. Hand-overs are "
        "counted exactly, by the GIL's own count. A thread that lets go and takes it again with nobody in between is "
        "not noticed. Shares are of the time watched, and off by no more than the bound in the first line (95 times "
        "of 100); where sampling cannot know a figure it is '-', in JSON null.\n"
        "\n"
        "Of each event loop it is told how busy it was, how many callbacks it ran a second (of uvloop those of its "
        "queue, of trio the steps of its tasks), the longest time that at least one of them took, and where, how many "
        "wait for their turn, and its tasks; of gevent and eventlet only how busy they were (not with --exact). "
        "--tasks=off leaves that out.\n"
        "\n"
        "Garbage collection: its share of the time, how many collections there were (by Python's own count; not of 2.7 "
        "and 3.6), the longest, and the threads and places that they began in. Of free-threaded 3.13 also for how long "
        "all threads were stopped, who asked for it, and who kept the others waiting. With --exact it is told of "
        "free-threaded 3.13 alone: each stop and each collection with its thread, without the place and who was late.\n"
        "\n"
        "--locks tells the same of every other lock that threads sleep for: Lock and RLock of threading, the lock that "
        "each object of a free-threaded Python has, mutexes of C; how many waited for it on average and at most, for "
        "how long in all and at the longest, who had it most often, and where. Whoever waits to be notified or for "
        "something to do waits for no lock. What a lock is, and who has it, is looked up in the stacks now and then. "
        "It is sampled (not with --exact). Where there is no GIL it is told without being asked for.\n"
        "\n"
        "--exact sees each take and drop, also the short ones, by watching the words of the GIL (see gilspy trace). "
        "That costs the process some 2 to 10 us an event, which is measured first. Where it would come to more than "
        "--max-overhead, it is done in windows, and counts are those of the windows; where even these would cost "
        "more, it is sampled. Which, and why, is told. A guard is the tracer of its threads meanwhile (see gilspy "
        "trace): a process that a debugger has is sampled.\n"
        "\n"
        "--counters (which means --exact) tells besides what the kernel counted of each thread in each of its states: "
        "a page fault is a hold's or a wait's because both have an exact beginning and end. What the machine or the "
        "rights do not give is left out, and said. Cycles, instructions and cache misses are samples of 10,000,000, "
        "10,000,000 and 100,000. Where windows are traced, counts are of these.\n"
        "\n"
        "  gilspy stat -p 1234                        ten seconds, then a table\n"
        "  gilspy stat -p 1234 --json --interval 1    a line of JSON each second\n"
        "  gilspy stat -p 1234 --exact                each take, drop and wait\n"
        "  gilspy stat -p 1234 --locks                every lock, not only the GIL\n"
        "  gilspy stat -p 1234 --counters             page faults and so on by state\n"
        "  gilspy stat -p 1234 --thread 'worker-*'    only these threads\n"
        "  gilspy stat -s -- python3 app.py           a program and its children",
    .options = GS_OPT(PID) | GS_OPT(NAME) | GS_OPT(CGROUP) | GS_OPT(SUBPROCESSES) | GS_OPT(USER) | GS_OPT(RATE) |
               GS_OPT(DURATION) | GS_OPT(CONTROL) | GS_OPT(INTERVAL) | GS_OPT(LONG) | GS_OPT(EXACT) | GS_OPT(COUNTERS) |
               GS_OPT(LOCKS) | GS_OPT(MAX_OVERHEAD) | GS_OPT(THREAD) | GS_OPT(TASKS) | GS_OPT(NATIVE) |
               GS_OPT(DEBUGINFOD) | GS_OPT(BLOCKING) | GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) | GS_OPT(JSON) |
               GS_OPT(OUTPUT) | GS_OPT(ASSUME) | GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .rate = "1000",
    .run = run,
};
