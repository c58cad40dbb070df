/* The lanes of tasks of event loops in the report: spans of what each does, kept until the end. */
#ifndef GS_EXPORT_HTML_LANES_H
#define GS_EXPORT_HTML_LANES_H

#include "export/flame/svg.h"
#include "export/html/keys.h"
#include "export/task_lanes.h"

struct gs_html;

struct gs_html_lane {
    uint32_t name;  /* place of the tree: the task itself */
    uint32_t doing; /* gs_lane_doing */
    uint64_t begin_ns;
};

/* What a span of a lane has as its node: a place of the tree, 0: where it runs; and the colour. */
static inline uint32_t gs_lane_doing(uint32_t place, int hue)
{
    return place * GS_HUE_COUNT + (uint32_t)hue;
}

struct gs_task_lanes_user gs_html_lanes(struct gs_html *html);

#endif
