/* The format callgrind, for KCachegrind, QCachegrind and gprof2dot: the time of each line, and whom it called from
 * there, by what the GIL did. The format: "Callgrind Format Specification" in the manual of Valgrind. */
#include <inttypes.h>
#include <stdlib.h>

#include "export/callgraph.h"
#include "export/formats.h"
#include "export/label.h"
#include "export/tree_sink.h"

struct callgrind {
    FILE *out;
    struct gs_graph graph;
    uint32_t *sites; /* sorted by part, then line */
    uint32_t *calls; /* sorted by their caller's place in `sites` */
    uint32_t *rank;  /* of a site: its place in `sites` */
    bool *named;     /* by part: its name was written already, and its number is enough */
};

/* In the order of the columns. */
static const struct {
    const char *name, *help;
} events[] = {{"time", "all that counts (ns)"},
              {"holds", "holds the GIL (ns)"},
              {"waits", "waits for the GIL (ns)"},
              {"without", "without the GIL (ns)"},
              {"none", "there is no GIL to hold (ns)"},
              {"unknown", "nobody knows (ns)"},
              {"idle", "of without and none: neither runs nor wants to (ns)"},
              {"locks", "of idle: waits for a lock that is no GIL (ns)"}};

static void write_cost(const struct callgrind *self, const struct gs_cost *cost)
{
    fprintf(self->out, " %" PRIu64, gs_cost_ns(cost));
    for (int i = 0; i <= GS_UNKNOWN; i++)
        fprintf(self->out, " %" PRIu64, cost->word_ns[i]);
    fprintf(self->out, " %" PRIu64 " %" PRIu64 "\n", cost->idle_ns, cost->lock_ns);
}

/* "fn=(7) work", with its file before it; the number alone when it has been named. */
static void write_name(const struct callgrind *self, const char *file_key, const char *key, uint32_t number)
{
    const struct gs_graph_part *part = &self->graph.parts[number];
    fprintf(self->out, "%s=%s\n%s=(%" PRIu32 ")", file_key, *part->file ? part->file : "???", key, number + 1);
    fprintf(self->out, self->named[number] ? "\n" : " %s\n", part->name);
    self->named[number] = true;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_line(const void *left, const void *right, void *context)
{
    const struct gs_call_site *sites = ((const struct callgrind *)context)->graph.sites;
    const struct gs_call_site *a = &sites[*(const uint32_t *)left], *b = &sites[*(const uint32_t *)right];
    return a->part != b->part ? compare(a->part, b->part) : compare((uint32_t)a->line, (uint32_t)b->line);
}

static int by_caller(const void *left, const void *right, void *context)
{
    const struct callgrind *self = context;
    const struct gs_graph_call *a = &self->graph.calls[*(const uint32_t *)left],
                               *b = &self->graph.calls[*(const uint32_t *)right];
    return a->caller != b->caller ? compare(self->rank[a->caller], self->rank[b->caller])
                                  : compare(self->rank[a->callee], self->rank[b->callee]);
}

static bool sort(struct callgrind *self)
{
    const struct gs_graph *graph = &self->graph;
    self->sites = calloc((size_t)graph->site_count + 1, sizeof *self->sites);
    self->rank = calloc((size_t)graph->site_count + 1, sizeof *self->rank);
    self->calls = calloc((size_t)graph->call_count + 1, sizeof *self->calls);
    self->named = calloc((size_t)graph->part_count + 1, sizeof *self->named);
    if (!self->sites || !self->rank || !self->calls || !self->named)
        return false;
    for (uint32_t i = 0; i < graph->site_count; i++)
        self->sites[i] = i;
    for (uint32_t i = 0; i < graph->call_count; i++)
        self->calls[i] = i;
    qsort_r(self->sites, graph->site_count, sizeof *self->sites, by_line, self);
    for (uint32_t i = 0; i < graph->site_count; i++)
        self->rank[self->sites[i]] = i;
    qsort_r(self->calls, graph->call_count, sizeof *self->calls, by_caller, self);
    return true;
}

static void write_call(const struct callgrind *self, const struct gs_graph_call *call)
{
    const struct gs_call_site *caller = &self->graph.sites[call->caller], *callee = &self->graph.sites[call->callee];
    if (gs_cost_ns(&call->whole) == 0)
        return;
    write_name(self, "cfi", "cfn", callee->part);
    fprintf(self->out, "calls=%" PRIu64 " %d\n%d", call->whole.samples, (int)callee->line, (int)caller->line);
    write_cost(self, &call->whole);
}

static void write_sites(const struct callgrind *self)
{
    const struct gs_graph *graph = &self->graph;
    uint32_t part = UINT32_MAX, call = 0;
    for (uint32_t i = 0; i < graph->site_count; i++) {
        const struct gs_call_site *site = &graph->sites[self->sites[i]];
        if (site->part != part) {
            fputc('\n', self->out);
            write_name(self, "fl", "fn", site->part);
        }
        part = site->part;
        fprintf(self->out, "%d", (int)site->line);
        write_cost(self, &site->own);
        for (; call < graph->call_count && graph->calls[self->calls[call]].caller == self->sites[i]; call++)
            write_call(self, &graph->calls[self->calls[call]]);
    }
}

static void write_head(const struct callgrind *self, const struct gs_tree_drawing *drawing)
{
    struct gs_cost sum = {0};
    struct gs_label command = {0};
    if (gs_calltree_process_count(drawing->tree) > 0)
        gs_label_add(&command, gs_calltree_process(drawing->tree, 0)->command, 0);
    fprintf(self->out,
            "# callgrind format\nversion: 1\ncreator: gilspy %s\ncmd: %s\n"
            "desc: Mode: %s: %s\ndesc: Calls: samples, since nobody counts calls\npositions: line\n",
            drawing->run->gilspy, command.bytes ? command.bytes : "", gs_modes[drawing->selection->mode].name,
            gs_modes[drawing->selection->mode].help);
    gs_label_fini(&command);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        fprintf(self->out, "event: %s : %s\n", events[i].name, events[i].help);
    fputs("events:", self->out);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        fprintf(self->out, " %s", events[i].name);
    for (uint32_t i = 0; i < self->graph.site_count; i++)
        gs_cost_add(&sum, &self->graph.sites[i].own);
    fputs("\nsummary:", self->out);
    write_cost(self, &sum);
}

static enum gs_status draw(const struct gs_tree_drawing *drawing)
{
    struct callgrind self = {.out = drawing->out};
    enum gs_status status = gs_graph_make(&self.graph, drawing->tree, false);
    if (status == GS_OK && !sort(&self))
        status = GS_NO_MEMORY;
    if (status == GS_OK) {
        write_head(&self, drawing);
        write_sites(&self);
    }
    gs_graph_fini(&self.graph);
    free(self.sites);
    free(self.calls);
    free(self.rank);
    free(self.named);
    return status;
}

static enum gs_status open_callgrind(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    return gs_tree_sink_open(sink, out, selection, &(struct gs_calltree_options){.most = GS_CALLTREE_MOST}, draw);
}

const struct gs_format gs_format_callgrind = {
    .name = "callgrind",
    .extensions = ".callgrind",
    .summary = "for KCachegrind: the time of each line and call, by GIL",
    .how = "Open it in KCachegrind",
    .open = open_callgrind,
    .close = gs_tree_sink_close,
};
