/* From stacks of the source to nodes: what was found once is looked up in a table of fixed size. */
#include <stdlib.h>
#include <string.h>

#include "profile/calltree_parts.h"

enum { DEEPEST_SHARE = 8 /* a stack takes at most the eighth part of all nodes; blame puts two together */ };

void gs_calltree_drop_paths(struct gs_calltree *tree)
{
    memset(tree->paths, 0, tree->path_count * sizeof *tree->paths);
    if (tree->place_of)
        memset(tree->place_of, 0, tree->place_room * sizeof *tree->place_of);
    tree->source = NULL;
}

bool gs_calltree_crowded(const struct gs_calltree *tree)
{
    return gs_stacks_bytes(tree->places) > GS_NAME_LEAST + (size_t)tree->options.most * GS_NAME_BYTES;
}

static struct gs_path *path_of(const struct gs_calltree *tree, uint32_t from, uint32_t stack)
{
    return &tree->paths[gs_hash_mix(tree->nodes.key, (uint64_t)from << 32 | stack) & (tree->path_count - 1)];
}

/* The node if it is remembered, else 0. */
static uint32_t recall(const struct gs_calltree *tree, uint32_t from, uint32_t stack)
{
    const struct gs_path *path = path_of(tree, from, stack);
    return path->from == from && path->stack == stack ? path->node : 0;
}

static bool make_room(uint32_t **list, uint32_t *room, uint32_t need)
{
    if (need <= *room)
        return true;
    uint32_t more = need < UINT32_MAX / 2 ? need * 2 : need;
    uint32_t *larger = realloc(*list, (size_t)more * sizeof *larger);
    if (!larger)
        return false;
    memset(larger + *room, 0, (size_t)(more - *room) * sizeof *larger);
    *list = larger;
    *room = more;
    return true;
}

/* Our number of a place of the source; 0: out of memory. */
static uint32_t place_of(struct gs_calltree *tree, uint32_t number)
{
    if (number < tree->place_room && tree->place_of[number])
        return tree->place_of[number];
    if (gs_calltree_crowded(tree) || !make_room(&tree->place_of, &tree->place_room, number + 1))
        return 0;
    struct gs_place place = *gs_stacks_place_at(tree->source, number);
    if (tree->selection->function)
        place.line = 0;
    if (!tree->options.qualnames)
        place.qualname = NULL;
    uint32_t ours = gs_stacks_place(tree->places, &place);
    if (ours >= GS_PLACES_MOST)
        return 0;
    return tree->place_of[number] = ours;
}

static uint32_t step(struct gs_calltree *tree, uint32_t from, uint32_t stack)
{
    uint32_t place = place_of(tree, gs_stacks_at(tree->source, stack).place);
    uint32_t node = place ? gs_nodes_child(&tree->nodes, from, gs_node_frame(GS_NODE_FRAME, place)) : 0;
    if (node)
        tree->deepest = node;
    return node;
}

uint32_t gs_calltree_descend(struct gs_calltree *tree, uint32_t from, uint32_t stack)
{
    uint32_t node = recall(tree, from, stack), count = 0, at = stack;
    if (node)
        return node;
    tree->deepest = from;
    if (stack == 0)
        return gs_nodes_child(&tree->nodes, from, gs_node_frame(GS_NODE_NO_PYTHON, 0));
    uint32_t depth = gs_stacks_at(tree->source, stack).depth, most = tree->options.most / DEEPEST_SHARE - 2;
    for (; depth > most; depth--) /* only the outer frames of one that is far too deep */
        at = gs_stacks_at(tree->source, at).caller;
    bool cut = at != stack;
    if (!make_room(&tree->climb, &tree->climb_room, depth))
        return 0;
    for (; at && !(node = recall(tree, from, at)); at = gs_stacks_at(tree->source, at).caller)
        tree->climb[count++] = at;
    if (!at)
        node = from;
    while (count > 0 && (node = step(tree, node, tree->climb[--count])))
        *path_of(tree, from, tree->climb[count]) = (struct gs_path){from, tree->climb[count], node};
    if (node && cut && (node = gs_nodes_child(&tree->nodes, node, gs_node_frame(GS_NODE_OTHER, 0))))
        *path_of(tree, from, stack) = (struct gs_path){from, stack, node};
    return node;
}
