/* gilspy report: a recording drawn again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/draw.h"
#include "cmd/message.h"
#include "cmd/output.h"

/* run.gilspy -> run.svg, beside it. */
static char *choose_name(const struct gs_args *args, const struct gs_format *format, const char *recording)
{
    char extension[32], *name;
    if (args->output)
        return strdup(args->output);
    gs_draw_extension(format, extension);
    if (strcmp(recording, "-") == 0)
        recording = "gilspy";
    size_t len = strlen(recording), tail = strlen(".part");
    if (len > tail && strcmp(recording + len - tail, ".part") == 0)
        len -= tail;
    tail = strlen("." GS_FORMAT_RECORDING);
    if (len > tail && strncmp(recording + len - tail, "." GS_FORMAT_RECORDING, tail) == 0)
        len -= tail;
    return asprintf(&name, "%.*s%s", (int)len, recording, extension) < 0 ? NULL : name;
}

static enum gs_status report(const struct gs_args *args, const char *recording, struct gs_err *err)
{
    const struct gs_format *format;
    enum gs_status status = gs_draw_choose(&format, args, err);
    if (!status && !format)
        return gs_fail(err, GS_USAGE, "cannot draw %.200s: a recording is what it is already", recording);
    if (status)
        return status;
    struct gs_recording *opened;
    status = gs_recording_open(&opened, recording, err);
    if (status)
        return status;
    char *name = choose_name(args, format, recording);
    status = name ? gs_draw(opened, recording, format, name, args, err) : gs_fail(err, GS_NO_MEMORY, "out of memory");
    gs_recording_close(opened);
    if (!status && !args->output && !args->quiet)
        gs_remark("wrote %s", name);
    free(name);
    return status;
}

static int run(const struct gs_args *args)
{
    struct gs_err err = {0};
    enum gs_status status;
    if (args->word_count != 1) {
        status = gs_fail(&err, GS_USAGE,
                         args->word_count ? "cannot draw several recordings at a time"
                                          : "cannot draw: no recording is named");
        gs_err_todo(&err, "gilspy record -o run.gilspy makes one");
    } else {
        status = report(args, args->words[0], &err);
    }
    return status ? gs_output_message(status, &err) : 0;
}

const struct gs_cmd gs_cmd_report = {
    .name = "report",
    .summary = "draw a recording: any format, mode, time range, thread",
    .operands = "FILE",
    .offers = GS_OFFER_FILES,
    .help = "Draws a recording of gilspy record in any format and any mode, without recording again. One that still "
            "grows (FILE.part) is drawn as far as it is.\n"
            "\n"
            "  gilspy report run.gilspy                           run.svg\n"
            "  gilspy report run.gilspy -m gil -o gil.svg         who held the GIL\n"
            "  gilspy report run.gilspy -f folded -o - --from 10s --to 20s",
    .options = GS_OPT(FORMAT) | GS_OPT(MODE) | GS_OPT(GIL) | GS_OPT(IDLE) | GS_OPT(THREADS) | GS_OPT(THREAD) |
               GS_OPT(FUNCTION) | GS_OPT(FROM) | GS_OPT(TO) | GS_OPT(OUTPUT) | GS_OPT(QUIET) | GS_OPT(HELP),
    .run = run,
};
