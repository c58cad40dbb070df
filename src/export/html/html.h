/* The parts of the report: what is kept of the samples while they come, what is summed up of them at the end, and the
 * page. */
#ifndef GS_EXPORT_HTML_HTML_H
#define GS_EXPORT_HTML_HTML_H

#include "export/html/holds.h"
#include "export/html/keys.h"
#include "export/html/lanes.h"
#include "export/html/locks.h"
#include "export/spill.h"
#include "export/flame/svg.h"
#include "gil/hold.h"

enum {
    GS_HTML_BUCKETS = 1000, /* parts of the run that can be told apart */
    GS_HTML_ROWS = 256,     /* threads that have a row of their own */
    GS_HTML_NODES = 20000,  /* of the call tree */
    GS_HTML_BLAMED = 12,    /* threads in the matrix that is drawn without a script */
    GS_HTML_CELLS = 200     /* of a row that is drawn without a script */
};

/* What a file says may be anything: a later moment is none. */
#define GS_HTML_LONGEST_NS ((uint64_t)1 << 60)

struct gs_html_thread {
    uint32_t process, rank; /* rank: among those shown, by how busy they were; from 0 on */
    pid_t tid;
    const char *name;          /* the source's, as in gs_run_info: they hold until the end */
    bool main, chosen, shared; /* shared: another one has its name */
    uint8_t lock;              /* the GIL that it was seen with last */
    uint64_t samples, longest_ns, runs_ns;
    uint64_t hogged_ns; /* its longest hold for half of which, at least, others waited */
    uint64_t hue_ns[GS_HUE_COUNT];
    struct gs_hold hold; /* the present one; samples 0: none */
    uint32_t leaf;       /* where it held the GIL longest, 0: it never did */
    uint8_t *cells;      /* gs_html_pack: hues of GS_HTML_CELLS parts of the run, 0xff: not there */
};

/* Where tasks of a thread's loop are suspended. */
struct gs_html_await {
    uint32_t thread, key; /* key: its number, from 1 on */
    uint32_t count;       /* tasks, in the last look */
};

/* Who has the GILs of a process. */
struct gs_html_process {
    struct gs_hold_follow *gils;
    size_t gil_count, gil_room;
};

struct gs_html {
    struct gs_sink sink;
    FILE *out;
    const struct gs_selection *selection;
    struct gs_selection all;  /* how the next one is made: every thread */
    struct gs_calltree *tree; /* fixed: keys know its nodes */
    struct gs_keys keys;
    struct gs_spill *spill; /* spans of keys, from 1 on */
    struct gs_holds holds;
    struct gs_locks locks;
    struct gs_task_lanes lanes;
    struct gs_html_lane lane[GS_TASK_LANES_MOST];
    struct gs_spill *lane_spill; /* thread: number of the lane */
    struct gs_html_await *awaits;
    uint32_t await_count;
    size_t await_room;
    struct gs_ids by_await;
    struct gs_spill *await_spill; /* thread: number of the await; node: how many tasks */
    uint64_t await_ns;            /* of all tasks */
    struct gs_html_process *processes;
    size_t process_count, process_room;
    struct gs_html_thread *threads;
    uint32_t thread_count;
    size_t thread_room;
    struct gs_run_info run;
    uint64_t last_ns; /* of the last sample, from the run's beginning */
};

static inline uint64_t gs_html_since_begin(const struct gs_html *html, uint64_t ns)
{
    return ns > html->run.begin_ns ? ns - html->run.begin_ns : 0;
}

/* Bytes in the making. */
struct gs_pack {
    uint8_t *bytes;
    size_t len, room;
    bool failed;
};

/* Whose time is counted apart. */
enum gs_html_part { GS_PART_HOLDS, GS_PART_WAITS, GS_PART_REST, GS_PARTS };

/* What the script works on: the nodes that are kept, keys, and of each thread which keys it had when. */
struct gs_html_data {
    struct gs_pack pack;
    uint32_t *node_to; /* node of the tree -> kept one */
    uint32_t *kept;    /* kept one -> node of the tree, 0: "(other)" */
    uint32_t *parent;  /* of kept ones */
    uint32_t *key_to;  /* key -> number in the file */
    uint8_t *part_of;  /* by that: enum gs_html_part */
    uint64_t part_ns[GS_PARTS];
    uint32_t *place_to; /* place of the tree -> number in the page, from 1 on */
    uint32_t *places;   /* and back, from 0 on */
    uint32_t place_count;
    struct gs_files files;
    uint32_t kept_count, key_count, buckets, cells;
    uint64_t bucket_ns, unit_ns, end_ns;
    uint64_t blame_ns[GS_HTML_BLAMED][GS_HTML_BLAMED]; /* by rank: waiter, holder */
};

enum gs_status gs_html_pack(struct gs_html *html, const struct gs_run_end *end,
                            struct gs_html_data *data) GS_MUST_CHECK;
void gs_html_data_fini(struct gs_html_data *data);
/* Which nodes are kept, and the rest as "(other)". */
enum gs_status gs_html_prune(struct gs_html *html, struct gs_html_data *data) GS_MUST_CHECK;

/* The number in the page of a place of the tree, from 1 on; 0: of none. */
uint32_t gs_html_place(const struct gs_html *html, struct gs_html_data *data, uint32_t place);
/* The numbers of nodes and keys, packed. False: out of memory. */
bool gs_html_merge(struct gs_html *html, struct gs_html_data *data);

void gs_pack_byte(struct gs_pack *pack, uint8_t byte);
/* Seven bits a byte, lowest first. */
void gs_pack_number(struct gs_pack *pack, uint64_t number);
void gs_pack_base64(const struct gs_pack *pack, FILE *out);

enum gs_status gs_html_write(struct gs_html *html, const struct gs_html_data *data,
                             const struct gs_run_end *end) GS_MUST_CHECK;
/* Everything up to the body; the page's title is what stands in page->text; style: besides the report's. */
void gs_html_head(struct gs_svg_page *page, const char *style);
/* The names that the packed numbers stand for, as JSON in which no tag can begin. */
enum gs_status gs_html_names(struct gs_html *html, const struct gs_html_data *data,
                             const struct gs_run_end *end) GS_MUST_CHECK;
/* Writes a name as JSON in which no tag can begin, and empties it. */
enum gs_status gs_html_put_name(struct gs_label *text, FILE *out) GS_MUST_CHECK;
/* What the GIL did, in a sentence or two. */
void gs_html_verdict(struct gs_label *text, const struct gs_html *html, const struct gs_html_data *data);
enum { GS_HTML_NAME_MOST = 60 /* characters of a thread's name */ };
/* "worker-1", and where that is not clear "worker-1 (4250)"; the name cut in the middle to `most` characters. */
void gs_html_thread_name(struct gs_label *text, const struct gs_html_thread *thread, size_t most);
/* "worker-1 (4250)" always: where threads of a pool stand beside each other. */
void gs_html_thread_tid(struct gs_label *text, const struct gs_html_thread *thread);

/* "4250: python3 app.py" */
void gs_html_process_name(struct gs_label *text, const struct gs_calltree_process *process);

/* web/report.css, report_data.js, report.js and difference.js */
extern const char gs_web_report_css[], gs_web_report_data_js[], gs_web_report_js[], gs_web_difference_js[];

#endif
