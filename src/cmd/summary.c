/* The last words of record: what was written, how good it is, what to do with it. */
#include <stdlib.h>
#include <string.h>

#include "cmd/draw.h"
#include "cmd/message.h"
#include "cmd/summary.h"
#include "export/formats.h"
#include "export/run.h"

/* ". Open it in a browser", or nothing. */
static void put_how_to_open(struct gs_text *text, const char *name)
{
    const struct gs_format *format = gs_format_find(name);
    const char *how = format ? format->how : "Draw it with gilspy report";
    if (how)
        gs_text_put(text, ". %s", how);
}

static double held(const struct gs_meter *meter)
{
    return meter->weighed_ns > 0 ? (double)meter->held_ns / (double)meter->weighed_ns : 0;
}

static void free_names(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

/* Of the recordings that are kept, NULL at the end. */
static char **names_of(const struct gs_rotation *rotation)
{
    const struct gs_rotated *rotated = gs_rotation_result(rotation);
    size_t count = rotated->kept ? rotated->kept_count : 0;
    char **names = calloc(count + 1, sizeof *names);
    for (size_t i = 0; i < count && names; i++) {
        if (!(names[i] = gs_rotation_name(rotation, rotated->kept[i]))) {
            free_names(names);
            return NULL;
        }
    }
    return names;
}

static enum gs_status tell_json(const struct gs_run_summary *run)
{
    FILE *out = strcmp(run->output, "-") == 0 ? stderr : stdout;
    enum gs_status status = gs_run_json(run, out);
    fputc('\n', out);
    return status;
}

static void tell_text(const struct gs_run_summary *run)
{
    struct gs_text text;
    gs_text_init(&text, false);
    gs_run_text(&text, run);
    size_t kept = 0;
    while (run->kept && run->kept[kept])
        kept++;
    size_t earlier = kept > run->made ? kept - run->made : 0; /* of other runs: what is told is not of them */
    if (kept - earlier > 1) {
        gs_remark("%s to %s: %.*s. Draw them with gilspy report, any of them or several as one", run->kept[earlier],
                  run->kept[kept - 1], (int)text.len, text.bytes);
    } else if (strcmp(run->output, "-") == 0) {
        gs_remark("%.*s", (int)text.len, text.bytes);
    } else {
        put_how_to_open(&text, run->format);
        gs_remark("%s: %.*s", run->output, (int)text.len, text.bytes);
    }
    gs_text_fini(&text);
}

void gs_summary_details(const char *name, const struct gs_run_summary *run)
{
    struct gs_text text;
    gs_text_init(&text, false);
    gs_run_details(&text, run);
    gs_remark("%s: %.*s", strcmp(name, "-") == 0 ? "details" : name, (int)text.len, text.bytes ? text.bytes : "");
    gs_text_fini(&text);
}

enum gs_status gs_summary_tell(const struct gs_summary *summary)
{
    const struct gs_args *args = summary->args;
    const struct gs_meter *meter = summary->meter;
    enum gs_status status = GS_OK;
    char **names = summary->rotation ? names_of(summary->rotation) : NULL, *newest = NULL;
    if (summary->rotation && !names)
        return GS_NO_MEMORY;
    for (size_t i = 0; names && names[i]; i++)
        newest = names[i];
    const char *written = summary->format ? summary->format->name : GS_FORMAT_RECORDING;
    struct gs_run_summary run = {.pid = meter->pid,
                                 .python = meter->python,
                                 .output = newest ? newest : summary->name,
                                 .format = summary->file ? written : gs_format_pprof.name,
                                 .mode = summary->format ? gs_modes[args->mode].name : gs_modes[GS_MODE_WALL].name,
                                 .seconds = (double)(summary->end->end_ns - summary->end->begin_ns) / 1e9,
                                 .rate_hz = args->rate_hz,
                                 .unique_stacks = meter->unique_stacks,
                                 .processes = meter->processes,
                                 .threads = meter->threads,
                                 .missed = summary->missed,
                                 .held = held(meter),
                                 .made = summary->rotation ? gs_rotation_result(summary->rotation)->made : 0,
                                 .kept = names,
                                 .pushed = summary->pushed,
                                 .end = summary->end};
    if (args->json)
        status = tell_json(&run);
    else if (!args->quiet)
        tell_text(&run);
    if (args->verbose && !args->json && !args->quiet)
        gs_summary_details(run.output, &run);
    free_names(names);
    return status;
}
