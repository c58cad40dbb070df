/* Reads a recording, and plays it into a sink: what a format makes of it is what it would have made of the run. */
#ifndef GS_RECORDING_RECORDING_H
#define GS_RECORDING_RECORDING_H

#include "gilspy/sample.h"

struct gs_recording;

/* How far the recording was played. */
struct gs_recording_state {
    bool complete;       /* up to the end of the run; else it was cut, or still grows, or */
    bool damaged;        /* is not as it was written, or */
    int error;           /* could not be read: errno, else 0; */
    uint64_t damaged_at; /* from this byte on */
};

/* "-" is stdin. GS_FAILED: cannot be opened, is no recording, or one of another gilspy's format; GS_NO_MEMORY; err is
 * filled. An empty file is opened: it may be one that has just been begun. */
enum gs_status gs_recording_open(struct gs_recording **recording, const char *path, struct gs_err *err) GS_MUST_CHECK;
/* The same of an open file (owned from now on, also on failure). A regular one is read from its beginning, and its
 * position stays as it is: it may be one that is still written. name: for messages. */
enum gs_status gs_recording_open_fd(struct gs_recording **recording, int fd, const char *name,
                                    struct gs_err *err) GS_MUST_CHECK;
void gs_recording_close(struct gs_recording *recording);

/* Plays what happened from from_ns on and before to_ns (UINT64_MAX: all the rest) after the run's begin; begin and end
 * of the run are told as those of the part. Of a recording that is cut, damaged or still being written, all that can be
 * relied on is played, and `complete` is false in gs_run_end: that is GS_OK, and the state tells. GS_FAILED when there
 * is not even the beginning of a run, or when what can be read only once was; GS_NO_MEMORY; what the sink returned,
 * which then gets no `end`. err is filled, but for what comes from the sink. */
enum gs_status gs_recording_play(struct gs_recording *recording, struct gs_sink *sink, uint64_t from_ns, uint64_t to_ns,
                                 struct gs_err *err) GS_MUST_CHECK;
/* Of the last time that it was played. */
const struct gs_recording_state *gs_recording_state(const struct gs_recording *recording);

#endif
