/* What stands above a drawing: what was recorded, what of it is drawn, and what it is worth. */
#ifndef GS_EXPORT_HEADING_H
#define GS_EXPORT_HEADING_H

#include "export/label.h"
#include "export/tree_sink.h"

/* Each is added to `text`. */
void gs_heading_command(struct gs_label *text, const struct gs_tree_drawing *drawing);
void gs_heading_run(struct gs_label *text, const struct gs_tree_drawing *drawing);
void gs_heading_counted(struct gs_label *text, const struct gs_tree_drawing *drawing, uint64_t total_ns);
void gs_heading_quality(struct gs_label *text, const struct gs_tree_drawing *drawing);

#endif
