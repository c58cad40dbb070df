/* Plays records into a sink. */
#ifndef GS_RECORDING_RECORDS_H
#define GS_RECORDING_RECORDS_H

#include "recording/wire.h"

struct gs_records;

/* version: of the file. NULL: out of memory. */
struct gs_records *gs_records_new(struct gs_sink *sink, int version, uint64_t from_ns, uint64_t to_ns);
void gs_records_free(struct gs_records *records);
/* Plays the records of a block; what should not be sets wire->bad, and ends it. GS_NO_MEMORY, or what the sink
 * returns. */
enum gs_status gs_records_play(struct gs_records *records, struct gs_wire *wire) GS_MUST_CHECK;
/* There was the begin, the end of the run. */
bool gs_records_begun(const struct gs_records *records);
bool gs_records_ended(const struct gs_records *records);
/* Tells the sink of the end of the run, or of what there is of it. */
enum gs_status gs_records_end(struct gs_records *records, bool *complete) GS_MUST_CHECK;

#endif
