/* The page from top to bottom. All but the flame graph can be read without its script, which finds its data at the end:
 * a row of cells for each thread, and tables. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "export/heading.h"
#include "export/html/html.h"
#include "export/source/source.h"

enum {
    ROW = 16,
    LABEL = 190,
    LABEL_MOST = 24 /* characters */,
    WIDTH = 1000,
    STILL_ROWS = 60,
    STILL_HOLDS = 10,
    STACK_MOST = 200
};

/* Threads that were seen, as they are ranked; rows: how many. NULL: out of memory. */
static const struct gs_html_thread **ranked(const struct gs_html *html, uint32_t most, uint32_t *rows)
{
    const struct gs_html_thread **list = calloc((size_t)most + 1, sizeof *list);
    *rows = 0;
    for (uint32_t i = 0; i < html->thread_count && list; i++) {
        const struct gs_html_thread *thread = &html->threads[i];
        if (thread->samples > 0 && thread->rank < most) {
            list[thread->rank] = thread;
            ++*rows;
        }
    }
    return list;
}

/* The same, those of a process together, that one first whose busiest thread is. */
static const struct gs_html_thread **by_process(const struct gs_html *html, uint32_t most, uint32_t *rows)
{
    const struct gs_html_thread **list = ranked(html, most, rows);
    for (uint32_t i = 1; i < *rows && list; i++) {
        const struct gs_html_thread *thread = list[i];
        uint32_t to = i;
        while (to > 0 && list[to - 1]->process != thread->process)
            to--;
        if (to == 0)
            continue;
        memmove(list + to + 1, list + to, (i - to) * sizeof *list);
        list[to] = thread;
    }
    return list;
}

/* Of several processes each has a head. */
static bool has_head(const struct gs_html *html, const struct gs_html_thread *const *list, uint32_t at)
{
    return gs_calltree_process_count(html->tree) > 1 && (at == 0 || list[at]->process != list[at - 1]->process);
}

static void write_head(const struct gs_html *html, struct gs_svg_page *page, const struct gs_html_thread *thread,
                       const char *begin, const char *end)
{
    gs_html_process_name(&page->text, gs_calltree_process(html->tree, thread->process));
    gs_svg_put(page, begin, end);
}

static void write_row(struct gs_svg_page *page, const struct gs_html_thread *thread, uint32_t row, uint32_t cells)
{
    uint32_t y = row * ROW;
    double width = (double)WIDTH / cells;
    fprintf(page->out, "<text x=\"%d\" y=\"%" PRIu32 "\">", LABEL - 8, y + 12);
    gs_html_thread_name(&page->text, thread, LABEL_MOST);
    gs_svg_put(page, "", "</text>");
    for (uint32_t i = 0, end; i < cells; i = end) {
        for (end = i + 1; end < cells && thread->cells[end] == thread->cells[i];)
            end++;
        if (thread->cells[i] == 0xff)
            continue;
        fprintf(page->out,
                "<rect x=\"%.1f\" y=\"%" PRIu32 "\" width=\"%.1f\" height=\"%d\" fill=\"#%06" PRIx32 "\"%s/>",
                LABEL + i * width, y + 1, (end - i) * width, ROW - 2, gs_hues[thread->cells[i]].rgb,
                thread->cells[i] == GS_HUE_IDLE ? " opacity=\".35\"" : "");
    }
    fputs("\n", page->out);
}

static enum gs_status write_strip(const struct gs_html *html, const struct gs_html_data *data, struct gs_svg_page *page)
{
    uint32_t rows, heads = 0;
    const struct gs_html_thread **list = by_process(html, STILL_ROWS, &rows);
    if (!list)
        return GS_NO_MEMORY;
    for (uint32_t i = 0; i < rows; i++)
        heads += has_head(html, list, i);
    fprintf(page->out,
            "<svg class=\"still\" viewBox=\"0 0 %d %" PRIu32 "\" role=\"img\" "
            "aria-label=\"What each thread did over time\">\n",
            LABEL + WIDTH, (rows + heads) * ROW);
    for (uint32_t i = 0, row = 0; i < rows; i++) {
        if (has_head(html, list, i)) {
            fprintf(page->out, "<text class=\"head\" y=\"%" PRIu32 "\"", row++ * ROW + 12);
            write_head(html, page, list[i], ">", "</text>\n");
        }
        write_row(page, list[i], row++, data->cells);
    }
    fputs("</svg>\n", page->out);
    free(list);
    return GS_OK;
}

static void put_share(struct gs_svg_page *page, uint64_t ns, uint64_t all_ns)
{
    gs_label_put(&page->text, "%.1f", all_ns > 0 ? 100 * (double)ns / (double)all_ns : 0);
    gs_svg_put(page, "<td>", "</td>");
}

/* Somebody waited for a lock that is no GIL. */
static bool any_locks(const struct gs_html *html)
{
    for (uint32_t i = 0; i < html->thread_count; i++) {
        if (html->threads[i].hue_ns[GS_HUE_LOCKS] > 0)
            return true;
    }
    return false;
}

static void write_thread(struct gs_svg_page *page, const struct gs_html_thread *thread, bool locks)
{
    const uint64_t *hue = thread->hue_ns;
    uint64_t all_ns = 0;
    for (int i = 0; i < GS_HUE_COUNT; i++)
        all_ns += hue[i];
    gs_html_thread_name(&page->text, thread, GS_HTML_NAME_MOST);
    gs_svg_put(page, "<tr><th scope=\"row\">", thread->main ? " *</th>" : "</th>");
    fprintf(page->out, "<td>%d</td>", (int)thread->tid);
    put_share(page, hue[GS_HUE_HOLDS], all_ns);
    put_share(page, hue[GS_HUE_WAITS], all_ns);
    put_share(page, hue[GS_HUE_WITHOUT] + hue[GS_HUE_NONE] + hue[GS_HUE_IDLE] + hue[GS_HUE_LOCKS], all_ns);
    if (locks)
        put_share(page, hue[GS_HUE_LOCKS], all_ns);
    put_share(page, hue[GS_HUE_UNKNOWN], all_ns);
    put_share(page, thread->runs_ns, all_ns);
    if (thread->longest_ns > 0)
        gs_label_time(&page->text, thread->longest_ns);
    else
        gs_label_put(&page->text, "–");
    gs_svg_put(page, "<td>", "</td>");
    fprintf(page->out, "<td>%" PRIu64 "</td></tr>\n", thread->samples);
}

/* The strip and the tables as they are without a script. */
static enum gs_status write_thread_table(const struct gs_html *html, struct gs_svg_page *page)
{
    uint32_t rows;
    bool locks = any_locks(html);
    const struct gs_html_thread **list = by_process(html, GS_HTML_ROWS, &rows);
    if (!list)
        return GS_NO_MEMORY;
    fputs("<table><thead><tr><th scope=\"col\">Thread</th><th scope=\"col\">TID</th><th scope=\"col\">Has GIL %</th>"
          "<th scope=\"col\">GIL wait %</th><th scope=\"col\">No GIL %</th>",
          page->out);
    fputs(locks ? "<th scope=\"col\">Of it at locks %</th>" : "", page->out);
    fputs("<th scope=\"col\">Unknown %</th>"
          "<th scope=\"col\">Runnable %</th><th scope=\"col\">Longest hold seen</th><th scope=\"col\">Samples</th></tr>"
          "</thead><tbody>\n",
          page->out);
    for (uint32_t i = 0; i < rows; i++) {
        if (has_head(html, list, i))
            write_head(html, page, list[i], "<tr><th scope=\"rowgroup\" colspan=\"9\">", "</th></tr>\n");
        write_thread(page, list[i], locks);
    }
    fputs("</tbody></table>\n", page->out);
    free(list);
    return GS_OK;
}

/* Innermost frame first. */
static void write_stack(const struct gs_html *html, const struct gs_html_data *data, struct gs_svg_page *page,
                        uint32_t node)
{
    fputs("<ol class=\"stack\">", page->out);
    for (int i = 0; i < STACK_MOST && node; i++, node = gs_calltree_node(html->tree, node)->parent) {
        if (gs_node_kind(gs_calltree_node(html->tree, node)) == GS_NODE_PROCESS)
            break;
        gs_label_node(&page->text, html->tree, node, &data->files, 100);
        gs_svg_put(page, "<li>", "</li>");
    }
    fputs("</ol>", page->out);
}

static enum gs_status write_hold_table(const struct gs_html *html, const struct gs_html_data *data,
                                       struct gs_svg_page *page)
{
    const struct gs_hold **sorted = malloc(GS_HOLD_PARTS * GS_HOLD_EACH * sizeof *sorted);
    if (!sorted)
        return GS_NO_MEMORY;
    size_t count = gs_holds_sort(&html->holds, sorted);
    for (size_t i = 0; i < count && i < STILL_HOLDS && sorted[i]->samples > 1; i++) {
        const struct gs_hold *hold = sorted[i];
        fputs("<details><summary><b>about ", page->out);
        gs_label_time(&page->text, hold->end_ns - hold->begin_ns);
        gs_svg_put(page, "", "</b> ");
        gs_html_thread_tid(&page->text, &html->threads[hold->thread]);
        gs_label_put(&page->text, ", in ");
        gs_label_node(&page->text, html->tree, hold->leaf, &data->files, 80);
        gs_label_put(&page->text, ", from ");
        gs_label_time(&page->text, hold->begin_ns);
        gs_label_put(&page->text, " on; %.1f waiting", (double)hold->waiters / (double)hold->samples);
        gs_svg_put(page, "", "</summary>");
        write_stack(html, data, page, hold->leaf);
        fputs("</details>\n", page->out);
    }
    if (count == 0 || sorted[0]->samples < 2)
        fputs("<p>No thread was seen with the GIL in two samples that follow each other.</p>\n", page->out);
    free(sorted);
    return GS_OK;
}

static void write_blame_row(const struct gs_html_data *data, struct gs_svg_page *page, uint32_t waiter,
                            const struct gs_html_thread *const *list, uint32_t count)
{
    gs_html_thread_tid(&page->text, list[waiter]);
    gs_svg_put(page, "<tr><th scope=\"row\">", "</th>");
    for (uint32_t i = 0; i < count; i++) {
        uint64_t ns = data->blame_ns[waiter][i];
        if (ns > 0)
            gs_label_put(&page->text, "%.3g", (double)ns / 1e9);
        gs_svg_put(page, "<td>", "</td>");
    }
    fputs("</tr>\n", page->out);
}

static enum gs_status write_blame(const struct gs_html *html, const struct gs_html_data *data, struct gs_svg_page *page)
{
    uint32_t rows;
    const struct gs_html_thread **list = ranked(html, GS_HTML_BLAMED, &rows);
    if (!list)
        return GS_NO_MEMORY;
    fprintf(page->out,
            "<div class=\"still wide\"><p class=\"note\">Seconds that threads waited: a row for who waited, a column "
            "for who "
            "had the GIL%s meanwhile.</p>\n<table><thead><tr><th scope=\"col\">waits ↓   holds →</th>",
            any_locks(html) ? ", or the lock," : "");
    for (uint32_t i = 0; i < rows; i++) {
        gs_html_thread_tid(&page->text, list[i]);
        gs_svg_put(page, "<th scope=\"col\">", "</th>");
    }
    fputs("</tr></thead><tbody>\n", page->out);
    for (uint32_t i = 0; i < rows; i++)
        write_blame_row(data, page, i, list, rows);
    fputs("</tbody></table></div>\n", page->out);
    free(list);
    return GS_OK;
}

static void put_fact(struct gs_svg_page *page, const char *name)
{
    fprintf(page->out, "<dt>%s</dt>", name);
    gs_svg_put(page, "<dd>", "</dd>\n");
}

/* How it was measured. */
static void write_quality(const struct gs_html *html, const struct gs_run_end *end, struct gs_svg_page *page)
{
    const struct gs_quality *quality = &end->quality;
    struct gs_label *text = &page->text;
    uint64_t ns = end->end_ns > html->run.begin_ns ? end->end_ns - html->run.begin_ns : 0;
    fputs("<dl>\n", page->out);
    if (isinf(html->run.rate_hz))
        gs_label_put(text, "as many as possible");
    else
        gs_label_put(text, "%g a second", html->run.rate_hz);
    put_fact(page, "Rate");
    gs_label_count(text, end->samples, "sample", "samples");
    gs_label_put(text, ", ");
    gs_label_count(text, end->thread_samples, "stack", "stacks");
    gs_label_put(text, end->complete ? "" : "; the recording ends before the run did");
    put_fact(page, "Taken");
    gs_label_put(text, "%" PRIu64 " torn, %" PRIu64 " late, %" PRIu64 " lost, %" PRIu64 " read again", quality->torn,
                 quality->late, quality->lost, quality->retried);
    if (quality->skipped > 0)
        gs_label_put(text, ", %" PRIu64 " left out for --max-pause", quality->skipped);
    put_fact(page, "Flaws");
    gs_label_put(text, "%" PRIu64 " times, ", quality->stopped);
    gs_label_time(text, quality->stopped_us * 1000);
    gs_label_put(text, " in all; %" PRIu64 " in a system call", quality->stopped_in_syscall);
    if (quality->refused > 0)
        gs_label_put(text, "; could not be stopped %" PRIu64 " times, because another program traces them",
                     quality->refused);
    put_fact(page, "Threads stopped");
    gs_label_time(text, quality->cpu_us * 1000);
    gs_label_put(text, " (%.2f %% of the time)", ns > 0 ? 1e5 * (double)quality->cpu_us / (double)ns : 0);
    put_fact(page, "Our own CPU time");
    for (uint32_t i = 0; i < gs_calltree_process_count(html->tree) && i < 20; i++) {
        const struct gs_calltree_process *process = gs_calltree_process(html->tree, i);
        gs_label_add(text, process->command, 1000);
        gs_label_put(text, " (pid %d, Python ", (int)process->pid);
        gs_label_add(text, process->python, 40);
        gs_label_put(text, " ");
        gs_label_add(text, process->build, 40);
        gs_label_put(text, ")");
        put_fact(page, i == 0 ? "Command" : "");
    }
    gs_label_put(text, "gilspy ");
    gs_label_add(text, html->run.gilspy, 40);
    put_fact(page, "By");
    fputs("</dl>\n", page->out);
}

void gs_html_head(struct gs_svg_page *page, const char *style)
{
    /* The policy: whatever is wrong with this page, it asks nobody for anything. */
    fputs("<!DOCTYPE html>\n<html lang=\"en\" class=\"gilspy\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
          "script-src 'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n",
          page->out);
    gs_svg_put(page, "<title>", "</title>\n");
    fprintf(page->out, "<style>\n%s%s%s</style>\n</head>\n<body>\n", gs_web_flamegraph_css, gs_web_report_css, style);
}

static void write_verdict(const struct gs_html *html, const struct gs_html_data *data, struct gs_svg_page *page)
{
    gs_heading_command(&page->text, page->drawing);
    gs_svg_put(page, "<header class=\"top\">\n<h1>", "</h1>\n");
    gs_heading_run(&page->text, page->drawing);
    gs_svg_put(page, "<p class=\"run\">", "</p>\n</header>\n<main>\n");
    gs_html_verdict(&page->text, html, data);
    gs_svg_put(page, "<p id=\"verdict\" class=\"verdict\">", "</p>\n");
}

static void write_legend(struct gs_svg_page *page)
{
    fputs("<ul class=\"legend\" aria-label=\"Colours\">", page->out);
    for (int i = 0; i < GS_HUE_COUNT; i++)
        fprintf(page->out, "<li style=\"--colour: #%06" PRIx32 "\">%s</li>", gs_hues[i].rgb, gs_hues[i].legend);
    fputs("</ul>\n", page->out);
}

static void write_graph(const struct gs_svg_page *page)
{
    fputs("<section id=\"graph\" aria-labelledby=\"graph-head\">\n<h2 id=\"graph-head\">Where the time went</h2>\n"
          "<p class=\"still nothing\">The flame graph is drawn by a script. gilspy report -f svg draws one that needs "
          "none.</p>\n</section>\n",
          page->out);
}

static enum gs_status write_sections(const struct gs_html *html, const struct gs_html_data *data,
                                     const struct gs_run_end *end, struct gs_svg_page *page)
{
    fputs("<section id=\"time\" aria-labelledby=\"time-head\">\n<h2 id=\"time-head\">Who had the GIL, and when</h2>\n",
          page->out);
    write_legend(page);
    enum gs_status status = write_strip(html, data, page);
    fputs("</section>\n", page->out);
    write_graph(page);
    if (status == GS_OK)
        status = gs_source_write_section(page->drawing);
    fputs("<section id=\"threads\" aria-labelledby=\"threads-head\">\n<h2 id=\"threads-head\">Threads</h2>\n"
          "<div class=\"wide\">\n",
          page->out);
    if (status == GS_OK)
        status = write_thread_table(html, page);
    fputs("</div>\n</section>\n<section id=\"holds\" aria-labelledby=\"holds-head\">\n"
          "<h2 id=\"holds-head\">Longest holds seen</h2>\n<p class=\"note\">Samples that follow each other found the "
          "same thread with the GIL. Between two of them it may have let go for a moment.</p>\n<div>\n",
          page->out);
    if (status == GS_OK)
        status = write_hold_table(html, data, page);
    fputs("</div>\n</section>\n<section id=\"blame\" aria-labelledby=\"blame-head\">\n"
          "<h2 id=\"blame-head\">Who waited for whom</h2>\n",
          page->out);
    if (status == GS_OK)
        status = write_blame(html, data, page);
    fputs("</section>\n<section id=\"quality\" aria-labelledby=\"quality-head\">\n"
          "<h2 id=\"quality-head\">How it was measured</h2>\n",
          page->out);
    write_quality(html, end, page);
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
    struct gs_tree_drawing drawing = {html->out, html->selection, html->tree, &html->run, end, 0};
    struct gs_svg_page page = {.drawing = &drawing, .out = html->out};
    gs_label_put(&page.text, "gilspy: ");
    gs_heading_command(&page.text, page.drawing);
    gs_html_head(&page, gs_web_source_css);
    write_verdict(html, data, &page);
    enum gs_status status = write_sections(html, data, end, &page);
    if (status == GS_OK)
        status = write_data(html, data, end);
    if (status == GS_OK && page.failed)
        status = GS_NO_MEMORY;
    gs_label_fini(&page.text);
    return status;
}
