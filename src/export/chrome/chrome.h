/* What a timeline for Perfetto is made of. */
#ifndef GS_EXPORT_CHROME_CHROME_H
#define GS_EXPORT_CHROME_CHROME_H

#include <jansson.h>
#include <stdio.h>

#include "export/format.h"
#include "export/label.h"
#include "export/task_lanes.h"
#include "profile/calltree.h"

/* Each thread has two tracks, and more with exact tracing. They bear numbers of their own, because on the track
 * that has the tid itself there may be VizTracer's exact calls, and slices of one track must nest. */
enum gs_chrome_track {
    GS_CHROME_STATES,
    GS_CHROME_FUNCTIONS,
    GS_CHROME_TRACKS,
    GS_CHROME_SCHEDULER = GS_CHROME_TRACKS,
    GS_CHROME_PAUSES /* without a GIL */
};

struct gs_chrome_thread {
    uint32_t process;
    pid_t tid;
    bool chosen;                     /* by the patterns */
    uint64_t seen;                   /* the last sample of its process that it was in */
    uint64_t switches;               /* its GIL's, when it was last seen to have it */
    uint64_t end_ns;                 /* how far its tracks are written */
    uint32_t open[GS_CHROME_TRACKS]; /* what goes on there: a state + 1, a node; 0: nothing */
};

enum { GS_CHROME_UNDRAWN = 255 /* a state that is not drawn from samples */ };

struct gs_chrome_process {
    pid_t pid;
    uint64_t samples, end_ns;
    uint32_t *open; /* threads with open slices */
    uint32_t open_count;
    size_t open_room;
    uint32_t waiters[GS_GILS_MOST]; /* as written last */
};

struct gs_chrome {
    struct gs_sink sink;
    FILE *out;
    const struct gs_selection *selection;
    struct gs_calltree *tree; /* fixed: slices are its nodes */
    struct gs_chrome_thread *threads;
    uint32_t thread_count;
    size_t thread_room;
    struct gs_chrome_process *processes;
    uint32_t process_count;
    size_t process_room;
    struct gs_task_lanes lanes;
    uint64_t begin_ns;
    json_t *about;
    bool any; /* event was written */
    /* With exact tracing, states and waiters are not drawn from samples (timeline.c); NULL: they are. */
    void (*seen)(void *context, pid_t tid, uint64_t ns, const struct gs_place *place);
    void *seen_context;
    json_t *more; /* for the metadata; NULL: nothing */
    uint32_t *path;
    size_t path_room;
    struct gs_label text;
};

/* The format's sink, for exact tracing. */
enum gs_status gs_chrome_open(struct gs_chrome **chrome, FILE *out, const struct gs_selection *selection) GS_MUST_CHECK;
void gs_chrome_close(struct gs_chrome *chrome);

/* An event, without the brace that ends it; on a track of a thread; at a time. */
void gs_chrome_begin_event(struct gs_chrome *chrome, char phase, pid_t pid);
void gs_chrome_put_track(struct gs_chrome *chrome, pid_t tid, enum gs_chrome_track track);
void gs_chrome_put_time(struct gs_chrome *chrome, uint64_t ns);
/* What is in chrome->text, quoted; it is empty then. */
enum gs_status gs_chrome_put_text(struct gs_chrome *chrome) GS_MUST_CHECK;
const char *gs_chrome_state_name(enum gs_gil_word word, bool at_lock);
/* The name of a track of a thread. */
enum gs_status gs_chrome_name(struct gs_chrome *chrome, pid_t pid, pid_t tid, const char *name,
                              enum gs_chrome_track track) GS_MUST_CHECK;

/* Events; errors of the stream stay in it, GS_NO_MEMORY or GS_OK. */
enum gs_status gs_chrome_process(struct gs_chrome *chrome, pid_t pid, const char *command,
                                 const char *python) GS_MUST_CHECK;
enum gs_status gs_chrome_thread(struct gs_chrome *chrome, uint32_t number, const char *name) GS_MUST_CHECK;
/* What goes on from here on; place: the innermost Python frame, or NULL. */
enum gs_status gs_chrome_state(struct gs_chrome *chrome, const struct gs_chrome_thread *thread, uint64_t ns,
                               enum gs_gil_word word, bool at_lock, const struct gs_place *place) GS_MUST_CHECK;
void gs_chrome_state_end(struct gs_chrome *chrome, const struct gs_chrome_thread *thread, uint64_t ns);
/* Ends what `from` has and `to` has not, and begins the rest of `to`. */
enum gs_status gs_chrome_functions(struct gs_chrome *chrome, const struct gs_chrome_thread *thread, uint64_t ns,
                                   uint32_t from, uint32_t to) GS_MUST_CHECK;
void gs_chrome_waiters(struct gs_chrome *chrome, pid_t pid, uint64_t ns, unsigned lock, uint32_t count);

#endif
