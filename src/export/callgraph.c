/* Summing up a call tree by walking it once. */
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/room.h"
#include "export/callgraph.h"
#include "export/label.h"
#include "export/texts.h"

/* A node on the way to the one that is added. */
struct step {
    uint32_t node, next; /* its next child */
    uint32_t site;
    uint32_t pair; /* of its part and its caller's, GS_IDS_NONE: it has no caller */
};

struct walk {
    struct gs_graph *graph;
    const struct gs_calltree *tree;
    bool by_line;
    size_t part_room, site_room, call_room, pair_room, way_room, depth;
    struct gs_ids part_by_key, site_by_key, call_by_sites, pair_by_parts;
    uint32_t *pairs; /* how often each of them is in the stack */
    uint32_t pair_count;
    struct step *way;
    struct gs_label name, file;
};

uint64_t gs_cost_ns(const struct gs_cost *cost)
{
    uint64_t sum = 0;
    for (int i = 0; i <= GS_UNKNOWN; i++)
        sum += cost->word_ns[i];
    return sum;
}

void gs_cost_add(struct gs_cost *sum, const struct gs_cost *cost)
{
    for (int i = 0; i <= GS_UNKNOWN; i++)
        sum->word_ns[i] += cost->word_ns[i];
    sum->idle_ns += cost->idle_ns;
    sum->lock_ns += cost->lock_ns;
    sum->cpu_ns += cost->cpu_ns;
    sum->samples += cost->samples;
}

static struct gs_cost whole_of(const struct gs_calltree *tree, uint32_t number)
{
    const struct gs_node *node = gs_calltree_node(tree, number);
    struct gs_cost cost = {
        .idle_ns = node->idle_ns, .lock_ns = node->lock_ns, .cpu_ns = node->cpu_ns, .samples = node->samples};
    for (int i = 0; i <= GS_UNKNOWN; i++)
        cost.word_ns[i] = node->word_ns[i];
    return cost;
}

static void take_off(struct gs_cost *sum, const struct gs_cost *cost)
{
    for (int i = 0; i <= GS_UNKNOWN; i++)
        sum->word_ns[i] -= cost->word_ns[i];
    sum->idle_ns -= cost->idle_ns;
    sum->lock_ns -= cost->lock_ns;
    sum->cpu_ns -= cost->cpu_ns;
    sum->samples -= cost->samples;
}

/* Without what is below it; but an instruction is the line's own, by_line. */
static struct gs_cost own_of(const struct gs_calltree *tree, uint32_t number, bool by_line)
{
    uint32_t count;
    const uint32_t *children = gs_calltree_children(tree, number, &count);
    struct gs_cost own = whole_of(tree, number);
    while (count > 0) {
        uint32_t child = children[--count];
        struct gs_cost below = whole_of(tree, child);
        if (by_line && gs_node_kind(gs_calltree_node(tree, child)) == GS_NODE_FRAME &&
            gs_calltree_place(tree, child)->kind == GS_FRAME_OPCODE) {
            const struct gs_cost itself = own_of(tree, child, false);
            take_off(&below, &itself);
        }
        take_off(&own, &below);
    }
    return own;
}

/* The index that belongs to a key, the next one of a list where it is new; GS_IDS_NONE: out of memory. The list has a
 * zeroed element for it then. */
static uint32_t index_of(struct gs_ids *ids, uint64_t key, void **list, uint32_t *count, size_t *room, size_t size)
{
    uint32_t index = gs_ids_find(ids, key);
    if (index != GS_IDS_NONE)
        return index;
    if (!gs_room(list, room, (size_t)*count + 1, size) || !gs_ids_set(ids, key, *count))
        return GS_IDS_NONE;
    memset((char *)*list + *count * size, 0, size);
    return (*count)++;
}

static int64_t text_of(struct walk *walk, struct gs_label *label)
{
    bool added;
    const char *text = label->len > 0 && label->bytes ? label->bytes : "";
    int64_t number = label->failed ? -1 : gs_texts_number(walk->graph->texts, text, &added);
    gs_label_cut(label, 0);
    return number;
}

/* The site of a node; GS_IDS_NONE: out of memory. */
static uint32_t site_of(struct walk *walk, uint32_t node)
{
    struct gs_graph *graph = walk->graph;
    bool frame = gs_node_kind(gs_calltree_node(walk->tree, node)) == GS_NODE_FRAME;
    int32_t line = gs_label_parts(&walk->name, &walk->file, walk->tree, node);
    int64_t name = text_of(walk, &walk->name), file = text_of(walk, &walk->file);
    if (name < 0 || file < 0)
        return GS_IDS_NONE;
    uint64_t low = walk->by_line && line > 0 ? (uint32_t)line | UINT64_C(1) << 31 : (uint64_t)name;
    uint32_t count = graph->part_count;
    uint32_t at = index_of(&walk->part_by_key, (uint64_t)file << 32 | low, (void **)&graph->parts, &graph->part_count,
                           &walk->part_room, sizeof *graph->parts);
    if (at == GS_IDS_NONE)
        return GS_IDS_NONE;
    struct gs_graph_part *part = &graph->parts[at];
    if (at == count) {
        part->name = gs_texts_at(graph->texts, (uint32_t)name);
        part->file = gs_texts_at(graph->texts, (uint32_t)file);
        part->place = frame ? gs_calltree_place(walk->tree, node) : NULL;
    }
    if (line > 0 && (part->line == 0 || line < part->line))
        part->line = line;
    uint32_t site = index_of(&walk->site_by_key, (uint64_t)at << 32 | (uint32_t)line, (void **)&graph->sites,
                             &graph->site_count, &walk->site_room, sizeof *graph->sites);
    if (site != GS_IDS_NONE) {
        graph->sites[site].part = at;
        graph->sites[site].line = line;
    }
    return site;
}

static bool add_call(struct walk *walk, const struct step *caller, struct step *callee, const struct gs_cost *own,
                     const struct gs_cost *whole)
{
    struct gs_graph *graph = walk->graph;
    uint64_t parts = (uint64_t)graph->sites[caller->site].part << 32 | graph->sites[callee->site].part;
    callee->pair = index_of(&walk->pair_by_parts, parts, (void **)&walk->pairs, &walk->pair_count, &walk->pair_room,
                            sizeof *walk->pairs);
    uint32_t at = index_of(&walk->call_by_sites, (uint64_t)caller->site << 32 | callee->site, (void **)&graph->calls,
                           &graph->call_count, &walk->call_room, sizeof *graph->calls);
    if (callee->pair == GS_IDS_NONE || at == GS_IDS_NONE)
        return false;
    struct gs_graph_call *call = &graph->calls[at];
    call->caller = caller->site;
    call->callee = callee->site;
    gs_cost_add(&call->own, own);
    if (walk->pairs[callee->pair]++ == 0)
        gs_cost_add(&call->whole, whole);
    return true;
}

/* Goes down into a node; the top is nobody's callee, and no part. */
static bool enter(struct walk *walk, uint32_t node)
{
    if (!gs_room((void **)&walk->way, &walk->way_room, walk->depth + 1, sizeof *walk->way))
        return false;
    struct step *step = &walk->way[walk->depth++];
    *step = (struct step){.node = node, .pair = GS_IDS_NONE};
    if (walk->depth == 1)
        return true;
    step->site = site_of(walk, node);
    if (step->site == GS_IDS_NONE)
        return false;
    struct gs_cost own = own_of(walk->tree, node, walk->by_line), whole = whole_of(walk->tree, node);
    struct gs_call_site *site = &walk->graph->sites[step->site];
    struct gs_graph_part *part = &walk->graph->parts[site->part];
    gs_cost_add(&site->own, &own);
    gs_cost_add(&part->own, &own);
    if (part->depth++ == 0)
        gs_cost_add(&part->whole, &whole);
    return walk->depth == 2 || add_call(walk, step - 1, step, &own, &whole);
}

static void leave(struct walk *walk)
{
    const struct step *step = &walk->way[--walk->depth];
    if (walk->depth == 0)
        return;
    walk->graph->parts[walk->graph->sites[step->site].part].depth--;
    if (step->pair != GS_IDS_NONE)
        walk->pairs[step->pair]--;
}

enum gs_status gs_graph_make(struct gs_graph *graph, const struct gs_calltree *tree, bool by_line)
{
    struct walk walk = {.graph = graph, .tree = tree, .by_line = by_line};
    *graph = (struct gs_graph){.texts = gs_texts_new()};
    bool done = graph->texts && enter(&walk, gs_calltree_top(tree));
    while (done && walk.depth > 0) {
        struct step *step = &walk.way[walk.depth - 1];
        uint32_t count;
        const uint32_t *children = gs_calltree_children(tree, step->node, &count);
        if (step->next < count)
            done = enter(&walk, children[step->next++]);
        else
            leave(&walk);
    }
    gs_ids_fini(&walk.part_by_key);
    gs_ids_fini(&walk.site_by_key);
    gs_ids_fini(&walk.call_by_sites);
    gs_ids_fini(&walk.pair_by_parts);
    free(walk.pairs);
    free(walk.way);
    gs_label_fini(&walk.name);
    gs_label_fini(&walk.file);
    return done ? GS_OK : GS_NO_MEMORY;
}

void gs_graph_fini(struct gs_graph *graph)
{
    free(graph->parts);
    free(graph->sites);
    free(graph->calls);
    gs_texts_free(graph->texts);
}
