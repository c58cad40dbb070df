/* gilspy report: a recording drawn again, or the difference of two. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "cmd/cmd.h"
#include "cmd/draw.h"
#include "cmd/message.h"
#include "cmd/summary.h"
#include "export/difference.h"

/* "a.gilspy", "a.gilspy and 3 more" */
static char *name_of(const struct gs_join *join)
{
    char *name;
    size_t more = gs_join_count(join) - 1;
    if (more == 0)
        return strdup(gs_join_name(join, 0));
    return asprintf(&name, "%s and %zu more", gs_join_name(join, 0), more) < 0 ? NULL : name;
}

static enum gs_status write_out(const struct gs_difference *difference, const struct gs_format *format,
                                const char *output_name, const struct gs_args *args, struct gs_err *err)
{
    struct gs_output output;
    struct gs_console console;
    enum gs_status status = gs_output_open(&output, output_name, &gs_to_user, err);
    if (status)
        return status;
    gs_console_init(&console, output.file, args->color);
    status = format ? format->diff(difference, output.file) : gs_diff_text(difference, console.utf8, output.file);
    if (status)
        gs_fail(err, status, "cannot draw the difference: %s", gs_status_text(status));
    return gs_output_end(&output, status, err);
}

static enum gs_status play(struct gs_diff *diff, struct gs_join *const sides[GS_SIDES], const struct gs_args *args,
                           struct gs_err *err)
{
    enum gs_status status = GS_OK;
    for (int side = 0; side < GS_SIDES && !status; side++)
        status = gs_draw_play(sides[side], gs_diff_sink(diff, side), args, err);
    return status;
}

/* Draws the difference of two recordings, or of several as one each; before and after belong to the caller. format
 * NULL: as text. */
static enum gs_status differ(struct gs_join *before, struct gs_join *after, const struct gs_format *format,
                             const char *output, const struct gs_args *args, struct gs_err *err)
{
    struct gs_join *sides[GS_SIDES] = {before, after};
    char *names[GS_SIDES] = {name_of(before), name_of(after)};
    struct gs_selection selection = gs_draw_selection(args);
    struct gs_difference difference;
    struct gs_diff *diff = NULL;
    enum gs_status status =
        names[0] && names[1] ? gs_diff_new(&diff, &selection, (const char *const *)names) : GS_NO_MEMORY;
    if (status)
        gs_fail(err, status, "cannot draw the difference: %s", gs_status_text(status));
    if (!status)
        status = play(diff, sides, args, err);
    if (!status && (status = gs_diff_finish(diff, &difference)))
        gs_fail(err, status, "cannot draw the difference: %s", gs_status_text(status));
    if (!status)
        status = write_out(&difference, format, output, args, err);
    gs_diff_free(diff);
    free(names[0]);
    free(names[1]);
    return status;
}

/* run.gilspy -> run.svg, beside it; a difference: run.diff.svg. */
static char *choose_name(const struct gs_args *args, const struct gs_format *format, const char *recording)
{
    char extension[32], *name;
    if (args->output)
        return strdup(args->output);
    gs_draw_extension(format, extension);
    if (!extension[0])
        return strdup("-");
    if (strcmp(recording, "-") == 0)
        recording = "gilspy";
    size_t len = strlen(recording), tail = strlen(".part");
    if (len > tail && strcmp(recording + len - tail, ".part") == 0)
        len -= tail;
    tail = strlen("." GS_FORMAT_RECORDING);
    if (len > tail && strncmp(recording + len - tail, "." GS_FORMAT_RECORDING, tail) == 0)
        len -= tail;
    const char *what = args->diff_count > 0 ? ".diff" : "";
    return asprintf(&name, "%.*s%s%s", (int)len, recording, what, extension) < 0 ? NULL : name;
}

/* Text is what a difference is without a format and a name; "gilspy" is no format of it either. */
static enum gs_status draw_difference(const struct gs_args *args, struct gs_join *before, struct gs_err *err)
{
    const struct gs_format *format = NULL;
    bool text = !args->format && (!args->output || strcmp(args->output, "-") == 0);
    enum gs_status status = text ? GS_OK : gs_draw_choose(&format, args, err);
    if (!status && !text && (!format || !format->diff)) {
        gs_fail(err, GS_USAGE, "cannot write a difference as %s", format ? format->name : "a recording");
        gs_err_todo(err, "svg, html and folded can show it, and without -f and -o it is told as text");
        status = GS_USAGE;
    }
    if (!status)
        status = gs_draw_open(before, args->words, args->word_count, err);
    struct gs_join *after = status ? NULL : gs_join_new();
    char *name = text ? strdup("-") : choose_name(args, format, args->words[0]);
    if (!status && (!after || !name))
        status = gs_fail(err, GS_NO_MEMORY, "cannot draw: out of memory");
    if (!status)
        status = gs_draw_open(after, args->diffs, args->diff_count, err);
    if (!status)
        status = differ(before, after, format, name, args, err);
    if (!status && !text && !args->output && !args->quiet)
        gs_remark("wrote %s", name);
    free(name);
    gs_join_free(after);
    return status;
}

/* What was drawn, as record tells it of its run. */
static void tell_details(const char *name, const struct gs_meter *meter)
{
    struct gs_run_summary run = {.pid = meter->pid,
                                 .python = meter->python,
                                 .rate_hz = meter->rate_hz,
                                 .unique_stacks = meter->unique_stacks,
                                 .end = &meter->end};
    gs_summary_details(name, &run);
}

static enum gs_status draw(const struct gs_args *args, struct gs_join *join, struct gs_err *err)
{
    if (args->diff_count > 0)
        return draw_difference(args, join, err);

    const struct gs_format *format;
    enum gs_status status = gs_draw_choose(&format, args, err);
    if (!status && !format)
        return gs_fail(err, GS_USAGE, "cannot draw %.200s: a recording is what it is already", args->words[0]);
    if (!status && args->json && strcmp(format->name, "stat") != 0)
        return gs_fail(err, GS_USAGE, "cannot draw %.200s: --json is for -f stat", args->words[0]);
    if (!status)
        status = gs_draw_open(join, args->words, args->word_count, err);
    if (status)
        return status;
    char *name = choose_name(args, format, args->words[0]);
    struct gs_meter meter = {.next = NULL};
    status = name ? gs_draw(join, format, name, args, true, args->verbose ? &meter : NULL, err)
                  : gs_fail(err, GS_NO_MEMORY, "out of memory");
    if (!status && !args->output && !args->quiet && strcmp(name, "-") != 0)
        gs_remark("wrote %s", name);
    if (!status && args->verbose && !args->quiet)
        tell_details(name, &meter);
    gs_meter_fini(&meter);
    free(name);
    return status;
}

static int run(const struct gs_args *args)
{
    struct gs_err err = {0};
    enum gs_status status;
    struct gs_join *join = gs_join_new();
    if (args->word_count == 0) {
        status = gs_fail(&err, GS_USAGE, "cannot draw: no recording is named");
        gs_err_todo(&err, "gilspy record -o run.gilspy makes one");
    } else {
        status = join ? draw(args, join, &err) : gs_fail(&err, GS_NO_MEMORY, "cannot draw: out of memory");
    }
    gs_join_free(join);
    return status ? gs_output_message(status, &err) : 0;
}

const struct gs_cmd gs_cmd_report = {
    .name = "report",
    .summary = "draw a recording: any format, mode, time range, thread",
    .operands = "FILE...",
    .offers = GS_OFFER_FILES,
    .help =
        "Draws a recording of gilspy record in any format and any mode, without recording again. One that still "
        "grows (FILE.part) is drawn as far as it is. Several are drawn as one, in the order of time: those of "
        "record --rotate come out as the undivided run would. The figures of gilspy stat (-f stat, also with --json) "
        "know no "
        "time on a processor here.\n"
        "\n"
        "--diff tells what another recording has more and less of, as shares of the time that each was recorded: as "
        "text, or in svg, html and folded (with two columns). The one named first is before. Lines of code do not "
        "matter in it, and of a change it is told whether chance may have made it.\n"
        "\n"
        "  gilspy report run.gilspy                           run.svg\n"
        "  gilspy report run.gilspy -m gil -o gil.svg         who held the GIL\n"
        "  gilspy report run.gilspy -f folded -o - --from 10s --to 20s\n"
        "  gilspy report run.gilspy -f stat                   figures, as of gilspy stat\n"
        "  gilspy report run.*.gilspy -o run.html             what --rotate left, as one\n"
        "  gilspy report before.gilspy --diff after.gilspy    what grew, what shrank\n"
        "  gilspy report before.gilspy --diff after.gilspy -o diff.html",
    .options = GS_OPT(FORMAT) | GS_OPT(MODE) | GS_OPT(GIL) | GS_OPT(IDLE) | GS_OPT(THREADS) | GS_OPT(THREAD) |
               GS_OPT(FUNCTION) | GS_OPT(NO_SOURCE) | GS_OPT(FROM) | GS_OPT(TO) | GS_OPT(DIFF) | GS_OPT(JSON) |
               GS_OPT(OUTPUT) | GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .run = run,
};
