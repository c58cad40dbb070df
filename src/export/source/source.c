/* The format source: a folder of pages, one for each file that was in a stack and one for all, the hottest lines first.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "export/formats.h"
#include "export/source/source.h"

enum {
    HOTTEST = 100,    /* lines on the first page, */
    HOTTEST_FEW = 15, /* and in a section of another */
    FILES_FEW = 12,
    LINES_FEW = 300
};

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_file(const void *left, const void *right, void *context)
{
    const struct gs_graph_part *parts = context;
    const struct gs_graph_part *a = &parts[*(const uint32_t *)left], *b = &parts[*(const uint32_t *)right];
    int order = a->file == b->file ? 0 : strcmp(a->file, b->file);
    return order ? order : compare((uint32_t)a->line, (uint32_t)b->line);
}

static int by_heat(const void *left, const void *right, void *context)
{
    const struct gs_graph_part *parts = context;
    uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
    int order = compare(gs_cost_ns(&parts[k].own), gs_cost_ns(&parts[i].own));
    order = order ? order : compare(gs_cost_ns(&parts[k].whole), gs_cost_ns(&parts[i].whole));
    return order ? order : compare(i, k);
}

static int by_part(const struct gs_graph *graph, uint32_t i, uint32_t k, bool caller)
{
    const struct gs_graph_call *a = &graph->calls[i], *b = &graph->calls[k];
    int order =
        compare(graph->sites[caller ? a->caller : a->callee].part, graph->sites[caller ? b->caller : b->callee].part);
    order = order ? order : compare(gs_cost_ns(&b->whole), gs_cost_ns(&a->whole));
    return order ? order : compare(i, k);
}

static int by_caller(const void *left, const void *right, void *context)
{
    return by_part(context, *(const uint32_t *)left, *(const uint32_t *)right, true);
}

static int by_callee(const void *left, const void *right, void *context)
{
    return by_part(context, *(const uint32_t *)left, *(const uint32_t *)right, false);
}

/* "0007-app.py.html" */
static void name_page(struct gs_source_file *file, uint32_t number)
{
    const char *slash = strrchr(file->file, '/'), *base = slash ? slash + 1 : file->file;
    int len = snprintf(file->page, sizeof file->page, "%04u-", (unsigned)number);
    for (; *base && len < GS_SOURCE_NAME - 8; base++)
        file->page[len++] = isalnum((unsigned char)*base) || strchr("._-", *base) ? *base : '_';
    snprintf(file->page + len, sizeof file->page - (size_t)len, ".html");
}

static bool is_line(const struct gs_graph_part *part)
{
    return part->place && part->place->kind == GS_FRAME_PYTHON && !part->place->module && *part->file && part->line > 0;
}

static void add_line(struct gs_source *source, uint32_t at)
{
    uint32_t number = source->lines[at];
    const struct gs_graph_part *part = &source->graph.parts[number];
    struct gs_source_file *file = source->file_count ? &source->files[source->file_count - 1] : NULL;
    if (!file || file->file != part->file) {
        file = &source->files[source->file_count++];
        *file = (struct gs_source_file){.file = part->file, .first = at};
        name_page(file, source->file_count);
    }
    file->count++;
    gs_cost_add(&file->own, &part->own);
    source->file_of[number] = source->file_count - 1;
    if (gs_cost_ns(&part->own) > source->most_ns)
        source->most_ns = gs_cost_ns(&part->own);
}

static int by_file_heat(const void *left, const void *right, void *context)
{
    const struct gs_source_file *files = context;
    uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
    int order = compare(gs_cost_ns(&files[k].own), gs_cost_ns(&files[i].own));
    return order ? order : compare(i, k);
}

static bool sort(struct gs_source *source)
{
    struct gs_graph *graph = &source->graph;
    size_t parts = (size_t)graph->part_count + 1, calls = (size_t)graph->call_count + 1;
    source->lines = calloc(parts, sizeof *source->lines);
    source->file_of = calloc(parts, sizeof *source->file_of);
    source->files = calloc(parts, sizeof *source->files);
    source->hottest = calloc(parts, sizeof *source->hottest);
    source->by_heat = calloc(parts, sizeof *source->by_heat);
    source->by_caller = calloc(calls, sizeof *source->by_caller);
    source->by_callee = calloc(calls, sizeof *source->by_callee);
    if (!source->lines || !source->file_of || !source->files || !source->hottest || !source->by_heat ||
        !source->by_caller || !source->by_callee)
        return false;
    for (uint32_t i = 0; i < graph->part_count; i++) {
        source->file_of[i] = UINT32_MAX;
        if (is_line(&graph->parts[i]))
            source->lines[source->line_count++] = i;
    }
    for (uint32_t i = 0; i < graph->call_count; i++)
        source->by_caller[i] = source->by_callee[i] = i;
    qsort_r(source->lines, source->line_count, sizeof *source->lines, by_file, graph->parts);
    for (uint32_t i = 0; i < source->line_count; i++)
        add_line(source, i);
    memcpy(source->hottest, source->lines, source->line_count * sizeof *source->hottest);
    qsort_r(source->hottest, source->line_count, sizeof *source->hottest, by_heat, graph->parts);
    for (uint32_t i = 0; i < source->file_count; i++)
        source->by_heat[i] = i;
    qsort_r(source->by_heat, source->file_count, sizeof *source->by_heat, by_file_heat, source->files);
    for (uint32_t i = 0; i < source->file_count; i++)
        source->files[source->by_heat[i]].rank = i;
    qsort_r(source->by_caller, graph->call_count, sizeof *source->by_caller, by_caller, graph);
    qsort_r(source->by_callee, graph->call_count, sizeof *source->by_callee, by_callee, graph);
    return true;
}

/* ---- the first page ---- */

static void put_mode(struct gs_source_page *page, enum gs_mode mode)
{
    fprintf(page->out, "<p class=\"soft\">mode %s: %s</p>\n", gs_modes[mode].name, gs_modes[mode].help);
}

static void put_hottest(struct gs_source_page *page, const struct gs_source *source, uint32_t most)
{
    fputs("<div class=\"wide\"><table class=\"source\">\n<thead><tr>", page->out);
    gs_source_put_heads(page);
    fputs("<th></th></tr></thead>\n<tbody>\n", page->out);
    for (uint32_t i = 0; i < source->line_count && i < most; i++) {
        const struct gs_graph_part *part = &source->graph.parts[source->hottest[i]];
        if (gs_cost_ns(&part->own) == 0)
            break;
        fputs("<tr>", page->out);
        gs_source_put_cells(page, source, part);
        fputs("<td class=\"code\">", page->out);
        gs_source_put_link(page, source, source->hottest[i]);
        fputs("</td></tr>\n", page->out);
    }
    fputs("</tbody></table></div>\n", page->out);
}

static void put_files(struct gs_source_page *page, const struct gs_source *source)
{
    fputs("<h2>Files</h2>\n<div class=\"wide\"><table "
          "class=\"source\">\n<thead><tr><th>own</th><th>has</th><th>waits</th>"
          "<th>lines</th><th></th></tr></thead>\n<tbody>\n",
          page->out);
    for (uint32_t i = 0; i < source->file_count; i++) {
        const struct gs_source_file *file = &source->files[source->by_heat[i]];
        const uint64_t times[] = {gs_cost_ns(&file->own), file->own.word_ns[GS_HOLDS], file->own.word_ns[GS_WAITS]};
        fputs("<tr>", page->out);
        for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
            gs_label_time(&page->label, times[k]);
            fprintf(page->out, "<td>%s</td>", page->label.bytes ? page->label.bytes : "");
            gs_label_cut(&page->label, 0);
        }
        fprintf(page->out, "<td>%u</td><td class=\"code\"><a href=\"%s\">", (unsigned)file->count, file->page);
        gs_source_put_text(page, file->file);
        fputs("</a></td></tr>\n", page->out);
    }
    fputs("</tbody></table></div>\n", page->out);
}

static void write_first(const struct gs_source *source)
{
    const struct gs_tree_drawing *drawing = source->drawing;
    struct gs_source_page page = {.out = drawing->out};
    gs_source_begin(&page, gs_calltree_process_count(drawing->tree) ? gs_calltree_process(drawing->tree, 0)->command
                                                                    : "no process");
    put_mode(&page, drawing->selection->mode);
    fputs("<h2>The hottest lines</h2>\n", page.out);
    put_hottest(&page, source, HOTTEST);
    put_files(&page, source);
    gs_source_end(&page);
}

/* ---- the folder ---- */

static enum gs_status write_page(const struct gs_source *source, const struct gs_source_file *file)
{
    struct gs_output output;
    struct gs_err err;
    char *path;
    if (asprintf(&path, "%s/%s", source->drawing->selection->folder, file->page) < 0)
        return GS_NO_MEMORY;
    enum gs_status status = gs_output_open(&output, path, NULL, &err);
    if (!status) {
        status = gs_source_write_file(source, file, output.file);
        status = gs_output_end(&output, status, &err);
    }
    free(path);
    return status;
}

static enum gs_status make(struct gs_source *source, const struct gs_tree_drawing *drawing)
{
    *source = (struct gs_source){.drawing = drawing, .most_ns = 1};
    enum gs_status status = gs_graph_make(&source->graph, drawing->tree, true);
    return status == GS_OK && !sort(source) ? GS_NO_MEMORY : status;
}

static void fini(struct gs_source *source)
{
    gs_graph_fini(&source->graph);
    free(source->lines);
    free(source->hottest);
    free(source->file_of);
    free(source->files);
    free(source->by_heat);
    free(source->by_caller);
    free(source->by_callee);
}

static enum gs_status draw(const struct gs_tree_drawing *drawing)
{
    struct gs_source source;
    enum gs_status status = make(&source, drawing);
    for (uint32_t i = 0; i < source.file_count && status == GS_OK && drawing->selection->folder; i++)
        status = write_page(&source, &source.files[i]);
    if (status == GS_OK)
        write_first(&source);
    fini(&source);
    return status;
}

enum gs_status gs_source_write_section(const struct gs_tree_drawing *drawing)
{
    struct gs_source source;
    struct gs_source_page page = {.out = drawing->out};
    enum gs_status status = make(&source, drawing);
    source.shown = calloc((size_t)source.graph.part_count + 1, sizeof *source.shown);
    if (!source.shown)
        status = GS_NO_MEMORY;
    for (uint32_t i = 0; status == GS_OK && i < source.line_count && i < LINES_FEW; i++)
        source.shown[source.hottest[i]] = source.files[source.file_of[source.hottest[i]]].rank < FILES_FEW;
    if (status == GS_OK && source.line_count > 0) {
        fputs(
            "<section id=\"source\" aria-labelledby=\"source-head\">\n<h2 id=\"source-head\">The hottest lines</h2>\n",
            page.out);
        put_mode(&page, drawing->selection->mode);
        put_hottest(&page, &source, HOTTEST_FEW);
        for (uint32_t i = 0; i < source.file_count && i < FILES_FEW; i++) {
            const struct gs_source_file *file = &source.files[source.by_heat[i]];
            fputs("<details class=\"file\"><summary>", page.out);
            gs_source_put_text(&page, file->file);
            fputs("</summary>\n", page.out);
            gs_source_put_file(&page, &source, file);
            fputs("</details>\n", page.out);
        }
        fputs("</section>\n", page.out);
    }
    status = page.label.failed ? GS_NO_MEMORY : status;
    gs_label_fini(&page.label);
    free(source.shown);
    fini(&source);
    return status;
}

static enum gs_status open_source(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    return gs_tree_sink_open(sink, out, selection, &(struct gs_calltree_options){.most = GS_CALLTREE_MOST}, draw);
}

const struct gs_format gs_format_source = {
    .name = "source",
    .extensions = ".source",
    .summary = "a folder of pages: the source, line by line, with its times by GIL",
    .how = "Open its index.html in a browser",
    .folder = true,
    .open = open_source,
    .close = gs_tree_sink_close,
};
