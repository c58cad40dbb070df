/* The page from top to bottom. It is complete without its script, which finds its data at the end. */
#include <inttypes.h>

#include "export/heading.h"
#include "export/html/html.h"

static void put_text(struct gs_svg_page *page, const char *begin, const char *end)
{
    fputs(begin, page->out);
    gs_svg_write(page);
    fputs(end, page->out);
}

void gs_html_head(struct gs_svg_page *page, const char *style)
{
    /* The policy: whatever is wrong with this page, it asks nobody for anything. */
    fputs("<!DOCTYPE html>\n<html lang=\"en\" class=\"gilspy\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
          "script-src 'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n",
          page->out);
    put_text(page, "<title>", "</title>\n");
    fprintf(page->out, "<style>\n%s%s%s</style>\n</head>\n<body>\n", gs_web_flamegraph_css, gs_web_report_css, style);
}

static void write_verdict(const struct gs_html *html, const struct gs_html_data *data, struct gs_svg_page *page)
{
    gs_heading_command(&page->text, page->drawing);
    put_text(page, "<header class=\"top\">\n<h1>", "</h1>\n");
    gs_heading_run(&page->text, page->drawing);
    put_text(page, "<p class=\"run\">", "</p>\n</header>\n<main>\n");
    gs_html_verdict(&page->text, html, data);
    put_text(page, "<p id=\"verdict\" class=\"verdict\">", "</p>\n");
}

static void write_legend(struct gs_svg_page *page)
{
    fputs("<ul class=\"legend\" aria-label=\"Colours\">", page->out);
    for (int i = 0; i < GS_HUE_COUNT; i++)
        fprintf(page->out, "<li style=\"--colour: #%06" PRIx32 "\">%s</li>", gs_hues[i].rgb, gs_hues[i].legend);
    fputs("</ul>\n", page->out);
}

static void write_graph(struct gs_svg_page *page)
{
    enum gs_mode mode = page->drawing->selection->mode;
    fputs("<section id=\"graph\" aria-labelledby=\"graph-head\">\n<h2 id=\"graph-head\">Where the time went</h2>\n",
          page->out);
    gs_heading_counted(&page->text, page->drawing, page->total_ns);
    put_text(page, "<p class=\"still\">", "</p>\n");
    if (page->total_ns == 0) {
        gs_label_put(&page->text, "No thread counts in mode %s.", gs_modes[mode].name);
        put_text(page, "<p class=\"still nothing\">", "</p>\n");
    }
    fprintf(page->out,
            "<svg class=\"still\" viewBox=\"0 0 %d %" PRIu32 "\" role=\"figure\" aria-label=\"Flame graph\">"
            "<g transform=\"translate(%d 0)\">\n",
            GS_SVG_WIDTH, page->boxes.depth * GS_SVG_ROW, GS_SVG_MARGIN);
    for (size_t i = 0; i < page->boxes.count && page->total_ns > 0; i++)
        gs_svg_box(page, &page->boxes.list[i]);
    fputs("</g></svg>\n</section>\n", page->out);
}

static enum gs_status write_sections(const struct gs_html *html, const struct gs_html_data *data,
                                     const struct gs_run_end *end, struct gs_svg_page *page)
{
    fputs("<section id=\"time\" aria-labelledby=\"time-head\">\n<h2 id=\"time-head\">Who had the GIL, and when</h2>\n",
          page->out);
    write_legend(page);
    enum gs_status status = gs_html_strip(html, data, page);
    fputs("</section>\n", page->out);
    write_graph(page);
    fputs("<section id=\"threads\" aria-labelledby=\"threads-head\">\n<h2 id=\"threads-head\">Threads</h2>\n"
          "<div class=\"wide\">\n",
          page->out);
    if (status == GS_OK)
        status = gs_html_table(html, page);
    fputs("</div>\n</section>\n<section id=\"holds\" aria-labelledby=\"holds-head\">\n"
          "<h2 id=\"holds-head\">Longest holds seen</h2>\n<p class=\"note\">Samples that follow each other found the "
          "same thread with the GIL. Between two of them it may have let go for a moment.</p>\n<div>\n",
          page->out);
    if (status == GS_OK)
        status = gs_html_hold_table(html, page);
    fputs("</div>\n</section>\n<section id=\"blame\" aria-labelledby=\"blame-head\">\n"
          "<h2 id=\"blame-head\">Who waited for whom</h2>\n",
          page->out);
    if (status == GS_OK)
        status = gs_html_blame(html, data, page);
    fputs("</section>\n<section id=\"quality\" aria-labelledby=\"quality-head\">\n"
          "<h2 id=\"quality-head\">How it was measured</h2>\n",
          page->out);
    gs_html_quality(html, end, page);
    fputs("</section>\n</main>\n", page->out);
    return status;
}

static enum gs_status write_data(struct gs_html *html, const struct gs_html_data *data, const struct gs_run_end *end)
{
    fputs("<script type=\"application/json\" id=\"names\">", html->out);
    enum gs_status status = gs_html_names(html, data, end);
    fputs("</script>\n<script type=\"text/plain\" id=\"data\">", html->out);
    gs_pack_base64(&data->pack, html->out);
    fprintf(html->out, "</script>\n<script>\n%s</script>\n<script>\n%s%s</script>\n</body>\n</html>\n",
            gs_web_flamegraph_js, gs_web_report_data_js, gs_web_report_js);
    return status;
}

enum gs_status gs_html_write(struct gs_html *html, const struct gs_html_data *data, const struct gs_run_end *end)
{
    struct gs_drawing drawing = {html->out, html->selection, html->still_tree, &html->run, end, 0};
    struct gs_svg_page page = {.drawing = &drawing, .out = html->out};
    enum gs_status status = gs_boxes_init(&page.boxes, html->still_tree);
    if (status == GS_OK) {
        page.total_ns = gs_node_ns(&page.boxes.list[0].time);
        gs_label_put(&page.text, "gilspy: ");
        gs_heading_command(&page.text, page.drawing);
        gs_html_head(&page, "");
        write_verdict(html, data, &page);
        status = write_sections(html, data, end, &page);
    }
    if (status == GS_OK)
        status = write_data(html, data, end);
    if (status == GS_OK && page.failed)
        status = GS_NO_MEMORY;
    gs_boxes_fini(&page.boxes);
    gs_label_fini(&page.text);
    gs_label_fini(&page.full);
    return status;
}
