/* gilspy ps: the Python processes here. */
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/message.h"
#include "base/output.h"
#include "session/signals.h"
#include "cmd/survey.h"

static enum gs_status show_once(const struct gs_args *args, struct gs_output *output, int *exit, struct gs_err *err)
{
    struct gs_console console;
    struct gs_ps ps;
    enum gs_status status = gs_survey(&ps, args, exit, err);
    if (status == GS_OK) {
        gs_console_init(&console, output->file, args->color);
        status = args->json ? gs_ps_json(&ps, output->file) : gs_ps_text(&ps, &console, args->verbose);
        if (status != GS_OK)
            gs_fail(err, status, "cannot show the processes: %s", gs_status_text(status));
    }
    gs_ps_fini(&ps);
    return status;
}

/* One result per interval, until a signal; a reader who left ends it too. */
static enum gs_status show_on(const struct gs_args *args, struct gs_output *output, int *exit, struct gs_err *err)
{
    uint64_t next = gs_clock_ns();
    enum gs_status status = GS_OK;
    gs_signals_catch();
    do {
        *exit = 0;
        status = show_once(args, output, exit, err);
        if (!args->json)
            fputc('\n', output->file);
        next += args->interval_us * 1000;
        if (next < gs_clock_ns())
            next = gs_clock_ns();
    } while (status == GS_OK && gs_output_flush(output) == GS_OK && gs_signals_sleep(next));
    return status;
}

static int run(const struct gs_args *args)
{
    struct gs_output output;
    struct gs_err err = {0};
    int exit = 0;
    enum gs_status status = gs_output_open(&output, args->output, &gs_to_user, &err);
    if (status != GS_OK)
        return gs_message(status, &err);
    status = (args->interval_us > 0 ? show_on : show_once)(args, &output, &exit, &err);
    if (status != GS_OK)
        exit = gs_message(status, &err);
    enum gs_status closed = gs_output_close(&output, status == GS_OK, &err);
    if (closed == GS_OK || status != GS_OK)
        return exit;
    return err.what[0] ? gs_message(closed, &err) : gs_status_exit(closed);
}

const struct gs_cmd gs_cmd_ps = {
    .name = "ps",
    .summary = "list the Python processes here",
    .help =
        "Lists the Python processes of this machine: version, threads, who holds the GIL, and whether they can "
        "be watched; with -p only these processes.\n"
        "\n"
        "A process that may not be looked into is listed when it is called python, with the reason. Lines are cut at "
        "the terminal's width, unless with -v.",
    .options = GS_OPT(PID) | GS_OPT(INTERVAL) | GS_OPT(JSON) | GS_OPT(OUTPUT) | GS_OPT(ASSUME) | GS_OPT(COLOR) |
               GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .run = run,
    .whole = true,
};
