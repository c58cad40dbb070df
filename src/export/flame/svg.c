/* The format svg: a flame graph coloured by what the GIL did, in one file that needs nothing else. Without scripts it
 * is a picture with tooltips; the script finds in it all that it needs. */
#include <inttypes.h>
#include <stdlib.h>

#include "export/heading.h"
#include "export/difference.h"
#include "export/formats.h"
#include "export/flame/svg.h"

enum {
    HEAD = 122, /* pixels above the graph */
    FOOT = 16   /* and below it */
};

static void write_line(struct gs_svg_page *page, int y, const char *class)
{
    fprintf(page->out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, GS_SVG_MARGIN, y);
    gs_svg_write(page);
    fputs("</text>\n", page->out);
}

/* One colour with what is in page->text; returns where the next one stands. */
static int write_key(struct gs_svg_page *page, uint32_t rgb, int x, int y)
{
    int len = (int)page->text.len;
    fprintf(page->out,
            "<g class=\"key\" data-colour=\"#%06" PRIx32 "\"><rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" "
            "rx=\"2\" fill=\"#%06" PRIx32 "\"/><text x=\"%d\" y=\"%d\">",
            rgb, x, y - 10, rgb, x + 17, y);
    gs_svg_write(page);
    fputs("</text></g>\n", page->out);
    return x + 17 + len * 7 + 18;
}

/* What the colours mean, and how all time splits. */
static void write_legend(struct gs_svg_page *page, int y)
{
    const struct gs_node *all = &page->boxes.list[0].time;
    bool blame = page->drawing->selection->mode == GS_MODE_BLAME;
    uint64_t hue_ns[GS_HUE_COUNT];
    int x = GS_SVG_MARGIN;
    gs_hues_of(all, hue_ns);
    fputs("<g class=\"legend\">\n", page->out);
    for (int i = 0; i < GS_HUE_COUNT && !page->difference; i++) {
        bool holder = blame && i == GS_HUE_HOLDS;
        if (hue_ns[i] == 0 && !holder)
            continue;
        gs_label_put(&page->text, "%s", holder ? "what the holder of the GIL did" : gs_hues[i].legend);
        if (!holder) {
            gs_label_put(&page->text, " ");
            gs_svg_percent(&page->text, gs_svg_share(page, hue_ns[i]));
        }
        x = write_key(page, gs_hues[i].rgb, x, y);
    }
    for (int i = 0; i < GS_TURN_COUNT && page->difference; i++) {
        gs_label_put(&page->text, "%s", gs_turns[i].legend);
        x = write_key(page, gs_turns[i].rgb, x, y);
    }
    fputs("</g>\n", page->out);
}

static int by_self_down(const void *left, const void *right, void *context)
{
    const struct gs_calltree *tree = context;
    const struct gs_box *a = *(const struct gs_box *const *)left, *b = *(const struct gs_box *const *)right;
    uint64_t x = gs_calltree_self_ns(tree, a->node), y = gs_calltree_self_ns(tree, b->node);
    return x != y ? (x < y ? 1 : -1) : (a > b) - (a < b);
}

/* For those who do not see the picture: where the time went, in words. */
static void write_description(struct gs_svg_page *page)
{
    enum { LISTED = 10 };
    if (page->difference) {
        gs_diff_verdict(&page->text, page->difference);
        fputs("<desc id=\"description\">Flame graph of a difference. ", page->out);
        gs_svg_write(page);
        fputs("</desc>\n", page->out);
        return;
    }
    const struct gs_box **sorted = calloc(page->boxes.count + 1, sizeof *sorted);
    size_t count = 0;
    for (size_t i = 0; i < page->boxes.count && sorted; i++) {
        if (page->boxes.list[i].merged == 0 && gs_calltree_self_ns(page->drawing->tree, page->boxes.list[i].node) > 0)
            sorted[count++] = &page->boxes.list[i];
    }
    if (sorted)
        qsort_r(sorted, count, sizeof *sorted, by_self_down, (void *)page->drawing->tree);
    fputs("<desc id=\"description\">", page->out);
    gs_label_put(&page->text, count > 0 ? "Flame graph. All: " : "A flame graph without frames");
    if (count > 0) {
        gs_svg_split(&page->text, &page->boxes.list[0].time);
        gs_label_put(&page->text, ". Most time itself: ");
    }
    for (size_t i = 0; i < count && i < LISTED; i++) {
        gs_label_put(&page->text, i > 0 ? "; " : "");
        gs_svg_name(page, &page->text, sorted[i], &page->boxes.files);
        gs_label_put(&page->text, " ");
        gs_svg_percent(&page->text, gs_svg_share(page, gs_calltree_self_ns(page->drawing->tree, sorted[i]->node)));
    }
    gs_label_put(&page->text, ".");
    gs_svg_write(page);
    fputs("</desc>\n", page->out);
    page->failed |= !sorted;
    free(sorted);
}

static void write_difference_head(struct gs_svg_page *page)
{
    static const int at[GS_SIDES] = {50, 67};
    gs_diff_verdict(&page->text, page->difference);
    write_line(page, 30, "command");
    for (int side = 0; side < GS_SIDES; side++) {
        gs_diff_side(&page->text, page->difference, side);
        write_line(page, at[side], "about");
    }
    gs_diff_counted(&page->text, page->difference);
    gs_label_put(&page->text, " · width: the mean of before and after");
    write_line(page, 84, "about");
}

static void write_head(struct gs_svg_page *page)
{
    const struct gs_drawing *drawing = page->drawing;
    fputs("<g id=\"head\">\n", page->out);
    if (page->difference) {
        write_difference_head(page);
    } else {
        gs_heading_command(&page->text, drawing);
        write_line(page, 30, "command");
        gs_heading_run(&page->text, drawing);
        write_line(page, 50, "about");
        gs_heading_counted(&page->text, drawing, page->total_ns);
        write_line(page, 67, "about");
        gs_heading_quality(&page->text, drawing);
        write_line(page, 84, "about");
    }
    write_legend(page, 108);
    fputs("</g>\n", page->out);
}

static void write_document(struct gs_svg_page *page)
{
    uint32_t height = HEAD + page->boxes.depth * GS_SVG_ROW + FOOT;
    fprintf(page->out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"gilspy\" width=\"%d\" height=\"%" PRIu32
            "\" viewBox=\"0 0 %d %" PRIu32 "\" role=\"figure\" aria-describedby=\"description\">\n<title>",
            GS_SVG_WIDTH, height, GS_SVG_WIDTH, height);
    gs_label_put(&page->text, page->difference ? "gilspy, difference, %s: " : "gilspy, %s: ",
                 gs_modes[page->drawing->selection->mode].name);
    if (page->difference)
        gs_diff_title(&page->text, page->difference);
    else
        gs_heading_command(&page->text, page->drawing);
    gs_svg_write(page);
    fputs("</title>\n", page->out);
    write_description(page);
    fprintf(page->out, "<style><![CDATA[\n%s]]></style>\n<rect class=\"ground\" width=\"100%%\" height=\"100%%\"/>\n",
            gs_web_flamegraph_css);
    write_head(page);
    fprintf(page->out, "<g id=\"frames\"%s transform=\"translate(%d %d)\">\n",
            page->difference ? " data-difference=\"\"" : "", GS_SVG_MARGIN, HEAD);
    for (size_t i = 0; i < page->boxes.count && page->total_ns > 0; i++)
        gs_svg_box(page, &page->boxes.list[i]);
    fputs("</g>\n", page->out);
    if (page->total_ns == 0) {
        enum gs_mode mode = page->drawing->selection->mode;
        gs_label_put(&page->text, "No thread counts in mode %s%s.", gs_modes[mode].name,
                     mode == GS_MODE_WALL ? "" : "; in mode wall each does");
        write_line(page, HEAD + 13, "nothing");
    }
    fprintf(page->out, "<script><![CDATA[\n%s]]></script>\n</svg>\n", gs_web_flamegraph_js);
}

enum gs_status gs_svg_draw(const struct gs_drawing *drawing, const struct gs_difference *difference)
{
    struct gs_svg_page page = {.drawing = drawing, .difference = difference, .out = drawing->out};
    enum gs_status status = gs_boxes_init(&page.boxes, drawing->tree);
    if (status == GS_OK) {
        page.total_ns = gs_node_ns(&page.boxes.list[0].time);
        write_document(&page);
        status = page.failed ? GS_NO_MEMORY : GS_OK;
    }
    gs_boxes_fini(&page.boxes);
    gs_label_fini(&page.text);
    gs_label_fini(&page.full);
    return status;
}

static enum gs_status draw(const struct gs_drawing *drawing)
{
    return gs_svg_draw(drawing, NULL);
}

enum gs_status gs_diff_svg(const struct gs_difference *difference, FILE *out)
{
    const struct gs_drawing *after = difference->drawing[GS_AFTER];
    struct gs_drawing drawing = {out, difference->selection, difference->tree, after->run, after->end, 0};
    return gs_svg_draw(&drawing, difference);
}

static enum gs_status open_svg(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    return gs_tree_sink_open(sink, out, selection,
                             &(struct gs_calltree_options){.most = GS_CALLTREE_MOST, .qualnames = true}, draw);
}

const struct gs_format gs_format_svg = {
    "svg",    "flamegraph",       ".svg",     "flame graph, coloured by what the GIL did",
    open_svg, gs_tree_sink_close, gs_diff_svg};
