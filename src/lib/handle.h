/* What the parts of libgilspy know of its handles. */
#ifndef GS_LIB_HANDLE_H
#define GS_LIB_HANDLE_H

#include <stdatomic.h>

#include "gilspy/gilspy.h"
#include "gilspy/sample.h"
#include "sample/merge.h"
#include "session/attach.h"

/* Names of the processes and threads of a source of samples, by their numbers. */
struct gs_lib_roster {
    struct gs_sampled_process *processes;
    size_t process_count, process_room;
    struct gs_sampled_thread *threads; /* names are owned */
    size_t thread_count, thread_room;
};

/* Either a snapshot with its names, or a sample of a sampler or a recording. */
struct gilspy_sample {
    struct gs_attach *attach; /* whose snapshot it is: its threads, merged; NULL: */
    struct gs_merge *merge;
    const struct gs_thread *threads;
    size_t thread_count;
    const struct gs_sample *sample;
    const struct gs_lib_roster *roster;
    /* The frames of the thread that was asked for last, innermost first: stacks are kept from there outwards. */
    size_t thread;
    uint32_t *stack;
    size_t depth, room;
    char spare[16];
};

struct gilspy_process {
    struct gs_attach *attach;
    struct gilspy_sample sample;
    struct gs_lib_roster roster;
    atomic_bool stop;
};

void gs_lib_roster_fini(struct gs_lib_roster *roster);
void gs_lib_sample_fini(struct gilspy_sample *sample);

/* A sink that keeps a roster and hands samples on. */
struct gs_lib_sink {
    struct gs_sink base; /* first */
    struct gs_lib_roster *roster;
    struct gilspy_sample *sample;
    gilspy_callback callback;
    void *context;
    bool stopped;  /* the callback wants no more */
    bool complete; /* the run has its end */
};

void gs_lib_sink_init(struct gs_lib_sink *sink, struct gs_lib_roster *roster, struct gilspy_sample *sample,
                      gilspy_callback callback, void *context);

/* Fills error, if there is one, and returns the public status. */
enum gilspy_status gs_lib_fail(struct gilspy_error *error, enum gs_status status, const struct gs_err *err);
enum gilspy_status gs_lib_usage(struct gilspy_error *error, const char *what);

/* Copies what fits of a filled structure into the caller's, whose struct_size is the first member of both. */
void gs_lib_give(void *to, const void *filled, size_t size);

#endif
