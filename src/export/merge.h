/* The stacks of many processes, each distinct one once, with who has it: made of the documents of dump --json, wherever
 * they were collected. */
#ifndef GS_EXPORT_MERGE_H
#define GS_EXPORT_MERGE_H

#include <jansson.h>

#include "base/console.h"
#include "base/ids.h"
#include "gilspy/snapshot.h"

struct gs_merge_numbers {
    int64_t *list; /* ascending when it is complete */
    size_t count, room;
};

/* Threads with the same frames, whose names differ in nothing but numbers. */
struct gs_merge_stack {
    char *key;
    char *name;                    /* "worker-*" where they differ */
    json_t *frames;                /* as in the documents */
    struct gs_merge_numbers pids;  /* of the processes that have it */
    struct gs_merge_numbers ranks; /* of those whose rank is known */
    size_t count;                  /* processes */
    size_t threads;                /* in all of them */
    size_t words[GS_UNKNOWN + 1];  /* threads by what they do with the GIL */
    size_t last;                   /* the process that was counted last, from 1 on */
};

struct gs_merge_failed {
    pid_t pid;
    char *why;
};

struct gs_merged {
    struct gs_merge_stack **stacks; /* the rarest first when it is complete */
    size_t count, room;
    struct gs_ids by_key; /* by hash, the first that has it */
    size_t processes;
    struct gs_merge_failed *failed;
    size_t failed_count, failed_room;
};

/* Adds what a text holds: documents of dump, lists of them, what was merged before, or several of these one behind the
 * other. GS_FAILED: it is something else, from there on (err says where). GS_NO_MEMORY. */
enum gs_status gs_merge_text(struct gs_merged *merged, const char *text, size_t len, struct gs_err *err) GS_MUST_CHECK;
/* A process could not be read. False: out of memory. */
bool gs_merge_failure(struct gs_merged *merged, pid_t pid, const char *why);
/* Nothing is added any more: brings all into order. */
void gs_merge_complete(struct gs_merged *merged);
void gs_merge_fini(struct gs_merged *merged);
/* What all threads of the stack do with the GIL; GS_UNKNOWN also where they do not all do the same (*same). */
enum gs_gil_word gs_merge_word(const struct gs_merge_stack *stack, bool *same);
/* How many of the numbers from the first one on follow each other without a gap. */
size_t gs_merge_range(const int64_t *list, size_t count);

/* One JSON document, and a line feed. Errors of the stream stay in it. */
enum gs_status gs_merge_json(const struct gs_merged *merged, FILE *out) GS_MUST_CHECK;
/* verbose: file names in full. */
enum gs_status gs_merge_show(const struct gs_merged *merged, const struct gs_console *console,
                             bool verbose) GS_MUST_CHECK;

#endif
