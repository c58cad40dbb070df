/* The names that the packed numbers stand for: JSON in a script element, in which no "<" stands as such. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "export/html/html.h"

enum { NAME_MOST = 100, FILE_MOST = 200 };

/* A label has no control characters and is valid UTF-8 already. */
enum gs_status gs_html_put_name(struct gs_label *text, FILE *out)
{
    putc_unlocked('"', out);
    for (const char *at = text->bytes; at && *at; at++) {
        if (*at == '<')
            fputs("\\u003c", out);
        else if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else
            putc_unlocked(*at, out);
    }
    putc_unlocked('"', out);
    gs_label_cut(text, 0);
    return text->failed ? GS_NO_MEMORY : GS_OK;
}

static enum gs_status write_places(struct gs_html *html, const struct gs_html_data *data, struct gs_label *text)
{
    enum gs_status status = GS_OK;
    fputs(",\n\"places\": [", html->out);
    for (uint32_t i = 0; i < data->place_count && status == GS_OK; i++) {
        const struct gs_place *place = gs_calltree_place_at(html->tree, data->places[i]);
        gs_label_place(text, place, &data->files, NAME_MOST);
        fputs(i > 0 ? ",\n[" : "\n[", html->out);
        status = gs_html_put_name(text, html->out);
        fputs(", ", html->out);
        if (place->kind != GS_FRAME_GAP && *place->file) {
            gs_label_add(text, place->qualname ? place->qualname : place->function, NAME_MOST);
            gs_label_put(text, " in ");
            gs_label_add(text, place->file, FILE_MOST);
        }
        status = status == GS_OK ? gs_html_put_name(text, html->out) : status;
        fputs("]", html->out);
    }
    fputs("]", html->out);
    return status;
}

static enum gs_status write_threads(struct gs_html *html, struct gs_label *text)
{
    enum gs_status status = GS_OK;
    fputs(",\n\"threads\": [", html->out);
    for (uint32_t i = 0; i < html->thread_count && status == GS_OK; i++) {
        const struct gs_html_thread *thread = &html->threads[i];
        fprintf(html->out, "%s\n[%" PRIu32 ", %d, ", i > 0 ? "," : "", thread->process, (int)thread->tid);
        gs_html_thread_name(text, thread, GS_HTML_NAME_MOST);
        status = gs_html_put_name(text, html->out);
        fprintf(html->out, ", %d, %d, %" PRIu64 ", %" PRIu32 ", %" PRIu64 "]", thread->main, thread->lock,
                thread->samples, thread->rank < GS_HTML_ROWS ? thread->rank + 1 : 0, thread->longest_ns / 1000);
    }
    fputs("]", html->out);
    return status;
}

void gs_html_process_name(struct gs_label *text, const struct gs_calltree_process *process)
{
    gs_label_put(text, "%d: ", (int)process->pid);
    gs_label_add(text, process->command, NAME_MOST);
}

/* Of each lane the number of its thread, and the task. */
static enum gs_status write_lanes(struct gs_html *html, struct gs_label *text)
{
    enum gs_status status = GS_OK;
    fputs(",\n\"lanes\": [", html->out);
    for (uint32_t i = 0; i < html->lanes.count && status == GS_OK; i++) {
        fprintf(html->out, "%s\n[%" PRIu32 ", ", i > 0 ? "," : "", html->lanes.list[i].thread);
        if (html->lane[i].name)
            gs_label_add(text, gs_calltree_place_at(html->tree, html->lane[i].name)->function, GS_HTML_NAME_MOST);
        status = gs_html_put_name(text, html->out);
        fputs("]", html->out);
    }
    fputs("]", html->out);
    return status;
}

static enum gs_status write_processes(struct gs_html *html, struct gs_label *text)
{
    enum gs_status status = GS_OK;
    fputs(",\n\"processes\": [", html->out);
    for (uint32_t i = 0; i < gs_calltree_process_count(html->tree) && status == GS_OK; i++) {
        const struct gs_calltree_process *process = gs_calltree_process(html->tree, i);
        gs_html_process_name(text, process);
        fprintf(html->out, "%s[%d, ", i > 0 ? ",\n" : "\n", (int)process->pid);
        status = gs_html_put_name(text, html->out);
        fputs("]", html->out);
    }
    fputs("]", html->out);
    return status;
}

static enum gs_status write_holds(struct gs_html *html, const struct gs_html_data *data)
{
    const struct gs_hold **sorted = malloc(GS_HOLD_PARTS * GS_HOLD_EACH * sizeof *sorted);
    if (!sorted)
        return GS_NO_MEMORY;
    size_t count = gs_holds_sort(&html->holds, sorted);
    fputs(",\n\"holds\": [", html->out);
    for (size_t i = 0; i < count; i++) {
        const struct gs_hold *hold = sorted[i];
        fprintf(html->out, "%s\n[%" PRIu32 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %.2f, %" PRIu32 "]",
                i > 0 ? "," : "", hold->thread, hold->begin_ns / 1000, hold->end_ns / 1000, hold->samples,
                (double)hold->waiters / (double)hold->samples, data->node_to[hold->leaf]);
    }
    fputs("]", html->out);
    free(sorted);
    return GS_OK;
}

enum gs_status gs_html_names(struct gs_html *html, const struct gs_html_data *data, const struct gs_run_end *end)
{
    struct gs_label text = {0};
    fprintf(html->out,
            "{\"schema\": 1, \"mode\": \"%s\", \"by_thread\": %d, \"buckets\": %" PRIu32 ", \"bucket_us\": %.3f, "
            "\"unit_us\": %.3f, \"seconds\": %.6f, \"rate_hz\": %g, \"samples\": %" PRIu64,
            gs_modes[html->selection->mode].name, html->selection->threads, data->buckets,
            (double)data->bucket_ns / 1000, (double)data->unit_ns / 1000, (double)data->end_ns / 1e9,
            isfinite(html->run.rate_hz) ? html->run.rate_hz : 0, end->samples);
    enum gs_status status = write_processes(html, &text);
    if (status == GS_OK)
        status = write_threads(html, &text);
    if (status == GS_OK)
        status = write_lanes(html, &text);
    if (status == GS_OK)
        status = write_places(html, data, &text);
    if (status == GS_OK)
        status = write_holds(html, data);
    fputs("}\n", html->out);
    gs_label_fini(&text);
    return status;
}
