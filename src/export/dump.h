/* What the renderings of a snapshot share: what they are given, and a snapshot's threads as users see them. */
#ifndef GS_EXPORT_DUMP_H
#define GS_EXPORT_DUMP_H

#include <time.h>

#include "base/console.h"
#include "gilspy/snapshot.h"
#include "python/tasks.h"
#include "sample/merge.h"
#include "session/lookup.h"

/* A snapshot of one process, and what goes with it. Nothing is owned. */
struct gs_dump {
    const struct gs_target *target;
    const struct gs_python *python;
    const struct gs_snapshot *snapshot;
    const struct gs_quality *quality;
    const struct gs_tasks *tasks; /* of event loops; NULL: not asked for */
    bool running_only;            /* of the tasks those that run */
    bool tree;                    /* tasks by who awaits whom */
    struct gs_lookup lookup;
    struct timespec time; /* CLOCK_REALTIME when it was taken */
    double uptime_s;
    int64_t rank; /* as gs_process_rank has it */
    char stopped; /* as gs_target_stopped has it */
    pid_t tracer; /* 0: nobody */
    char tracer_name[16];
    pid_t holdup; /* who traces threads whose C stack could not be read for that, 0: nobody */
    char holdup_name[16];
    bool no_lines;               /* functions without line numbers */
    const char *const *patterns; /* only threads whose name or tid is one of these, when there are any */
    size_t pattern_count;
    const pid_t *children; /* Python processes below, to be pointed out */
    size_t child_count;
};

/* One thread of the kernel, which may have a thread state in several interpreters. */
struct gs_entry {
    const struct gs_thread *thread; /* the state that tells most; of several, with the frames of all */
    const uint32_t *states;         /* indexes into the snapshot's threads */
    size_t state_count;
    const char *name;
};

struct gs_entries {
    struct gs_entry *list; /* main thread first, then by tid */
    size_t count;
    size_t all; /* before the patterns were applied */
    struct gs_merge *merge;
    char (*spare)[16];
};

/* GS_NO_MEMORY or GS_OK; free with gs_entries_fini in any case. */
enum gs_status gs_entries_init(struct gs_entries *entries, const struct gs_dump *dump) GS_MUST_CHECK;
void gs_entries_fini(struct gs_entries *entries);

/* What a frame is called: code that is not known, and gaps, say so; they have an empty file. */
void gs_dump_frame(const struct gs_dump *dump, const struct gs_frame *frame, struct gs_frame_info *info);
/* The event loops that a thread runs, one hosted by the other, or beside greenlets; those that no thread runs where
 * entry is NULL. NULL: there are no more that are known, or nobody asked. */
const struct gs_event_loop *gs_dump_loop(const struct gs_dump *dump, const struct gs_entry *entry, size_t number);
/* A frame as an object of JSON, that is written by hand: of frames there may be millions. */
enum gs_status gs_dump_json_frame(const struct gs_dump *dump, const struct gs_frame *frame, FILE *out) GS_MUST_CHECK;
/* ", \"loop\": " and, of further ones, ", \"other_loops\": "; of those that no thread runs ", \"loops\": ". Nothing
 * where there is none. */
enum gs_status gs_dump_json_loops(const struct gs_dump *dump, const struct gs_entry *entry, FILE *out) GS_MUST_CHECK;

/* One JSON object, without a line feed. Errors of the stream stay in it. */
enum gs_status gs_dump_json(const struct gs_dump *dump, FILE *out) GS_MUST_CHECK;

/* verbose: nothing shortened, nothing folded. */
enum gs_status gs_dump_text(const struct gs_dump *dump, const struct gs_console *console, bool verbose) GS_MUST_CHECK;

#endif
