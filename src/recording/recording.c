/* Opens a recording, and plays it block by block. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording/recording.h"
#include "recording/records.h"
#include "recording/unpacker.h"

#define HOW_TO_RECORD "gilspy record -f gilspy makes recordings"

struct gs_recording {
    struct gs_unpacker unpacker;
    struct gs_recording_state state;
    char *name;
    int version; /* 0: of an empty file, which a recording is for a moment when it is begun */
};

static enum gs_status check_head(struct gs_recording *recording, struct gs_err *err)
{
    uint8_t head[GS_FILE_HEAD];
    const char *name = recording->name;
    size_t len = gs_unpacker_head(&recording->unpacker, head);
    if (recording->unpacker.error)
        return gs_fail(err, GS_FAILED, "cannot read %.300s: %s", name, strerror(recording->unpacker.error));
    if (len == 0)
        return GS_OK;
    if (len < sizeof head || memcmp(head, GS_FILE_MAGIC, sizeof GS_FILE_MAGIC) != 0) {
        gs_fail(err, GS_FAILED, "cannot play %.300s: it is not a recording", name);
        gs_err_todo(err, HOW_TO_RECORD);
        return GS_FAILED;
    }
    recording->version = head[GS_FILE_HEAD - 1];
    if (recording->version < GS_FILE_OLDEST || recording->version > GS_FILE_VERSION) {
        gs_fail(err, GS_FAILED, "cannot play %.300s: it has format %d, and this gilspy knows format %d and older ones",
                name, recording->version, GS_FILE_VERSION);
        gs_err_todo(err, "Use the gilspy that recorded it, or a newer one");
        return GS_FAILED;
    }
    return GS_OK;
}

enum gs_status gs_recording_open_fd(struct gs_recording **out, int fd, const char *name, struct gs_err *err)
{
    struct gs_recording *recording = calloc(1, sizeof *recording);
    *out = NULL;
    if (!recording) {
        close(fd);
        return gs_fail(err, GS_NO_MEMORY, "cannot play %.300s: out of memory", name);
    }
    enum gs_status status = gs_unpacker_init(&recording->unpacker, fd);
    recording->name = strdup(name);
    if (status || !recording->name)
        status = gs_fail(err, GS_NO_MEMORY, "cannot play %.300s: out of memory", name);
    else
        status = check_head(recording, err);
    if (status) {
        gs_recording_close(recording);
        return status;
    }
    *out = recording;
    return GS_OK;
}

enum gs_status gs_recording_open(struct gs_recording **recording, const char *path, struct gs_err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "stdin" : path;
    int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return gs_recording_open_fd(recording, fd, name, err);
    *recording = NULL;
    return gs_fail(err, GS_FAILED, "cannot open %.300s: %s", name, strerror(errno));
}

void gs_recording_close(struct gs_recording *recording)
{
    if (!recording)
        return;
    gs_unpacker_fini(&recording->unpacker);
    free(recording->name);
    free(recording);
}

const struct gs_recording_state *gs_recording_state(const struct gs_recording *recording)
{
    return &recording->state;
}

/* Plays all blocks that are whole. */
static enum gs_status play_blocks(struct gs_recording *recording, struct gs_records *records)
{
    struct gs_wire wire = {0};
    for (;;) {
        enum gs_unpacked unpacked = gs_unpacker_next(&recording->unpacker, &wire);
        if (unpacked == GS_UNPACKED_NO_MEMORY)
            return GS_NO_MEMORY;
        if (unpacked == GS_UNPACKED_END)
            return GS_OK;
        enum gs_status status = unpacked == GS_UNPACKED_BLOCK ? gs_records_play(records, &wire) : GS_OK;
        if (status || gs_records_ended(records))
            return status;
        if (unpacked == GS_UNPACKED_DAMAGED || wire.bad) {
            recording->state.damaged = recording->unpacker.error == 0;
            recording->state.damaged_at = recording->unpacker.block_at;
            recording->state.error = recording->unpacker.error;
            return GS_OK;
        }
    }
}

static enum gs_status say_empty(const struct gs_recording *recording, struct gs_err *err)
{
    const char *name = recording->name;
    if (recording->version == 0) {
        gs_fail(err, GS_FAILED, "cannot play %.300s: it is empty", name);
        gs_err_todo(err, HOW_TO_RECORD);
        return GS_FAILED;
    }
    if (recording->state.error)
        return gs_fail(err, GS_FAILED, "cannot read %.300s: %s", name, strerror(recording->state.error));
    if (recording->state.damaged)
        return gs_fail(err, GS_FAILED, "cannot play %.300s: it is damaged from its beginning on", name);
    gs_fail(err, GS_FAILED, "cannot play %.300s: nothing of it is whole yet", name);
    gs_err_todo(err, "If it is still being recorded, try again in some seconds");
    return GS_FAILED;
}

enum gs_status gs_recording_play(struct gs_recording *recording, struct gs_sink *sink, uint64_t from_ns, uint64_t to_ns,
                                 struct gs_err *err)
{
    recording->state = (struct gs_recording_state){0};
    if (recording->version == 0)
        return say_empty(recording, err);
    if (!gs_unpacker_rewind(&recording->unpacker)) {
        gs_fail(err, GS_FAILED, "cannot play %.300s twice: it is not a file", recording->name);
        gs_err_todo(err, "Save it as a file first");
        return GS_FAILED;
    }
    struct gs_records *records = gs_records_new(sink, recording->version, from_ns, to_ns);
    enum gs_status status = records ? play_blocks(recording, records) : GS_NO_MEMORY;
    if (status == GS_NO_MEMORY)
        gs_fail(err, status, "cannot play %.300s: out of memory", recording->name);
    else if (!status && !gs_records_begun(records))
        status = say_empty(recording, err);
    if (!status)
        status = gs_records_end(records, &recording->state.complete);
    gs_records_free(records);
    return status;
}
