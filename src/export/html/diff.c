/* The difference as a page: the picture, and what grew and shrank, which need no script to be read. */
#include <inttypes.h>

#include "export/difference.h"
#include "export/html/html.h"

enum { ROWS = 50, NAME_MOST = 100 };

static void write_head(struct gs_svg_page *page)
{
    gs_label_put(&page->text, "gilspy, difference: ");
    gs_diff_title(&page->text, page->difference);
    gs_html_head(page, "");
    gs_diff_title(&page->text, page->difference);
    gs_svg_put(page, "<header class=\"top\">\n<h1>", "</h1>\n");
    for (int side = 0; side < GS_SIDES; side++) {
        gs_diff_side(&page->text, page->difference, side);
        gs_svg_put(page, "<p class=\"run\">", "</p>\n");
    }
    gs_diff_verdict(&page->text, page->difference);
    gs_svg_put(page, "</header>\n<main>\n<p class=\"verdict\">", "</p>\n");
}

static void write_graph(struct gs_svg_page *page)
{
    fputs("<section id=\"graph\" aria-labelledby=\"graph-head\">\n<h2 id=\"graph-head\">Where the time changed</h2>\n",
          page->out);
    gs_diff_counted(&page->text, page->difference);
    gs_label_put(&page->text, " · width: the mean of before and after");
    gs_svg_put(page, "<p class=\"note\">", "</p>\n<ul class=\"legend\" aria-label=\"Colours\">");
    for (int i = 0; i < GS_TURN_COUNT; i++)
        fprintf(page->out, "<li style=\"--colour: #%06" PRIx32 "\">%s</li>", gs_gil_spans[i].rgb,
                gs_gil_spans[i].legend);
    fprintf(page->out,
            "</ul>\n<svg class=\"still\" viewBox=\"0 0 %d %" PRIu32 "\" role=\"figure\" aria-label=\"Flame graph\">"
            "<g data-difference=\"\" transform=\"translate(%d 0)\">\n",
            GS_SVG_WIDTH, page->boxes.depth * GS_SVG_ROW, GS_SVG_MARGIN);
    for (size_t i = 0; i < page->boxes.count && page->total_ns > 0; i++)
        gs_svg_box(page, &page->boxes.list[i]);
    fputs("</g></svg>\n</section>\n", page->out);
}

static void put_cell(struct gs_svg_page *page, double share, const char *format)
{
    gs_label_put(&page->text, format, share * 100);
    gs_svg_put(page, "<td>", "</td>");
}

static void write_row(struct gs_svg_page *page, const struct gs_changed *changed)
{
    fputs("<tr>", page->out);
    put_cell(page, gs_change_by(&changed->self), "%+.1f");
    put_cell(page, changed->self.chance, "±%.1f");
    put_cell(page, changed->self.before, "%.1f");
    put_cell(page, changed->self.after, "%.1f");
    put_cell(page, changed->all.before, "%.1f");
    put_cell(page, changed->all.after, "%.1f");
    gs_label_node(&page->text, page->drawing->tree, changed->node, NULL, NAME_MOST);
    gs_svg_put(page, "<td class=\"text\">", "</td></tr>\n");
}

/* step: 1 from the first on, -1 from the last back. */
static void write_table(struct gs_svg_page *page, const char *what, const struct gs_changed *first, int step,
                        size_t count)
{
    fprintf(page->out, "<section>\n<h2>What %s</h2>\n", what);
    if (count == 0) {
        fprintf(page->out, "<p class=\"nothing\">No function %s by more than chance may do.</p>\n</section>\n", what);
        return;
    }
    fprintf(
        page->out,
        "<div class=\"wide\"><table><thead><tr><th scope=\"col\">%s</th><th scope=\"col\">±</th>"
        "<th scope=\"col\">Before %%</th><th scope=\"col\">After %%</th><th scope=\"col\">With calls, before</th>"
        "<th scope=\"col\">With calls, after</th><th scope=\"col\" class=\"left\">Function</th></tr></thead><tbody>\n",
        step > 0 ? "Grew" : "Shrank");
    for (size_t i = 0; i < count && i < ROWS; i++)
        write_row(page, first + (ptrdiff_t)i * step);
    fputs("</tbody></table></div>\n", page->out);
    if (count > ROWS) {
        gs_label_count(&page->text, count - ROWS, "function more", "functions more");
        gs_svg_put(page, "<p class=\"note\">", "</p>\n");
    }
    fputs("</section>\n", page->out);
}

static enum gs_status write_tables(struct gs_svg_page *page)
{
    struct gs_changes changes;
    enum gs_status status = gs_changes_init(&changes, page->difference);
    if (status == GS_OK) {
        write_table(page, "grew", changes.list, 1, changes.grew);
        write_table(page, "shrank", changes.list + (changes.count > 0 ? changes.count - 1 : 0), -1, changes.shrank);
        gs_diff_rest(&page->text, &changes);
        gs_label_put(&page->text, " ± is what chance may do, 95 %% of the time less.");
        gs_svg_put(page, "<p class=\"note\">", "</p>\n");
    }
    gs_changes_fini(&changes);
    return status;
}

enum gs_status gs_diff_html(const struct gs_difference *difference, FILE *out)
{
    const struct gs_tree_drawing *after = difference->drawing[GS_AFTER];
    struct gs_tree_drawing drawing = {out, difference->selection, difference->tree, after->run, after->end, 0};
    struct gs_svg_page page = {.drawing = &drawing, .difference = difference, .out = out};
    enum gs_status status = gs_boxes_init(&page.boxes, difference->tree);
    if (status == GS_OK) {
        page.total_ns = gs_node_ns(&page.boxes.list[0].time);
        write_head(&page);
        write_graph(&page);
        status = write_tables(&page);
        fprintf(out, "</main>\n<script>\n%s</script>\n<script>\n%s</script>\n</body>\n</html>\n", gs_web_flamegraph_js,
                gs_web_difference_js);
    }
    if (status == GS_OK && page.failed)
        status = GS_NO_MEMORY;
    gs_boxes_fini(&page.boxes);
    gs_label_fini(&page.text);
    gs_label_fini(&page.full);
    return status;
}
