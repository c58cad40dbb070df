/* Playing both sides, one after the other, and drawing what came of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/differ.h"
#include "cmd/message.h"
#include "base/output.h"
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
    struct gs_err why;
    enum gs_status status = gs_output_open(&output, output_name, &gs_to_user, err);
    if (status)
        return status;
    gs_console_init(&console, output.file, args->color);
    status = format ? format->diff(difference, output.file) : gs_diff_text(difference, console.utf8, output.file);
    if (status)
        gs_fail(err, status, "cannot draw the difference: %s", gs_status_text(status));
    enum gs_status closed = gs_output_close(&output, !status, &why);
    if (!status && closed)
        *err = why;
    return status ? status : closed;
}

static enum gs_status play(struct gs_diff *diff, struct gs_join *const sides[GS_SIDES], const struct gs_args *args,
                           struct gs_err *err)
{
    enum gs_status status = GS_OK;
    for (int side = 0; side < GS_SIDES && !status; side++)
        status = gs_draw_play(sides[side], gs_diff_sink(diff, side), args, err);
    return status;
}

enum gs_status gs_differ(struct gs_join *before, struct gs_join *after, const struct gs_format *format,
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
