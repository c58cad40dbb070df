/* What plays recordings into one sink: numbers and times of each become those of all together. */
#ifndef GS_RECORDING_JOIN_SINK_H
#define GS_RECORDING_JOIN_SINK_H

#include "gilspy/sample.h"

struct gs_join_sink;

/* `to` gets all but the beginning and the end. NULL: out of memory. */
struct gs_join_sink *gs_join_sink_new(struct gs_sink *to);
void gs_join_sink_free(struct gs_join_sink *join);
/* There is one recording only: `to` gets its beginning and its end, too. Instead of gs_join_sink_next. */
void gs_join_sink_alone(struct gs_join_sink *join);
/* The next recording begins at begin_ns, when shift_ns is added to its times. */
void gs_join_sink_next(struct gs_join_sink *join, uint64_t begin_ns, int64_t shift_ns);
/* What the recording is to be played into. */
struct gs_sink *gs_join_sink(struct gs_join_sink *join);
/* Of the recording that was played last, with its shift. */
uint64_t gs_join_sink_end_ns(const struct gs_join_sink *join);
/* Tells the end of all, which began at begin_ns. */
enum gs_status gs_join_sink_finish(struct gs_join_sink *join, uint64_t begin_ns) GS_MUST_CHECK;

#endif
