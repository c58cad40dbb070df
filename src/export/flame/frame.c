/* One frame of a flame graph: its box, its text cut to fit, and its tooltip. */
#include <inttypes.h>

#include "base/escape.h"
#include "export/difference.h"
#include "export/flame/svg.h"

enum {
    NAME_MOST = 100,    /* characters of a name */
    CHARACTER = 7225,   /* width of one, in 1/1000 pixels: 12 pixels, monospaced */
    TEXT_LEAST = 3,     /* characters of a frame's text */
    WIDE_FROM = 0x1100, /* characters from here on may be twice as wide */
    SPLIT = 3,          /* height of the line that shows how time splits */
    SPLIT_LEAST = 24    /* and the width of frames that have one */
};

double gs_svg_share(const struct gs_svg_page *page, uint64_t ns)
{
    return page->total_ns > 0 ? (double)ns / (double)page->total_ns : 0;
}

void gs_svg_write(struct gs_svg_page *page)
{
    gs_xml_write(page->text.bytes ? page->text.bytes : "", page->out);
    page->failed |= page->text.failed;
    gs_label_cut(&page->text, 0);
}

void gs_svg_percent(struct gs_label *text, double part)
{
    gs_label_put(text, part > 0 && part < 0.001 ? "%.2f %%" : "%.1f %%", part * 100);
}

void gs_svg_split(struct gs_label *text, const struct gs_node *time)
{
    double total = (double)gs_node_ns(time);
    const char *comma = "";
    for (int i = 0; i <= GS_UNKNOWN; i++) {
        if (time->word_ns[i] == 0)
            continue;
        gs_label_put(text, "%s%s ", comma, gs_gil_word_name((enum gs_gil_word)i));
        gs_svg_percent(text, (double)time->word_ns[i] / total);
        comma = ", ";
    }
    if (time->idle_ns > 0) {
        gs_label_put(text, "; idle ");
        gs_svg_percent(text, (double)time->idle_ns / total);
    }
}

void gs_svg_name(struct gs_svg_page *page, struct gs_label *text, const struct gs_box *box,
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
    gs_svg_percent(text, gs_svg_share(page, ns));
    gs_label_put(text, " of all, ");
    gs_label_count(text, box->time.samples, "sample", "samples");
    if (self_ns > 0) {
        gs_label_put(text, ", itself ");
        gs_label_time(text, self_ns);
    }
    gs_label_put(text, "\n");
    gs_svg_split(text, &box->time);
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
    gs_svg_name(page, text, box, &page->boxes.files);
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
    double width = GS_SVG_WIDTH - 2 * GS_SVG_MARGIN, x = gs_svg_share(page, box->x_ns) * width;
    uint32_t y = box->depth * GS_SVG_ROW;
    bool cut, holder = !page->difference && page->drawing->selection->mode == GS_MODE_BLAME && !box->waiter;
    width *= gs_svg_share(page, ns);
    /* Depth, from the left, time, words, idle, samples: times in microseconds. */
    fprintf(page->out, "<g class=\"f%s%s\" data-v=\"%" PRIu32 " %" PRIu64 " %" PRIu64, box->merged > 0 ? " m" : "",
            holder ? " h" : "", box->depth, box->x_ns / 1000, ns / 1000);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        fprintf(page->out, " %" PRIu64, box->time.word_ns[order[i]] / 1000);
    fprintf(page->out, " %" PRIu64 " %" PRIu64 "\">", box->time.idle_ns / 1000, box->time.samples);
    write_title(page, box);
    fprintf(page->out, "<rect x=\"%.2f\" y=\"%" PRIu32 "\" width=\"%.2f\" height=\"%d\" fill=\"#%06" PRIx32 "\"/>", x,
            y, width > 1.5 ? width - 0.5 : width, GS_SVG_ROW - 1,
            page->difference ? gs_turn_colour(page->difference, &box->time) : gs_box_colour(box, holder));
    if (!holder && !page->difference)
        write_split(page, box, x, width - 0.5);
    gs_label_cut(&page->full, 0);
    gs_svg_name(page, &page->full, box, &page->boxes.files);
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
