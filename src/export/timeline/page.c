/* The timeline's page from top to bottom: its tables and what it is worth need no script to be read. */
#include <inttypes.h>

#include "export/heading.h"
#include "export/timeline/html.h"

enum { NAME_MOST = 100, ROWS_MOST = 200, HOGS_MOST = 30 };

static void put_fact(struct gs_svg_page *page, const char *name)
{
    fprintf(page->out, "<dt>%s</dt>", name);
    gs_svg_put(page, "<dd>", "</dd>\n");
}

static void put_share(struct gs_svg_page *page, double share)
{
    gs_label_put(&page->text, "%.1f", share * 100);
    gs_svg_put(page, "<td>", "</td>");
}

static void put_time(struct gs_svg_page *page, double ns)
{
    gs_label_time(&page->text, ns > 0 ? (uint64_t)ns : 0);
    gs_svg_put(page, "<td>", "</td>");
}

/* ---- the verdict ---- */

static const struct gs_gilstat_thread *busiest(const struct gs_gilstat *stat)
{
    const struct gs_gilstat_thread *most = NULL;
    for (size_t i = 0; i < stat->thread_count; i++) {
        if (!most || stat->threads[i].has > most->has)
            most = &stat->threads[i];
    }
    return most && most->has > 0 ? most : NULL;
}

/* "All threads were stopped 12 times, 38 ms in all, the longest 9.1 ms." */
static void put_pauses(struct gs_label *text, const struct gs_gilstat_pauses *pauses, const char *what)
{
    if (!pauses->known)
        return;
    gs_label_put(text, " %s ", what);
    gs_label_count(text, pauses->count.value, "time", "times");
    if (pauses->count.value > 0) {
        gs_label_put(text, ", ");
        gs_label_time(text, pauses->us * 1000);
        gs_label_put(text, " in all, the longest ");
        gs_label_time(text, pauses->longest_us * 1000);
    }
    gs_label_put(text, ".");
}

static void put_verdict(struct gs_label *text, const struct gs_gilstat *stat)
{
    const struct gs_gilstat_thread *most = busiest(stat);
    const struct gs_gilstat_gil *gil = stat->gil_count > 0 ? &stat->gils[0] : NULL;
    if (gil && gil->state == GS_GIL_DISABLED) {
        gs_label_put(text, "This Python runs without the GIL.");
        put_pauses(text, &stat->worlds, "All threads were stopped");
        put_pauses(text, &stat->gc, "Garbage was collected");
        return;
    }
    if (!most) {
        gs_label_put(text, "No thread had the GIL while it was traced.");
        return;
    }
    if (gil && gil->held.known)
        gs_label_put(text, "The GIL was held %.0f %% of the time; ", gil->held.value * 100);
    gs_label_add(text, most->name, NAME_MOST);
    gs_label_put(text, " had it most, %.0f %%.", most->has * 100);
    if (gil && gil->mean_waiters.known && gil->mean_waiters.value < 0.05)
        gs_label_put(text, " Hardly any thread waited for it.");
    else if (gil && gil->mean_waiters.known)
        gs_label_put(text, " %.1f threads waited for it on average.", gil->mean_waiters.value);
}

static void write_head(const struct gs_timeline_html *self, struct gs_svg_page *page)
{
    gs_label_put(&page->text, "gilspy, timeline: ");
    gs_heading_command(&page->text, page->drawing);
    gs_html_head(page, gs_web_timeline_css);
    gs_heading_command(&page->text, page->drawing);
    gs_svg_put(page, "<header class=\"top\">\n<h1>", "</h1>\n");
    gs_heading_run(&page->text, page->drawing);
    gs_svg_put(page, "<p class=\"run\">", "</p>\n</header>\n<main>\n");
    if (self->end.stat)
        put_verdict(&page->text, self->end.stat);
    gs_svg_put(page, "<p id=\"verdict\" class=\"verdict\">", "</p>\n");
}

/* ---- tables ---- */

/* Whether more is unknown than what is shown as 0.0. */
static bool any_unknown(const struct gs_gilstat *stat)
{
    for (size_t i = 0; i < stat->thread_count; i++) {
        if (stat->threads[i].unknown >= 0.0005)
            return true;
    }
    return false;
}

static void write_threads(struct gs_svg_page *page, const struct gs_gilstat *stat)
{
    bool unknown = any_unknown(stat);
    fputs("<section id=\"threads\" aria-labelledby=\"threads-head\">\n<h2 id=\"threads-head\">Threads</h2>\n"
          "<div class=\"wide\"><table><thead><tr><th scope=\"col\">Thread</th><th scope=\"col\">TID</th>"
          "<th scope=\"col\">Total</th><th scope=\"col\">No GIL %</th><th scope=\"col\">Has GIL %</th>"
          "<th scope=\"col\">GIL wait %</th>",
          page->out);
    fputs(unknown ? "<th scope=\"col\">Unknown %</th></tr></thead><tbody>\n" : "</tr></thead><tbody>\n", page->out);
    for (size_t i = 0; i < stat->thread_count && i < ROWS_MOST; i++) {
        const struct gs_gilstat_thread *thread = &stat->threads[i];
        gs_label_add(&page->text, thread->name, NAME_MOST);
        gs_label_put(&page->text, thread->main ? " *" : "");
        gs_svg_put(page, "<tr><th scope=\"row\">", "</th>");
        fprintf(page->out, "<td>%d</td>", (int)thread->tid);
        put_time(page, stat->exact_seconds * 1e9);
        put_share(page, thread->without);
        put_share(page, thread->has);
        put_share(page, thread->waits);
        if (unknown)
            put_share(page, thread->unknown);
        fputs("</tr>\n", page->out);
    }
    fputs("</tbody></table></div>\n", page->out);
    size_t left = stat->threads_left_out + (stat->thread_count > ROWS_MOST ? stat->thread_count - ROWS_MOST : 0);
    if (left > 0) {
        gs_label_count(&page->text, left, "more thread", "more threads");
        gs_svg_put(page, "<p class=\"note\">", "</p>\n");
    }
    fputs("</section>\n", page->out);
}

static void write_hogs(struct gs_svg_page *page, const struct gs_gilstat *stat)
{
    fputs("<section id=\"holds\" aria-labelledby=\"holds-head\">\n<h2 id=\"holds-head\">What kept it long</h2>\n",
          page->out);
    gs_label_put(&page->text, "Holds of ");
    gs_label_time(&page->text, stat->long_us * 1000);
    gs_label_put(&page->text, " and more, by the function that was seen in them.");
    gs_svg_put(page, "<p class=\"note\">", "</p>\n");
    if (stat->hog_count == 0) {
        fputs("<p class=\"nothing\">No hold was as long.</p>\n</section>\n", page->out);
        return;
    }
    fputs("<div class=\"wide\"><table><thead><tr><th scope=\"col\">Thread</th><th scope=\"col\">In all</th>"
          "<th scope=\"col\">Longest</th><th scope=\"col\">Holds</th><th scope=\"col\">Most waiting</th>"
          "<th scope=\"col\" class=\"left\">Function</th></tr></thead><tbody>\n",
          page->out);
    for (size_t i = 0; i < stat->hog_count && i < HOGS_MOST; i++) {
        const struct gs_gilstat_hog *hog = &stat->hogs[i];
        gs_label_add(&page->text, hog->thread ? hog->thread : "", NAME_MOST);
        gs_svg_put(page, "<tr><th scope=\"row\">", "</th>");
        put_time(page, (double)hog->held_us * 1e3);
        put_time(page, (double)hog->longest_us * 1e3);
        fprintf(page->out, "<td>%" PRIu64 "</td><td>%" PRIu32 "</td>", hog->holds, hog->waiters);
        if (hog->place.function && *hog->place.function)
            gs_label_place(&page->text, &hog->place, NULL, NAME_MOST);
        else
            gs_label_put(&page->text, "[no sample fell into it]");
        gs_svg_put(page, "<td class=\"text\">", "</td></tr>\n");
    }
    fputs("</tbody></table></div>\n</section>\n", page->out);
}

static void write_cause(struct gs_svg_page *page, const struct gs_gilstat *stat, const struct gs_gilstat_cause *cause,
                        bool world)
{
    const struct gs_gilstat_thread *thread = gs_gilstat_find(stat, cause->tid);
    const struct gs_place place = gs_gilstat_place_of(&cause->place);
    gs_label_put(&page->text, world ? "All threads stopped" : "Garbage collection");
    if (world && *cause->why) {
        gs_label_put(&page->text, " for ");
        gs_label_add(&page->text, cause->why, NAME_MOST);
    }
    gs_svg_put(page, "<tr><th scope=\"row\">", "</th>");
    put_time(page, (double)cause->us * 1e3);
    gs_label_add(&page->text, thread ? thread->name : "others", NAME_MOST);
    gs_svg_put(page, "<td class=\"text\">", "</td>");
    if (*place.function)
        gs_label_place(&page->text, &place, NULL, NAME_MOST);
    else
        gs_label_put(&page->text, "[nobody looked in time]");
    gs_svg_put(page, "<td class=\"text\">", "</td></tr>\n");
}

static void write_pauses(struct gs_svg_page *page, const struct gs_gilstat *stat)
{
    const struct gs_gilstat_pauses *kinds[] = {&stat->worlds, &stat->gc};
    if (stat->worlds.cause_count + stat->gc.cause_count == 0)
        return;
    fputs("<section id=\"pauses\" aria-labelledby=\"pauses-head\">\n<h2 id=\"pauses-head\">Who paused the others</h2>\n"
          "<div class=\"wide\"><table><thead><tr><th scope=\"col\">What</th><th scope=\"col\">In all</th>"
          "<th scope=\"col\" class=\"left\">Thread</th><th scope=\"col\" "
          "class=\"left\">Function</th></tr></thead><tbody>\n",
          page->out);
    for (int kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < kinds[kind]->cause_count && i < HOGS_MOST; i++)
            write_cause(page, stat, &kinds[kind]->causes[i], kind == 0);
    }
    fputs("</tbody></table></div>\n</section>\n", page->out);
}

/* ---- what it is worth ---- */

static void put_method(struct gs_label *text, const struct gs_timeline_html *self)
{
    const struct gs_gilstat *stat = self->end.stat;
    gs_label_put(text, "%s", gs_method_name(stat->method));
    if (stat->method == GS_METHOD_WINDOWS) {
        gs_label_put(text, ": %" PRIu64 " of them, %.3f of %.3f s; between them nothing is drawn", self->end.windows,
                     stat->exact_seconds, stat->seconds);
    }
    if (stat->why) {
        gs_label_put(text, "; ");
        gs_label_add(text, stat->why, 0);
    }
    gs_label_put(text, self->end.waits ? "" : "; waits were not seen");
    gs_label_put(text, self->end.switches ? "" : "; the scheduler was not traced");
}

static void put_count(struct gs_label *text, const struct gs_count *count, const char *words)
{
    if (count->known)
        gs_label_put(text, "%" PRIu64 " %s", count->value, words);
    else
        gs_label_put(text, "not known how many %s", words);
}

/* How much of it is drawn as it was. */
static void put_kept(struct gs_label *text, const struct gs_timeline_html *self)
{
    uint64_t whole = 0, merged = 0, merges = 0;
    for (size_t i = 0; i < self->marks.row_count; i++) {
        const struct gs_mark_row *row = &self->marks.rows[i];
        for (size_t m = 0; m < row->count; m++) {
            whole += row->list[m].count == 1;
            merges += row->list[m].count > 1;
            merged += row->list[m].count > 1 ? row->list[m].count : 0;
        }
    }
    gs_label_put(text, "%" PRIu64 " spans as they were", whole);
    if (merges > 0) {
        gs_label_put(text, "; %" PRIu64 " shorter than ", merged);
        gs_label_time(text, self->marks.fine_ns);
        gs_label_put(text, " are merged into %" PRIu64 " that tell their shares, because a page has %zu at most",
                     merges, self->marks.most);
    }
    if (self->left_out > 0) {
        gs_label_put(text, "; %" PRIu64 " of threads after the first %d are left out", self->left_out,
                     GS_TIMELINE_THREADS);
    }
}

static void write_quality(const struct gs_timeline_html *self, struct gs_svg_page *page)
{
    const struct gs_gilstat *stat = self->end.stat;
    struct gs_label *text = &page->text;
    fputs("<section id=\"quality\" aria-labelledby=\"quality-head\">\n"
          "<h2 id=\"quality-head\">How it was measured</h2>\n<dl>\n",
          page->out);
    if (stat) {
        put_method(text, self);
        put_fact(page, "Traced");
        put_count(text, &stat->events, "of the GIL, ");
        if (stat->lost_at_least)
            gs_label_put(text, "at least ");
        put_count(text, &stat->events_lost, "lost, ");
        put_count(text, &stat->violations, "out of order");
        put_fact(page, "Events");
        gs_label_put(text, "%.1f us an event; with gilspy's own %.1f %% of a processor",
                     (double)self->end.trap_ns / 1e3, stat->overhead.value * 100);
        put_fact(page, "Cost");
    }
    put_kept(text, self);
    put_fact(page, "Drawn");
    gs_heading_quality(text, page->drawing);
    put_fact(page, "Functions");
    gs_label_put(text, "gilspy ");
    gs_label_add(text, self->run.gilspy, 40);
    put_fact(page, "By");
    fputs("</dl>\n</section>\n", page->out);
}

static void write_timeline(FILE *out, const struct gs_gilstat *stat)
{
    bool none = stat && stat->gil_count > 0 && stat->gils[0].state == GS_GIL_DISABLED;
    fprintf(out,
            "<section id=\"timeline\" aria-labelledby=\"timeline-head\">\n<h2 id=\"timeline-head\">%s</h2>\n"
            "<p class=\"note still\">The timeline itself is drawn by a script of this page, which does not run here. "
            "The tables below have its sums.</p>\n</section>\n",
            none ? "When all threads stood still" : "Who had the GIL, and when");
}

enum gs_status gs_timeline_page(struct gs_timeline_html *self, const struct gs_run_end *run_end)
{
    static const struct gs_selection everything = {.mode = GS_MODE_WALL};
    struct gs_tree_drawing drawing = {self->out, &everything, self->tree, &self->run, run_end, 0};
    struct gs_svg_page page = {.drawing = &drawing, .out = self->out};
    write_head(self, &page);
    write_timeline(self->out, self->end.stat);
    if (self->end.stat) {
        write_threads(&page, self->end.stat);
        write_hogs(&page, self->end.stat);
        write_pauses(&page, self->end.stat);
    }
    write_quality(self, &page);
    fputs("</main>\n", self->out);
    enum gs_status status = gs_timeline_data(self, run_end);
    fprintf(self->out, "<script>\n%s%s</script>\n</body>\n</html>\n", gs_web_timeline_data_js, gs_web_timeline_js);
    if (status == GS_OK && page.failed)
        status = GS_NO_MEMORY;
    gs_label_fini(&page.text);
    gs_label_fini(&page.full);
    return status;
}
