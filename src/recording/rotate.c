/* Each recording is a file of its own that grows in its .part and gets its name when it is whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "recording/rotate.h"
#include "recording/series.h"
#include "recording/recorder.h"
#include "recording/rotor.h"

struct gs_rotation {
    struct gs_rotation_options options;
    struct gs_series series;
    struct gs_rotor *rotor;
    struct gs_output output; /* of the open recording */
    char *name;              /* of it; NULL: none is open */
    struct gs_sink *recorder;
    struct gs_rotated result;
    struct gs_err err; /* why a file could not be opened or put in its place */
};

static void drop_name(struct gs_rotation *rotation)
{
    free(rotation->name);
    rotation->name = NULL;
}

/* The part of a name of the series that lies in its folder. */
static const char *in_folder(const struct gs_rotation *rotation, const char *name)
{
    return name + (strlen(rotation->series.stem) - strlen(rotation->series.base));
}

static enum gs_status open_next(void *context, struct gs_sink **recorder)
{
    struct gs_rotation *rotation = context;
    rotation->name = gs_series_name(&rotation->series, rotation->series.number + 1);
    if (!rotation->name)
        return GS_NO_MEMORY;
    enum gs_status status =
        gs_output_open_growing(&rotation->output, &rotation->series.in, in_folder(rotation, rotation->name),
                               rotation->name, rotation->options.remarks, &rotation->err);
    if (status) {
        drop_name(rotation);
        return status;
    }
    status = gs_recorder_open(&rotation->recorder, fileno(rotation->output.file));
    if (status) { /* not even its head: nothing of it stays */
        gs_fail(&rotation->err, status, "cannot write to %.300s: %s", rotation->name,
                status == GS_OUTPUT ? strerror(errno) : gs_status_text(status));
        (void)!gs_output_close(&rotation->output, false, NULL);
        drop_name(rotation);
        return status;
    }
    rotation->series.number++;
    *recorder = rotation->recorder;
    return GS_OK;
}

static enum gs_status close_one(void *context)
{
    struct gs_rotation *rotation = context;
    gs_recorder_close(rotation->recorder);
    rotation->recorder = NULL;
    enum gs_status status = gs_output_close(&rotation->output, true, &rotation->err);
    drop_name(rotation);
    if (status)
        return status;
    struct gs_rotated *result = &rotation->result;
    result->made++;
    free(result->kept);
    result->kept = gs_series_prune(&rotation->series, rotation->options.keep, &result->kept_count);
    return result->kept ? GS_OK : GS_NO_MEMORY;
}

/* Rather now than after an hour. */
static enum gs_status try_first(const struct gs_rotation *rotation, struct gs_err *err)
{
    char *name = gs_series_name(&rotation->series, rotation->series.number + 1);
    enum gs_status status =
        name ? gs_output_try(&rotation->series.in, in_folder(rotation, name), name, rotation->options.remarks, err)
             : gs_fail(err, GS_NO_MEMORY, "cannot record: out of memory");
    free(name);
    return status;
}

enum gs_status gs_rotation_open(struct gs_rotation **out, const struct gs_rotation_options *options,
                                void (*sum)(void *context, struct gs_run_end *end), void *context, struct gs_err *err)
{
    struct gs_rotation *rotation = calloc(1, sizeof *rotation);
    *out = rotation;
    if (!rotation)
        return gs_fail(err, GS_NO_MEMORY, "cannot record: out of memory");
    enum gs_status status = gs_series_init(&rotation->series, options->output, err);
    if (status)
        return status;
    rotation->options = *options;
    struct gs_rotor_limit limit = {.time_ns = options->rotate_us * 1000, .bytes = options->rotate_bytes};
    struct gs_rotor_calls calls = {
        .context = rotation, .open = open_next, .close = close_one, .sum = sum, .sum_context = context};
    if (gs_rotor_new(&rotation->rotor, &limit, &calls))
        return gs_fail(err, GS_NO_MEMORY, "cannot record: out of memory");
    return try_first(rotation, err);
}

struct gs_sink *gs_rotation_sink(struct gs_rotation *rotation)
{
    return gs_rotor_sink(rotation->rotor);
}

enum gs_status gs_rotation_finish(struct gs_rotation *rotation, enum gs_status status, struct gs_err *err)
{
    int reason = rotation->recorder ? gs_recorder_error(rotation->recorder) : 0;
    if (status == GS_OUTPUT && reason)
        gs_fail(err, GS_OUTPUT, "cannot write to %.300s: %s", rotation->name, strerror(reason));
    else if (status == GS_OUTPUT && rotation->err.what[0])
        *err = rotation->err;
    if (!rotation->name)
        return status;
    gs_recorder_close(rotation->recorder);
    rotation->recorder = NULL;
    if (status && rotation->output.part)
        gs_err_todo(err, "What was recorded last is in %.300s: gilspy report draws it", rotation->output.part);
    gs_output_leave(&rotation->output);
    drop_name(rotation);
    return status;
}

const struct gs_rotated *gs_rotation_result(const struct gs_rotation *rotation)
{
    return &rotation->result;
}

char *gs_rotation_name(const struct gs_rotation *rotation, uint64_t number)
{
    return gs_series_name(&rotation->series, number);
}

void gs_rotation_close(struct gs_rotation *rotation)
{
    if (!rotation)
        return;
    gs_rotor_free(rotation->rotor);
    gs_series_fini(&rotation->series);
    free(rotation->result.kept);
    free(rotation);
}
