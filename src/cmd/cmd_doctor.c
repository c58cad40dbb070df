/* gilspy doctor: what this machine allows, what is missing, and what mends it. */
#include <stdlib.h>

#include "cmd/cmd.h"
#include "cmd/message.h"
#include "base/output.h"
#include "export/doctor.h"
#include "view/terminal.h"

static enum gs_status show(const struct gs_doctor *doctor, const struct gs_console *console, const struct gs_args *args,
                           struct gs_err *err)
{
    enum gs_status status =
        args->json ? gs_doctor_json(doctor, console->out) : gs_doctor_text(doctor, console, args->quiet);
    if (status != GS_OK)
        gs_fail(err, status, "cannot show what was found: %s", gs_status_text(status));
    return status;
}

/* Ends with the status of what was found, unless it cannot be shown. */
static int examine(const struct gs_args *args, struct gs_doctor *doctor)
{
    struct gs_output output;
    struct gs_console console;
    struct gs_err err = {0};
    enum gs_status status = gs_output_open(&output, args->output, &gs_to_user, &err);
    if (status != GS_OK)
        return gs_message(status, &err);
    gs_console_init(&console, output.file, args->color);
    const char *term = getenv("TERM");
    struct gs_surroundings place = {
        .utf8 = console.utf8, .term = term, .term_known = gs_terminal_known(term), .thorough = args->verbose};
    gs_doctor_examine(doctor, args->pid_count > 0 ? args->pids[0] : 0, &place);
    status = show(doctor, &console, args, &err);
    int exit = status == GS_OK ? gs_status_exit(doctor->status) : gs_message(status, &err);
    enum gs_status closed = gs_output_close(&output, status == GS_OK, &err);
    return closed == GS_OK || status != GS_OK ? exit : gs_output_message(closed, &err);
}

static int run(const struct gs_args *args)
{
    struct gs_err err;
    if (args->pid_count > 1) {
        gs_fail(&err, GS_USAGE, "cannot examine: doctor looks at one process at a time");
        return gs_message(GS_USAGE, &err);
    }
    struct gs_doctor *doctor = calloc(1, sizeof *doctor);
    if (!doctor)
        return gs_message(GS_NO_MEMORY, &(struct gs_err){0});
    int exit = examine(args, doctor);
    free(doctor);
    return exit;
}

const struct gs_cmd gs_cmd_doctor = {
    .name = "doctor",
    .summary = "tell what this machine allows, what is missing, and what mends it",
    .help = "Tries what gilspy does, on children of its own, and tells for each thing whether it works and what mends "
            "it; with -p, whether that process can be looked into, and what stands in the way. Nothing is changed, and "
            "the process is not stopped.\n"
            "\n"
            "Without what is marked missing dump cannot be used; a note tells of something that it does without.\n"
            "\n"
            "  gilspy doctor             what works here?\n"
            "  gilspy doctor -v          and do watched stores trap as they should?\n"
            "  gilspy doctor -p 1234     why can I not look into this process?\n"
            "\n"
            "Exit status: 0 when dump can be used, of that process with -p; otherwise that of dump.",
    .options =
        GS_OPT(PID) | GS_OPT(JSON) | GS_OPT(OUTPUT) | GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .run = run,
};
