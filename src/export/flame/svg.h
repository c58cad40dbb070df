/* The flame graph's parts: what is drawn, where, in which colour. */
#ifndef GS_EXPORT_FLAME_SVG_H
#define GS_EXPORT_FLAME_SVG_H

#include "export/label.h"
#include "export/tree_sink.h"

enum {
    GS_SVG_WIDTH = 1200,
    GS_SVG_MARGIN = 16,
    GS_SVG_ROW = 20,          /* height of a frame with the line below it */
    GS_SVG_BOXES_MOST = 6000, /* frames that are drawn: more would take a browser too long */
    GS_SVG_LEAST = 1000       /* those of less than this part of all time are not drawn by themselves */
};

/* A frame as it is drawn, or several that are too small. */
struct gs_box {
    uint32_t node;   /* of small ones: their caller */
    uint32_t merged; /* how many small ones, 0: it is a frame */
    uint32_t depth;
    bool waiter;         /* mode blame: no frame of the holder */
    uint64_t x_ns;       /* from the left */
    struct gs_node time; /* with all below it */
};

struct gs_boxes {
    struct gs_box *list; /* a frame, then all above it, as the children are ordered */
    size_t count;
    uint32_t depth; /* rows */
    struct gs_files files;
};

/* GS_NO_MEMORY or GS_OK; free with gs_boxes_fini in any case. */
enum gs_status gs_boxes_init(struct gs_boxes *boxes, const struct gs_calltree *tree) GS_MUST_CHECK;
void gs_boxes_fini(struct gs_boxes *boxes);

/* How time splits, for the eye: idle, and what waits for another lock, are apart from what runs without. */
enum gs_hue {
    GS_HUE_HOLDS,
    GS_HUE_WAITS,
    GS_HUE_WITHOUT,
    GS_HUE_NONE,
    GS_HUE_IDLE,
    GS_HUE_UNKNOWN,
    GS_HUE_LOCKS,
    GS_HUE_COUNT
};
extern const struct gs_hue_row {
    const char *word, *legend; /* "waits", "waits for it" */
    uint32_t rgb;
} gs_hues[GS_HUE_COUNT];
void gs_hues_of(const struct gs_node *time, uint64_t hue_ns[GS_HUE_COUNT]);
/* 0xRRGGBB; holder: a frame of the holder, in mode blame. */
uint32_t gs_box_colour(const struct gs_box *box, bool holder);
/* Of a difference: what grew, what shrank, what did neither; and of a box. */
enum gs_growth { GS_TURN_GREW, GS_TURN_SHRANK, GS_TURN_NEITHER, GS_TURN_COUNT };
extern const struct gs_hue_row gs_gil_spans[GS_TURN_COUNT];
uint32_t gs_turn_colour(const struct gs_difference *difference, const struct gs_node *time);

struct gs_difference;

/* The file while it is written. */
struct gs_svg_page {
    const struct gs_tree_drawing *drawing;
    const struct gs_difference *difference; /* that the drawing is of, or NULL */
    FILE *out;
    struct gs_boxes boxes;
    struct gs_label text, full;
    uint64_t total_ns;
    bool failed; /* out of memory */
};

/* Writes what was put into page->text, and empties it. */
void gs_svg_write(struct gs_svg_page *page);
/* The same between two tags. */
void gs_svg_put(struct gs_svg_page *page, const char *begin, const char *end);
void gs_svg_box(struct gs_svg_page *page, const struct gs_box *box);

/* web/flamegraph.css and .js */
extern const char gs_web_flamegraph_css[], gs_web_flamegraph_js[];

#endif
