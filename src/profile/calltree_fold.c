/* Making room: whatever took the least time becomes part of an "(other)" below its caller. */
#include <stdlib.h>
#include <string.h>

#include "profile/calltree_fold.h"
#include "profile/limit.h"

/* Kept nodes, and an "(other)" for each at the worst, leave a quarter of the room to those that come. */
enum { KEPT_OF_8 = 3 };

/* One round of folding. */
struct fold {
    uint64_t *total_ns;    /* by node, with all below it */
    uint32_t *to;          /* old number -> new number, of itself or of the "(other)" that it went to */
    struct gs_limit limit; /* which of them stay */
    uint64_t *folded;      /* how many did not */
};

/* Finds the limit that keeps `keep` nodes. */
static void find_limit(const struct gs_nodes *nodes, struct fold *fold, uint32_t keep)
{
    memset(fold->total_ns, 0, nodes->count * sizeof *fold->total_ns);
    for (uint32_t i = nodes->count - 1; i > 0; i--) {
        fold->total_ns[i] += gs_node_ns(&nodes->list[i]);
        fold->total_ns[nodes->list[i].parent] += fold->total_ns[i];
    }
    fold->limit = gs_limit_of(fold->total_ns, nodes->count, keep < nodes->count ? keep : nodes->count - 1);
}

static void add(struct gs_node *to, const struct gs_node *from)
{
    for (int i = 0; i <= GS_UNKNOWN; i++)
        to->word_ns[i] += from->word_ns[i];
    to->idle_ns += from->idle_ns;
    to->cpu_ns += from->cpu_ns;
    to->samples += from->samples;
}

static bool stays(struct fold *fold, const struct gs_node *node, uint64_t total_ns)
{
    if (gs_node_kind(node) == GS_NODE_PROCESS || gs_node_kind(node) == GS_NODE_OTHER)
        return true;
    return gs_limit_pass(&fold->limit, total_ns);
}

/* The nodes that stay move up in the array: a caller stands before what it calls, and an "(other)" takes no more room
 * than what goes into it did. */
static void compact(struct gs_paths *paths, struct fold *fold)
{
    struct gs_nodes *nodes = &paths->nodes;
    uint32_t count = nodes->count, other = gs_node_frame(GS_NODE_OTHER, 0);
    gs_nodes_clear(nodes);
    fold->to[0] = 0;
    for (uint32_t i = 1; i < count; i++) {
        struct gs_node node = nodes->list[i];
        bool was_other = node.frame == other;
        uint32_t parent = fold->to[node.parent];
        /* What is below an "(other)" now went there with its caller. */
        bool inside = nodes->list[parent].frame == other;
        if (!inside && !stays(fold, &node, fold->total_ns[i]))
            node.frame = other;
        if (!inside)
            parent = gs_nodes_child(nodes, parent, node.frame);
        *fold->folded += nodes->list[parent].frame == other && !was_other;
        fold->to[i] = parent;
        add(&nodes->list[parent], &node);
    }
}

/* Forgets the names of what is gone. */
static bool renew_places(struct gs_paths *paths)
{
    uint32_t count = gs_stacks_place_count(paths->places);
    struct gs_stacks *kept = gs_stacks_new();
    uint32_t *to = calloc((size_t)count + 1, sizeof *to);
    bool done = kept && to;
    gs_paths_drop(paths);
    for (uint32_t i = 1; i < paths->nodes.count && done; i++) {
        struct gs_node *node = &paths->nodes.list[i];
        uint32_t number = gs_node_number(node);
        if (gs_node_kind(node) != GS_NODE_FRAME)
            continue;
        if (!to[number])
            to[number] = gs_stacks_place(kept, gs_stacks_place_at(paths->places, number));
        done = to[number] != 0;
        node->frame = gs_node_frame(GS_NODE_FRAME, to[number]);
    }
    free(to);
    if (kept) {
        gs_stacks_free(paths->places);
        paths->places = kept;
    }
    return done;
}

static bool fold_to(struct gs_paths *paths, uint32_t keep, uint64_t *folded)
{
    struct gs_nodes *nodes = &paths->nodes;
    struct fold fold = {.total_ns = malloc(nodes->count * sizeof *fold.total_ns),
                        .to = malloc(nodes->count * sizeof *fold.to),
                        .folded = folded};
    bool done = fold.total_ns && fold.to;
    if (done) {
        find_limit(nodes, &fold, keep);
        compact(paths, &fold);
        done = renew_places(paths);
        gs_nodes_index(nodes);
    }
    free(fold.total_ns);
    free(fold.to);
    return done;
}

enum gs_status gs_paths_fold(struct gs_paths *paths, uint64_t *folded)
{
    uint32_t keep = paths->nodes.most / 8 * KEPT_OF_8, half = paths->nodes.count / 2;
    if (keep > half) /* it is names that take too much memory */
        keep = half;
    do {
        if (!fold_to(paths, keep, folded))
            return GS_NO_MEMORY;
        keep /= 2;
    } while (keep > 0 && gs_paths_crowded(paths));
    return GS_OK;
}
