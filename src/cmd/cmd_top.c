/* gilspy top: a live screen of one process. */
#include <unistd.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/figures.h"
#include "cmd/look.h"
#include "cmd/message.h"
#include "cmd/output.h"
#include "cmd/signals.h"
#include "cmd/stuck.h"
#include "cmd/survey.h"
#include "target/nested.h"
#include "view/screen.h"
#include "view/top.h"

enum { USUAL_INTERVAL_US = 1000000 };

/* No process was named: tell which there are. */
static int list_candidates(const struct gs_args *args)
{
    struct gs_err err;
    struct gs_ps ps;
    struct gs_console console;
    int exit = 0;
    gs_fail(&err, GS_USAGE, "cannot watch: no process is named");
    gs_err_todo(&err, "Name one with -p PID, as gilspy ps lists them:");
    int usage = gs_message(GS_USAGE, &err);
    gs_console_init(&console, stderr, args->color);
    enum gs_status status = gs_survey(&ps, args, &exit, &err);
    if (status == GS_OK)
        status = gs_ps_text(&ps, &console);
    gs_ps_fini(&ps);
    return status == GS_OK ? usage : gs_message(status, &err);
}

/* The process ended while it was watched, which is no failure. */
static int tell_end(enum gs_status status, const struct gs_err *err, const struct gs_args *args)
{
    if (gs_status_class(status) != GS_CLASS_GONE)
        return gs_message(status, err);
    if (!args->quiet)
        gs_remark("%s", gs_status_text(status));
    return 0;
}

struct watching {
    const struct gs_target *target;
    const struct gs_output *output;
};

/* The thread that reads and draws waits for ever: nothing is left but to say so. */
static void give_up(const struct gs_stuck *stuck, void *context)
{
    const struct watching *watching = context;
    const struct gs_target *target = watching->target;
    struct gs_err err;
    gs_screen_abandon();
    if (gs_stuck_tell(stuck, target->pid, target, true, &err))
        gs_fail(&err, GS_FAILED, "cannot watch process %d any longer", (int)target->pid);
    gs_output_abandon(watching->output);
    _exit(gs_message(GS_FAILED, &err));
}

static int watch(struct gs_look *look, const struct gs_args *args, struct gs_err *err)
{
    struct gs_output output;
    struct gs_console console;
    sigset_t waiting;
    enum gs_status status = gs_output_open(&output, args->output, err);
    if (status != GS_OK)
        return gs_message(status, err);
    gs_console_init(&console, output.file, args->color);
    gs_signals_catch(&waiting);
    struct watching watching = {look->target, &output};
    status = gs_watch_guard(look->watch, give_up, &watching);
    if (status != GS_OK) {
        gs_output_abandon(&output);
        gs_fail(err, status, "cannot watch process %d: %s", (int)look->target->pid, gs_status_text(status));
        return gs_message(status, err);
    }
    uint64_t duration_us = args->duration_us > 0 || !args->once ? args->duration_us : 1000000;
    struct gs_top top = {.target = look->target,
                         .python = look->python,
                         .reader = look->reader,
                         .names = look->names,
                         .lookup = gs_look_lookup(look),
                         .rate_hz = args->rate_hz,
                         .duration_ns = duration_us * 1000,
                         .text = args->once,
                         .console = &console,
                         .waiting = &waiting,
                         .ended = gs_signals_ended};
    status = gs_top_run(&top, err);
    gs_watch_unguard(look->watch);
    int exit = status == GS_OK ? 0 : tell_end(status, err, args);
    status = gs_output_close(&output, exit == 0, err);
    if (status == GS_OK || exit != 0)
        return exit;
    return err->what[0] ? gs_message(status, err) : gs_status_exit(status);
}

/* The documents of stat, one a line. */
static int write_figures(const struct gs_args *args)
{
    struct gs_args mine = *args;
    if (mine.interval_us == 0)
        mine.interval_us = USUAL_INTERVAL_US;
    return gs_figures_run(&mine);
}

static int run(const struct gs_args *args)
{
    struct gs_look *look;
    struct gs_err err = {0};
    if (args->pid_count == 0)
        return list_candidates(args);
    if (args->json)
        return write_figures(args);
    if (args->interval_us > 0) {
        gs_fail(&err, GS_USAGE, "cannot watch: --interval is for the documents of --json");
        return gs_message(GS_USAGE, &err);
    }
    if (args->pid_count > 1) {
        gs_fail(&err, GS_USAGE, "cannot watch: top shows one process at a time");
        return gs_message(GS_USAGE, &err);
    }
    enum gs_status status = gs_look_open(&look, args->pids[0], args, GS_LOOK_WHOLE, &err);
    gs_nested_hint(&err, status, args->pids[0]);
    int exit = status == GS_OK ? watch(look, args, &err) : gs_message(status, &err);
    gs_look_close(look);
    return exit;
}

const struct gs_cmd gs_cmd_top = {
    .name = "top",
    .summary = "watch who holds the GIL and where the threads are, live",
    .help = "Shows, four times a second, who holds the GIL, and for each thread which share of the time since the "
            "beginning it held the GIL, waited for it or did without, its share of a processor, and where it is now. "
            "Where what a thread did is not always known, a further column, UNKN%, has that share.\n"
            "\n"
            "Keys: q quits, r counts anew.\n"
            "\n"
            "  gilspy top -p 1234\n"
            "  gilspy top -p 1234 --once -d 10    ten seconds, then the result as text\n"
            "  gilspy top -p 1234 --json          a line of JSON each second, as stat has it",
    .options = GS_OPT(PID) | GS_OPT(RATE) | GS_OPT(DURATION) | GS_OPT(INTERVAL) | GS_OPT(LONG) | GS_OPT(ONCE) |
               GS_OPT(JSON) | GS_OPT(BLOCKING) | GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) | GS_OPT(OUTPUT) |
               GS_OPT(ASSUME) | GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(HELP),
    .run = run,
};
