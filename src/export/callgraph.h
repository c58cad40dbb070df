/* Who calls whom: a call tree summed up by function, or by line of the source. */
#ifndef GS_EXPORT_CALLGRAPH_H
#define GS_EXPORT_CALLGRAPH_H

#include "profile/calltree.h"

struct gs_cost {
    uint64_t word_ns[GS_UNKNOWN + 1];
    uint64_t idle_ns, lock_ns, cpu_ns; /* as in a gs_node */
    uint64_t samples;
};

/* A function, or a line of a file. */
struct gs_graph_part {
    const char *name, *file;      /* as gs_label_parts says; of a line, the name of a function that was seen there */
    const struct gs_place *place; /* one of those that it was seen at; NULL: it is no frame */
    int32_t line;                 /* the lowest that was seen; 0: none is known */
    struct gs_cost own, whole;    /* whole: with all that it called, once for each stack */
    uint32_t depth;               /* how often it is in the stack that is added up */
};

/* A function at a line: in a graph by line, that line. */
struct gs_call_site {
    uint32_t part;
    int32_t line;
    struct gs_cost own;
};

/* Time of a stack in which a part calls the same one several times counts for the outermost of these calls. */
struct gs_graph_call {
    uint32_t caller, callee; /* sites */
    struct gs_cost own, whole;
};

struct gs_graph {
    struct gs_graph_part *parts;
    struct gs_call_site *sites;
    struct gs_graph_call *calls;
    uint32_t part_count, site_count, call_count;
    struct gs_texts *texts; /* names and files */
};

/* Of a finished tree, which must outlive it. by_line: parts are lines of files, not functions. GS_NO_MEMORY, or GS_OK;
 * gs_graph_fini in any case. */
enum gs_status gs_graph_make(struct gs_graph *graph, const struct gs_calltree *tree, bool by_line) GS_MUST_CHECK;
void gs_graph_fini(struct gs_graph *graph);

/* Time, whatever the GIL. */
uint64_t gs_cost_ns(const struct gs_cost *cost);
void gs_cost_add(struct gs_cost *sum, const struct gs_cost *cost);

#endif
