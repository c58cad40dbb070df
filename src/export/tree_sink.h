/* What formats that draw a call tree have in common: samples go into the tree, and at the end it is drawn. */
#ifndef GS_EXPORT_TREE_SINK_H
#define GS_EXPORT_TREE_SINK_H

#include "export/format.h"
#include "profile/calltree.h"

/* A tree that is complete, and what is known about the run. */
struct gs_tree_drawing {
    FILE *out;
    const struct gs_selection *selection;
    const struct gs_calltree *tree;
    const struct gs_run_info *run;
    const struct gs_run_end *end;
    uint64_t late_ns; /* when nothing was sampled because the sampler was late: of the process with most of it */
};

typedef enum gs_status (*gs_draw_fn)(const struct gs_tree_drawing *drawing);

/* draw: NULL when the drawing is to be had from gs_tree_sink_drawing. */
enum gs_status gs_tree_sink_open(struct gs_sink **sink, FILE *out, const struct gs_selection *selection,
                                 const struct gs_calltree_options *options, gs_draw_fn draw) GS_MUST_CHECK;
void gs_tree_sink_close(struct gs_sink *sink);
/* After the end, until it is closed. */
const struct gs_tree_drawing *gs_tree_sink_drawing(const struct gs_sink *sink);

#endif
