/* The format svg: a flame graph coloured by what the GIL did, in one file that needs nothing else. Without scripts it
 * is a picture with tooltips; the script finds in it all that it needs. A frame is a box, a text cut to fit, and a
 * tooltip. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"
#include "export/difference.h"
#include "export/flame/svg.h"
#include "export/formats.h"
#include "export/heading.h"

enum {
    NAME_MOST = 100,    /* characters of a name */
    CHARACTER = 7225,   /* width of one, in 1/1000 pixels: 12 pixels, monospaced */
    TEXT_LEAST = 3,     /* characters of a frame's text */
    WIDE_FROM = 0x1100, /* characters from here on may be twice as wide */
    SPLIT = 3,          /* height of the line that shows how time splits */
    SPLIT_LEAST = 24    /* and the width of frames that have one */
};

/* Part of all time, 0 to 1. */
static double share_of(const struct gs_svg_page *page, uint64_t ns)
{
    return page->total_ns > 0 ? (double)ns / (double)page->total_ns : 0;
}

void gs_svg_write(struct gs_svg_page *page)
{
    gs_xml_write(page->text.bytes ? page->text.bytes : "", page->out);
    page->failed |= page->text.failed;
    gs_label_cut(&page->text, 0);
}

void gs_svg_put(struct gs_svg_page *page, const char *begin, const char *end)
{
    fputs(begin, page->out);
    gs_svg_write(page);
    fputs(end, page->out);
}

/* "42.1 %", and less than a tenth as "0.04 %" */
static void put_percent(struct gs_label *text, double part)
{
    gs_label_put(text, part > 0 && part < 0.001 ? "%.2f %%" : "%.1f %%", part * 100);
}

/* "holds 20.0 %, waits 70.1 %, without 9.9 %; idle 5.0 %, at locks 2.0 %": the words of the interface. */
static void put_split(struct gs_label *text, const struct gs_node *time)
{
    double total = (double)gs_node_ns(time);
    const char *comma = "";
    for (int i = 0; i <= GS_UNKNOWN; i++) {
        if (time->word_ns[i] == 0)
            continue;
        gs_label_put(text, "%s%s ", comma, gs_gil_word_name((enum gs_gil_word)i));
        put_percent(text, (double)time->word_ns[i] / total);
        comma = ", ";
    }
    if (time->idle_ns > 0) {
        gs_label_put(text, "; idle ");
        put_percent(text, (double)time->idle_ns / total);
    }
    if (time->lock_ns > 0) {
        gs_label_put(text, ", waits for a lock ");
        put_percent(text, (double)time->lock_ns / total);
    }
}

static void name_box(struct gs_svg_page *page, struct gs_label *text, const struct gs_box *box,
                     const struct gs_files *files)
{
    uint32_t top = page->boxes.list[0].node;
    if (box->merged > 0)
        gs_label_count(text, box->merged, "small frame", "small frames");
    else if (box->node == top && top == 0)
        gs_label_put(text, "all processes");
    else
        gs_label_node(text, page->drawing->tree, box->node, files, NAME_MOST);
}

/* How much of text fits into a width: bytes, and whether "…" follows. */
static size_t fit(const struct gs_label *text, double width, bool *cut)
{
    int room = (int)((width - 6) * 1000 / CHARACTER), used = 0;
    size_t fits = 0, at = 0;
    *cut = false;
    if (room < TEXT_LEAST)
        return 0;
    while (at < text->len) {
        uint32_t c;
        size_t taken = gs_utf8_next(text->bytes + at, text->len - at, &c);
        used += c < WIDE_FROM || c == GS_UTF8_REPLACEMENT ? 1 : 2;
        if (used > room) {
            *cut = true;
            return fits;
        }
        at += taken;
        if (used < room)
            fits = at;
    }
    return at;
}

/* How much, and how it splits. */
static void put_times(struct gs_svg_page *page, const struct gs_box *box, uint64_t self_ns)
{
    struct gs_label *text = &page->text;
    uint64_t ns = gs_node_ns(&box->time);
    gs_label_time(text, ns);
    gs_label_put(text, ", ");
    put_percent(text, share_of(page, ns));
    gs_label_put(text, " of all, ");
    gs_label_count(text, box->time.samples, "sample", "samples");
    if (self_ns > 0) {
        gs_label_put(text, ", itself ");
        gs_label_time(text, self_ns);
    }
    gs_label_put(text, "\n");
    put_split(text, &box->time);
}

/* Before and after, with what it calls and itself. */
static void put_difference(struct gs_svg_page *page, const struct gs_box *box)
{
    struct gs_change change = gs_diff_node(page->difference, &box->time);
    struct gs_node self = box->time;
    gs_diff_words(&page->text, &change);
    gs_label_put(&page->text, gs_change_counts(&change) ? "\n" : ", which may be chance\n");
    if (box->merged > 0)
        return;
    uint32_t count;
    const uint32_t *children = gs_calltree_children(page->drawing->tree, box->node, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct gs_node *child = gs_calltree_node(page->drawing->tree, children[i]);
        self.word_ns[GS_BEFORE] -= child->word_ns[GS_BEFORE];
        self.word_ns[GS_AFTER] -= child->word_ns[GS_AFTER];
    }
    if (gs_node_ns(&self) == 0) {
        gs_label_put(&page->text, "itself nothing");
        return;
    }
    change = gs_diff_node(page->difference, &self);
    gs_label_put(&page->text, "itself ");
    gs_diff_words(&page->text, &change);
}

/* The tooltip: the name; how much; how it splits; the whole name where the first was shortened. */
static void write_title(struct gs_svg_page *page, const struct gs_box *box)
{
    uint64_t self_ns = box->merged > 0 ? 0 : gs_calltree_self_ns(page->drawing->tree, box->node);
    struct gs_label *text = &page->text;
    name_box(page, text, box, &page->boxes.files);
    gs_label_put(text, "\n");
    if (page->difference)
        put_difference(page, box);
    else
        put_times(page, box, self_ns);
    if (box->merged == 0 && gs_node_kind(gs_calltree_node(page->drawing->tree, box->node)) == GS_NODE_FRAME) {
        const struct gs_place *place = gs_calltree_place(page->drawing->tree, box->node);
        if (place->kind != GS_FRAME_GAP && *place->file) {
            gs_label_put(text, "\n");
            gs_label_add(text, place->qualname ? place->qualname : place->function, NAME_MOST);
            gs_label_put(text, " in ");
            gs_label_add(text, place->file, 2 * NAME_MOST);
        }
    }
    fputs("<title>", page->out);
    gs_svg_write(page);
    fputs("</title>", page->out);
}

/* How the frame's time splits, as a line below it; where it does not, the frame's colour says all. */
static void write_split(struct gs_svg_page *page, const struct gs_box *box, double x, double width)
{
    uint64_t hue_ns[GS_HUE_COUNT], ns = gs_node_ns(&box->time);
    uint32_t y = (box->depth + 1) * GS_SVG_ROW - 1 - SPLIT;
    gs_hues_of(&box->time, hue_ns);
    for (int i = 0; i < GS_HUE_COUNT && width >= SPLIT_LEAST; i++) {
        double part = (double)hue_ns[i] / (double)ns * width;
        if (hue_ns[i] == 0 || hue_ns[i] == ns)
            continue;
        fprintf(page->out, "<path fill=\"#%06" PRIx32 "\" d=\"M%.2f %" PRIu32 "h%.2fv%dh-%.2fz\"/>", gs_hues[i].rgb, x,
                y, part, SPLIT, part);
        x += part;
    }
}

void gs_svg_box(struct gs_svg_page *page, const struct gs_box *box)
{
    static const int order[] = {GS_HOLDS, GS_WAITS, GS_WITHOUT, GS_NONE, GS_UNKNOWN};
    uint64_t ns = gs_node_ns(&box->time);
    double width = GS_SVG_WIDTH - 2 * GS_SVG_MARGIN, x = share_of(page, box->x_ns) * width;
    uint32_t y = box->depth * GS_SVG_ROW;
    bool cut, holder = !page->difference && page->drawing->selection->mode == GS_MODE_BLAME && !box->waiter;
    width *= share_of(page, ns);
    /* Depth, from the left, time, words, idle, at locks, samples: times in microseconds. */
    fprintf(page->out, "<g class=\"f%s%s\" data-v=\"%" PRIu32 " %" PRIu64 " %" PRIu64, box->merged > 0 ? " m" : "",
            holder ? " h" : "", box->depth, box->x_ns / 1000, ns / 1000);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        fprintf(page->out, " %" PRIu64, box->time.word_ns[order[i]] / 1000);
    fprintf(page->out, " %" PRIu64 " %" PRIu64 " %" PRIu64 "\">", box->time.idle_ns / 1000, box->time.lock_ns / 1000,
            box->time.samples);
    write_title(page, box);
    fprintf(page->out, "<rect x=\"%.2f\" y=\"%" PRIu32 "\" width=\"%.2f\" height=\"%d\" fill=\"#%06" PRIx32 "\"/>", x,
            y, width > 1.5 ? width - 0.5 : width, GS_SVG_ROW - 1,
            page->difference ? gs_turn_colour(page->difference, &box->time) : gs_box_colour(box, holder));
    if (!holder && !page->difference)
        write_split(page, box, x, width - 0.5);
    gs_label_cut(&page->full, 0);
    name_box(page, &page->full, box, &page->boxes.files);
    size_t fits = fit(&page->full, width, &cut);
    if (fits > 0) {
        fprintf(page->out, "<text x=\"%.2f\" y=\"%" PRIu32 "\">", x + 3, y + 14);
        gs_label_cut(&page->full, fits);
        gs_xml_write(page->full.bytes, page->out);
        fputs(cut ? "…</text>" : "</text>", page->out);
    }
    page->failed |= page->full.failed;
    fputs("</g>\n", page->out);
}

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
        gs_label_put(&page->text, "%s", holder ? "what the holder did" : gs_hues[i].legend);
        if (!holder) {
            gs_label_put(&page->text, " ");
            put_percent(&page->text, share_of(page, hue_ns[i]));
        }
        x = write_key(page, gs_hues[i].rgb, x, y);
    }
    for (int i = 0; i < GS_TURN_COUNT && page->difference; i++) {
        gs_label_put(&page->text, "%s", gs_gil_spans[i].legend);
        x = write_key(page, gs_gil_spans[i].rgb, x, y);
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
        put_split(&page->text, &page->boxes.list[0].time);
        gs_label_put(&page->text, ". Most time itself: ");
    }
    for (size_t i = 0; i < count && i < LISTED; i++) {
        gs_label_put(&page->text, i > 0 ? "; " : "");
        name_box(page, &page->text, sorted[i], &page->boxes.files);
        gs_label_put(&page->text, " ");
        put_percent(&page->text, share_of(page, gs_calltree_self_ns(page->drawing->tree, sorted[i]->node)));
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
    const struct gs_tree_drawing *drawing = page->drawing;
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

/* difference: that the drawing is of, or NULL. */
static enum gs_status draw_all(const struct gs_tree_drawing *drawing, const struct gs_difference *difference)
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

static enum gs_status draw(const struct gs_tree_drawing *drawing)
{
    return draw_all(drawing, NULL);
}

enum gs_status gs_diff_svg(const struct gs_difference *difference, FILE *out)
{
    const struct gs_tree_drawing *after = difference->drawing[GS_AFTER];
    struct gs_tree_drawing drawing = {out, difference->selection, difference->tree, after->run, after->end, 0};
    return draw_all(&drawing, difference);
}

static enum gs_status open_svg(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    return gs_tree_sink_open(sink, out, selection,
                             &(struct gs_calltree_options){.most = GS_CALLTREE_MOST, .qualnames = true}, draw);
}

const struct gs_format gs_format_svg = {
    .name = "svg",
    .other_name = "flamegraph",
    .extensions = ".svg",
    .summary = "flame graph, coloured by what the GIL did",
    .how = "Open it in a browser",
    .open = open_svg,
    .close = gs_tree_sink_close,
    .diff = gs_diff_svg,
};
