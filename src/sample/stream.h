/* The samples of one process: snapshots with their threads numbered, their stacks interned, their names known. */
#ifndef GS_SAMPLE_STREAM_H
#define GS_SAMPLE_STREAM_H

#include "gilspy/sampler.h"

struct gs_stream;

enum { GS_MET_PLACES = 1 << 13 };

/* A frame and its place: a code object is read once and never has its serial number again. */
struct gs_met_place {
    uint64_t serial;
    uint32_t stream; /* gs_stream.met_as, 0: empty */
    int32_t instr;
    uint32_t place;
};

/* What the streams of one run share. */
struct gs_stream_host {
    struct gs_sink *sink;
    struct gs_stacks *stacks;
    uint64_t forgotten;                     /* how often the stacks were cleared */
    struct gs_met_place met[GS_MET_PLACES]; /* lately, */
    uint32_t met_by;                        /* by so many, each of which knows nothing of the others' */
    uint32_t processes, threads;            /* numbers given out */
    bool polls;                             /* samples are without stacks, but for those of gs_reader_poll(long_ns) */
    uint64_t long_ns;
    bool tasks, suspended; /* as gs_sampler_tasks says */
    bool opcodes;          /* as gs_sampler_opcodes says */
    bool locks, all_locks; /* as gs_sampler_locks says */
    struct gs_lock_looker looker;
    bool loops; /* as gs_sampler_loops says */
};

/* None of the three is owned. id: as of gs_sampler_add. The sink is told of the process. */
enum gs_status gs_stream_new(struct gs_stream **stream, struct gs_stream_host *host, uint64_t id,
                             struct gs_python *python, struct gs_reader *reader, struct gs_names *names) GS_MUST_CHECK;
void gs_stream_free(struct gs_stream *stream);

/* Takes a sample now: the sink is told of threads that are new or renamed, and *sample is filled but for the times (the
 * arrays are the stream's, until the next call). As gs_reader_take; or what the sink returned. */
enum gs_status gs_stream_take(struct gs_stream *stream, struct gs_sample *sample) GS_MUST_CHECK;
/* The last one again, as it was. False: as below. */
bool gs_stream_last(const struct gs_stream *stream, struct gs_sample *sample);
/* At the end of a run: the last one again, without times, of GILs of which nothing is known; whose stacks were
 * forgotten since has none. False: there was none, or the taking of another one failed half-way. */
bool gs_stream_rest(struct gs_stream *stream, struct gs_sample *sample);

#endif
