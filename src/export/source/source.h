/* What the pages of the source are made of: lines with their times, by file. */
#ifndef GS_EXPORT_SOURCE_SOURCE_H
#define GS_EXPORT_SOURCE_SOURCE_H

#include "export/callgraph.h"
#include "export/label.h"
#include "export/tree_sink.h"

enum { GS_SOURCE_NAME = 96 };

struct gs_source_file {
    const char *file;          /* as a part of the graph has it */
    uint32_t first, count;     /* of its lines in gs_source's list */
    struct gs_cost own;        /* of all of them */
    uint32_t rank;             /* by heat, from 0 on */
    char page[GS_SOURCE_NAME]; /* the name of its page: none of the target's, but what is harmless of it */
};

struct gs_source {
    const struct gs_tree_drawing *drawing;
    struct gs_graph graph; /* by line */
    uint32_t *lines;       /* parts that are lines of a file, sorted by file, then line */
    uint32_t line_count;
    struct gs_source_file *files;
    uint32_t file_count;
    uint32_t *hottest, *by_heat;     /* those, and files, the hottest first */
    uint32_t *file_of;               /* of each part; UINT32_MAX: it is in none */
    uint32_t *by_caller, *by_callee; /* calls, sorted by that part, the longest of each first */
    uint64_t most_ns;                /* the longest own time of a line, and 1 at least */
    bool *shown; /* parts that are, with what is around them, in a part of another page; NULL: all, on pages of their
                    own */
};

/* An open page; `label` is empty. */
struct gs_source_page {
    FILE *out;
    struct gs_label label;
};

/* "<td class=...>12 ms</td>" for own and whole time, and what of the own one was had, waited for, ... */
void gs_source_put_cells(struct gs_source_page *page, const struct gs_source *source, const struct gs_graph_part *part);
/* The heads of these columns. */
void gs_source_put_heads(struct gs_source_page *page);
void gs_source_put_text(struct gs_source_page *page, const char *theirs);
/* A link to a line: "app.py:12 handle". */
void gs_source_put_link(struct gs_source_page *page, const struct gs_source *source, uint32_t part);
/* All before and behind the content; title: theirs. */
void gs_source_begin(struct gs_source_page *page, const char *title);
void gs_source_end(struct gs_source_page *page);

/* The page of one file. */
enum gs_status gs_source_write_file(const struct gs_source *source, const struct gs_source_file *file,
                                    FILE *out) GS_MUST_CHECK;
/* What such a page has of it. */
void gs_source_put_file(struct gs_source_page *page, const struct gs_source *source, const struct gs_source_file *file);
/* A section of another page, which has gs_web_source_css: the hottest lines, and of the hottest files the lines around
 * them. Nothing where no line was seen. */
enum gs_status gs_source_write_section(const struct gs_tree_drawing *drawing) GS_MUST_CHECK;

extern const char gs_web_flamegraph_css[], gs_web_source_css[];

#endif
