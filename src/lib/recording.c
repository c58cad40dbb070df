/* Recordings, played back as samples. */
#include <stdlib.h>

#include "lib/recording.h"

struct gilspy_recording {
    struct gs_recording *recording;
    struct gs_lib_roster roster;
    struct gilspy_sample sample;
};

struct gs_recording *gs_lib_recording(gilspy_recording *recording)
{
    return recording->recording;
}

enum gilspy_status gilspy_recording_open(const char *path, gilspy_recording **out, struct gilspy_error *error)
{
    struct gs_err err = {.what = ""};
    gilspy_recording *recording = calloc(1, sizeof *recording);
    *out = NULL;
    enum gs_status status = recording ? gs_recording_open(&recording->recording, path, &err) : GS_NO_MEMORY;
    if (status != GS_OK) {
        free(recording);
        return gs_lib_fail(error, status, &err);
    }
    *out = recording;
    return GILSPY_OK;
}

void gilspy_recording_close(gilspy_recording *recording)
{
    if (!recording)
        return;
    gs_recording_close(recording->recording);
    gs_lib_sample_fini(&recording->sample);
    gs_lib_roster_fini(&recording->roster);
    free(recording);
}

enum gilspy_status gilspy_recording_play(gilspy_recording *recording, gilspy_callback callback, void *context,
                                         int *whole, struct gilspy_error *error)
{
    struct gs_lib_sink sink;
    struct gs_err err = {.what = ""};
    gs_lib_roster_fini(&recording->roster);
    gs_lib_sink_init(&sink, &recording->roster, &recording->sample, callback, context);
    enum gs_status status = gs_recording_play(recording->recording, &sink.base, 0, UINT64_MAX, &err);
    if (whole)
        *whole = sink.complete;
    return status == GS_OK || sink.stopped ? GILSPY_OK : gs_lib_fail(error, status, &err);
}
