/* What is pushed: the profile of one process in one span of time. */
#ifndef GS_PUSH_PROFILE_H
#define GS_PUSH_PROFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gilspy/status.h"

/* The kind of profile, as servers name it before its types: cpython:wait:nanoseconds. */
#define GS_PUSH_NAME "cpython"
/* Of a sample: the group of its thread. */
#define GS_PUSH_THREAD "thread_group"

enum { GS_PUSH_ID = 16 };

struct gs_push_label {
    char *name, *value; /* UTF-8 without control characters */
};

struct gs_push_profile {
    uint8_t *pprof; /* with gzip; its sample types are wall, cpu, gil, wait and locks, in nanoseconds */
    size_t len;
    uint8_t id[GS_PUSH_ID]; /* random: the same at each try */
    int64_t begin_ns;       /* since 1970 */
    uint64_t duration_ns;
    pid_t pid;
    char *service;
    struct gs_push_label *labels; /* what --label says */
    size_t label_count;
    struct gs_push_profile *next; /* in a list */
};

/* NULL: out of memory. Labels and service are copied. */
struct gs_push_profile *gs_push_profile_new(const char *service, const struct gs_push_label *labels, size_t count);
void gs_push_profile_free(struct gs_push_profile *profile);
/* Bytes that it takes. */
size_t gs_push_profile_size(const struct gs_push_profile *profile);

/* Copies labels; NULL: out of memory. */
struct gs_push_label *gs_push_labels_copy(const struct gs_push_label *labels, size_t count);
void gs_push_labels_free(struct gs_push_label *labels, size_t count);

#endif
