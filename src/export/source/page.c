/* The page of a file: its lines, as they stand in it now, with the time that was seen in each. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sorted.h"
#include "export/source/source.h"
#include "target/source_file.h"

enum {
    LARGEST = 8 << 20 /* bytes of a file that is shown */,
    NEIGHBOURS = 8 /* callers and callees of a line */,
    HOTTEST = 9, /* of the colours */
    AROUND = 3   /* lines before and behind one, where not all of a file is shown */
};

/* Of a column for which a narrow screen has no room. */
#define MORE " class=\"more\""

/* ---- what the pages share ---- */

void gs_source_put_text(struct gs_source_page *page, const char *theirs)
{
    gs_label_add(&page->label, theirs, 0);
    gs_xml_write(page->label.bytes ? page->label.bytes : "", page->out);
    gs_label_cut(&page->label, 0);
}

static void put_time(struct gs_source_page *page, const char *class, uint64_t ns)
{
    fprintf(page->out, "<td%s>", class);
    if (ns > 0) {
        gs_label_time(&page->label, ns);
        fputs(page->label.bytes ? page->label.bytes : "", page->out);
        gs_label_cut(&page->label, 0);
    }
    fputs("</td>", page->out);
}

void gs_source_put_heads(struct gs_source_page *page)
{
    fputs("<th title=\"in the line itself\">own</th><th class=\"more\" title=\"with all that it called\">total</th>"
          "<th title=\"own time with the GIL\">has</th><th title=\"own time waiting for the GIL\">waits</th>"
          "<th class=\"more\" title=\"own time running without the GIL\">without</th>"
          "<th class=\"more\" title=\"own time in which the thread was runnable, whatever the GIL\">cpu</th>"
          "<th class=\"more\" title=\"own time waiting for a lock that is no GIL\">locks</th>"
          "<th class=\"more\" title=\"own time neither running nor waiting for a lock\">idle</th>",
          page->out);
}

void gs_source_put_cells(struct gs_source_page *page, const struct gs_source *source, const struct gs_graph_part *part)
{
    const struct gs_cost *own = &part->own;
    char class[80];
    uint64_t without_ns = own->word_ns[GS_WITHOUT] + own->word_ns[GS_NONE];
    uint64_t own_ns = gs_cost_ns(own);
    snprintf(class, sizeof class, " class=\"own heat%u\" data-us=\"%" PRIu64 "\"",
             (unsigned)((own_ns * HOTTEST + source->most_ns / 2) / source->most_ns), own_ns / 1000);
    put_time(page, class, own_ns);
    put_time(page, MORE, gs_cost_ns(&part->whole));
    put_time(page, " class=\"has\"", own->word_ns[GS_HOLDS]);
    put_time(page, " class=\"waits\"", own->word_ns[GS_WAITS]);
    put_time(page, MORE, without_ns > own->idle_ns ? without_ns - own->idle_ns : 0);
    put_time(page, MORE, own->cpu_ns);
    put_time(page, MORE, own->lock_ns);
    put_time(page, MORE, own->idle_ns - own->lock_ns);
}

void gs_source_put_link(struct gs_source_page *page, const struct gs_source *source, uint32_t number)
{
    const struct gs_graph_part *part = &source->graph.parts[number];
    uint32_t file = source->file_of[number];
    const char *base = strrchr(part->file, '/');
    const struct gs_source_file *shown = file != UINT32_MAX ? &source->files[file] : NULL;
    bool linked = shown && (!source->shown || source->shown[number]);
    if (linked && source->shown)
        fprintf(page->out, "<a href=\"#F%u-L%d\">", (unsigned)shown->rank, (int)part->line);
    else if (linked)
        fprintf(page->out, "<a href=\"%s#L%d\">", shown->page, (int)part->line);
    gs_source_put_text(page, part->name);
    if (shown) {
        fprintf(page->out, "%s <span class=\"soft\">", linked ? "</a>" : "");
        gs_source_put_text(page, base ? base + 1 : part->file);
        fprintf(page->out, ":%d</span>", (int)part->line);
    }
}

void gs_source_begin(struct gs_source_page *page, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\" class=\"gilspy source-page\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
          page->out);
    gs_source_put_text(page, title);
    fprintf(page->out, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<main>\n<h1>", gs_web_flamegraph_css,
            gs_web_source_css);
    gs_source_put_text(page, title);
    fputs("</h1>\n", page->out);
}

void gs_source_end(struct gs_source_page *page)
{
    fputs("</main>\n</body>\n</html>\n", page->out);
    gs_label_fini(&page->label);
}

/* ---- the file ---- */

struct text {
    char *bytes; /* NULL: the file is not shown */
    size_t len;
    bool changed; /* since its process began, or, where that is not known, since the recording did */
};

/* CLOCK_REALTIME, a tick late at most; start_ticks counts from the boot on, as CLOCK_MONOTONIC does but for the time
 * asleep. */
static int64_t began_ns(const struct gs_run_info *run, uint64_t start_ticks)
{
    uint64_t start_ns = (start_ticks + 1) * (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));
    bool known = start_ticks > 0 && start_ns < run->begin_ns;
    return known ? run->realtime_ns - (int64_t)(run->begin_ns - start_ns) : run->realtime_ns;
}

static bool read_all(int fd, const struct stat *st, struct text *text)
{
    text->bytes = st->st_size >= 0 && st->st_size <= LARGEST ? malloc((size_t)st->st_size + 1) : NULL;
    while (text->bytes && text->len < (size_t)st->st_size) {
        ssize_t got = read(fd, text->bytes + text->len, (size_t)st->st_size - text->len);
        if (got <= 0)
            break;
        text->len += (size_t)got;
    }
    return text->bytes != NULL;
}

/* From the root of the first process that has it. */
static void read_text(const struct gs_source *source, const char *path, struct text *text)
{
    const struct gs_calltree *tree = source->drawing->tree;
    const struct gs_run_info *run = source->drawing->run;
    if (source->drawing->selection->no_source || path[0] != '/')
        return;
    for (uint32_t i = 0; i < gs_calltree_process_count(tree) && !text->bytes; i++) {
        const struct gs_calltree_process *process = gs_calltree_process(tree, i);
        struct stat st;
        int fd = gs_source_open(process->pid, process->start_ticks, path, &st);
        if (fd < 0)
            continue;
        if (read_all(fd, &st, text))
            text->changed =
                st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec > began_ns(run, process->start_ticks);
        close(fd);
    }
}

static const char *next_line(const char *at, const char *end)
{
    const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    return stop ? stop + 1 : end;
}

/* A line without its end; tabs are four blanks. Returns what is left of the text. */
static const char *put_line(struct gs_source_page *page, const char *at, const char *end)
{
    const char *next = next_line(at, end);
    char line[1000];
    size_t len = 0;
    for (; at < next && *at != '\n' && *at != '\r' && *at != '\0' && len < sizeof line - 5; at++) {
        if (*at == '\t') {
            memcpy(line + len, "    ", 4);
            len += 4;
        } else {
            line[len++] = *at;
        }
    }
    line[len] = '\0';
    gs_source_put_text(page, line);
    return next;
}

static uint32_t other_end(const struct gs_source *source, uint32_t call, bool callers)
{
    const struct gs_graph_call *at = &source->graph.calls[call];
    return source->graph.sites[callers ? at->caller : at->callee].part;
}

static uint32_t near_end(const struct gs_source *source, uint32_t call, bool callers)
{
    return other_end(source, call, !callers);
}

/* Those that the line calls, or that call it; the longest first. */
static void put_neighbours(struct gs_source_page *page, const struct gs_source *source, uint32_t part, bool callers)
{
    const uint32_t *list = callers ? source->by_callee : source->by_caller;
    uint32_t count = source->graph.call_count;
    size_t first = GS_FIRST_NOT(i, count, near_end(source, list[i], callers) < part), at = first;
    for (; at < count && at < first + NEIGHBOURS && near_end(source, list[at], callers) == part; at++) {
        fputs(at == first ? callers ? "<p>called from " : "<p>calls " : ", ", page->out);
        gs_source_put_link(page, source, other_end(source, list[at], callers));
        fputs(" ", page->out);
        gs_label_time(&page->label, gs_cost_ns(&source->graph.calls[list[at]].whole));
        fputs(page->label.bytes ? page->label.bytes : "", page->out);
        gs_label_cut(&page->label, 0);
    }
    if (at > first)
        fputs("</p>", page->out);
}

/* part: UINT32_MAX: nothing was seen in the line. */
static void put_row(struct gs_source_page *page, const struct gs_source *source, const struct gs_source_file *file,
                    uint32_t part, int32_t line, const char **at, const char *end)
{
    bool seen = part != UINT32_MAX;
    char id[32], number[16];
    snprintf(number, sizeof number, "F%u-", (unsigned)file->rank);
    snprintf(id, sizeof id, "%sL%d", source->shown ? number : "", (int)line);
    fprintf(page->out, "<tr id=\"%s\"%s>", id, seen ? " class=\"seen\"" : "");
    if (seen)
        gs_source_put_cells(page, source, &source->graph.parts[part]);
    else
        fputs("<td colspan=\"3\"></td><td class=\"more\" colspan=\"5\"></td>", page->out);
    fprintf(page->out, "<th><a href=\"#%s\">%d</a></th><td class=\"code\">", id, (int)line);
    if (seen)
        fputs("<details><summary>", page->out);
    if (*at < end)
        *at = put_line(page, *at, end);
    else if (seen)
        gs_source_put_text(page, source->graph.parts[part].name);
    if (seen) {
        fputs("</summary>", page->out);
        put_neighbours(page, source, part, true);
        put_neighbours(page, source, part, false);
        fputs("</details>", page->out);
    }
    fputs("</td></tr>\n", page->out);
}

static int32_t line_of(const struct gs_source *source, uint32_t at)
{
    return source->graph.parts[source->lines[at]].line;
}

/* next: the first line of the file, in the list, from this one on. */
static bool is_shown(const struct gs_source *source, const struct gs_source_file *file, uint32_t next, int32_t line)
{
    bool shown = !source->shown;
    for (uint32_t i = next; !shown && i < file->first + file->count && line_of(source, i) - line <= AROUND; i++)
        shown = source->shown[source->lines[i]];
    for (uint32_t i = next; !shown && i > file->first && line - line_of(source, i - 1) <= AROUND; i--)
        shown = source->shown[source->lines[i - 1]];
    return shown;
}

static void put_rows(struct gs_source_page *page, const struct gs_source *source, const struct gs_source_file *file,
                     const struct text *text)
{
    const char *at = text->bytes ? text->bytes : "", *end = at + text->len;
    uint32_t next = file->first, last = file->first + file->count;
    int32_t before = 0; /* the last line that is shown */
    for (int32_t line = 1; at < end || next < last; line++) {
        line = at < end ? line : line_of(source, next);
        bool seen = next < last && line_of(source, next) == line, shown = is_shown(source, file, next, line);
        if (shown && line > before + 1)
            fputs("<tr class=\"left-out\"><td colspan=\"5\"></td><td class=\"more\" colspan=\"5\"></td></tr>\n",
                  page->out);
        if (shown)
            put_row(page, source, file, seen ? source->lines[next] : UINT32_MAX, line, &at, end);
        else
            at = next_line(at, end);
        before = shown ? line : before;
        next += seen;
    }
}

static void put_state(struct gs_source_page *page, const struct gs_source *source, const struct gs_source_file *file,
                      const struct text *text)
{
    if (source->drawing->selection->no_source)
        fputs("<p class=\"soft\">The source is hidden by --no-source.</p>\n", page->out);
    else if (!text->bytes)
        fputs("<p class=\"warn\">The source is not to be had: there is no such file, or it is none that the process's "
              "user may read, or, as the process has ended, everybody.</p>\n",
              page->out);
    else if (text->changed)
        fputs("<p class=\"warn\">The file was changed after the process began: what ran may be other lines than "
              "these.</p>\n",
              page->out);
    if (source->shown)
        return;
    fputs("<p class=\"soft\"><a href=\"index.html\">all files</a>", page->out);
    for (uint32_t i = 0; i < file->count; i++) {
        const struct gs_graph_part *part = &source->graph.parts[source->lines[file->first + i]];
        if (gs_cost_ns(&part->own) * 10 > source->most_ns * 3)
            fprintf(page->out, " · <a href=\"#L%d\">line %d</a>", (int)part->line, (int)part->line);
    }
    fputs("</p>\n", page->out);
}

void gs_source_put_file(struct gs_source_page *page, const struct gs_source *source, const struct gs_source_file *file)
{
    struct text text = {0};
    const struct gs_place *place = source->graph.parts[source->lines[file->first]].place;
    read_text(source, place->file, &text);
    put_state(page, source, file, &text);
    fputs("<div class=\"wide\"><table class=\"source\">\n<thead><tr>", page->out);
    gs_source_put_heads(page);
    fputs("<th></th><th></th></tr></thead>\n<tbody>\n", page->out);
    put_rows(page, source, file, &text);
    fputs("</tbody></table></div>\n", page->out);
    free(text.bytes);
}

enum gs_status gs_source_write_file(const struct gs_source *source, const struct gs_source_file *file, FILE *out)
{
    struct gs_source_page page = {.out = out};
    gs_source_begin(&page, file->file);
    gs_source_put_file(&page, source, file);
    bool failed = page.label.failed;
    gs_source_end(&page);
    return failed ? GS_NO_MEMORY : GS_OK;
}
