/* Writes a recording while it is sampled. */
#ifndef GS_RECORDING_RECORDER_H
#define GS_RECORDING_RECORDER_H

#include "gilspy/sample.h"

/* A sink that appends to fd (not owned) a recording, beginning with its head. Blocks are written when they are full or
 * a second old, each with one write: whatever happens, what was written before can be played. The sink's functions
 * return GS_OUTPUT when fd cannot be written; GS_NO_MEMORY; GS_FAILED: more threads than a recording holds.
 * The same is returned here; *sink is then NULL, and errno tells why fd cannot be written. */
enum gs_status gs_recorder_open(struct gs_sink **sink, int fd) GS_MUST_CHECK;
/* Writes what is left when there was no `end`. NULL is accepted. */
void gs_recorder_close(struct gs_sink *sink);
/* Why fd could not be written, as in errno; 0: it could. */
int gs_recorder_error(const struct gs_sink *sink);
/* Bytes written so far. */
uint64_t gs_recorder_bytes(const struct gs_sink *sink);

#endif
