/* The parts of the timeline in a page: what is kept while it is traced, and what is written at the end. */
#ifndef GS_EXPORT_TIMELINE_HTML_H
#define GS_EXPORT_TIMELINE_HTML_H

#include "base/ids.h"
#include "export/html/html.h"
#include "export/timeline/timeline.h"
#include "export/timeline/marks.h"

enum {
    GS_TIMELINE_THREADS = 2000, /* with rows */
    GS_TIMELINE_NODES = 1 << 16 /* of the call tree */
};

/* Of a thread. */
enum gs_timeline_row { GS_ROW_STATES, GS_ROW_RUNS, GS_ROW_FUNCTIONS, GS_ROWS };

struct gs_timeline_thread {
    pid_t tid;
    char *name; /* NULL: not known */
    bool main;
    uint32_t rank;          /* as they are told, from 1 on; 0: it was not */
    uint32_t rows[GS_ROWS]; /* of the marks */
};

struct gs_timeline_html {
    struct gs_timeline timeline;
    struct gs_sink sink;
    FILE *out;
    pid_t pid;
    const struct gs_selection *selection; /* not owned */
    struct gs_calltree *tree;
    struct gs_run_info run;
    char *gilspy, *host;
    struct gs_timeline_thread *threads;
    size_t thread_count, thread_room;
    struct gs_ids by_tid;
    uint32_t *number_to; /* the sampler's number -> index of the thread, GS_IDS_NONE: it has no rows */
    size_t number_count, number_room;
    uint32_t ranks;
    struct gs_marks marks;
    uint32_t waiters[GS_ADDRESSES_MOST]; /* rows of them, where `locks` says so */
    bool locks[GS_ADDRESSES_MOST];
    uint32_t pauses[GS_PAUSES]; /* rows of these, where `paused` says so */
    bool paused[GS_PAUSES];
    uint64_t left_out; /* events of threads without rows */
    bool sampled;      /* states are drawn from samples */
    struct gs_timeline_end end;
};

/* What the script works on. */
enum gs_status gs_timeline_data(struct gs_timeline_html *self, const struct gs_run_end *run_end) GS_MUST_CHECK;
enum gs_status gs_timeline_page(struct gs_timeline_html *self, const struct gs_run_end *run_end) GS_MUST_CHECK;

/* web/timeline.css, timeline_data.js and timeline.js */
extern const char gs_web_timeline_css[], gs_web_timeline_data_js[], gs_web_timeline_js[];

#endif
