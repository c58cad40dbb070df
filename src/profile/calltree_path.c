/* From stacks of the source to nodes: what was found once is looked up in a table of bounded size. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "base/shorten.h"
#include "profile/calltree_path.h"

enum { DEEPEST_SHARE = 8 /* a stack takes at most the eighth part of all nodes; blame puts two together */ };

bool gs_paths_make(struct gs_paths *paths, const struct gs_selection *selection,
                   const struct gs_calltree_options *options)
{
    *paths = (struct gs_paths){.places = gs_stacks_new(),
                               .most = options->most,
                               .functions = selection->function,
                               .qualnames = options->qualnames,
                               .count = GS_PATHS_FEW,
                               .most_paths = selection->mode == GS_MODE_BLAME ? GS_PATHS_BLAME : GS_PATHS};
    paths->list = calloc(paths->count, sizeof *paths->list);
    /* Those of a fixed tree that come too late need nodes too. */
    uint32_t most = options->fixed ? options->most / 4 * 3 : options->most;
    return gs_nodes_init(&paths->nodes, most) && paths->places && paths->list;
}

void gs_paths_fini(struct gs_paths *paths)
{
    gs_nodes_fini(&paths->nodes);
    gs_stacks_free(paths->places);
    free(paths->list);
    free(paths->place_of);
    free(paths->climb);
}

void gs_paths_drop(struct gs_paths *paths)
{
    memset(paths->list, 0, paths->count * sizeof *paths->list);
    paths->filled = 0;
    if (paths->place_of)
        memset(paths->place_of, 0, paths->place_room * sizeof *paths->place_of);
    paths->source = NULL;
}

bool gs_paths_crowded(const struct gs_paths *paths)
{
    return gs_stacks_bytes(paths->places) > GS_NAME_LEAST + (size_t)paths->most * GS_NAME_BYTES;
}

static struct gs_path *path_of(const struct gs_paths *paths, uint32_t from, uint32_t stack)
{
    return &paths->list[gs_hash_mix(paths->nodes.key, (uint64_t)from << 32 | stack) & (paths->count - 1)];
}

/* The node if it is remembered, else 0. */
static uint32_t recall(const struct gs_paths *paths, uint32_t from, uint32_t stack)
{
    const struct gs_path *path = path_of(paths, from, stack);
    return path->from == from && path->stack == stack ? path->node : 0;
}

/* Where a larger table cannot be had, the small one does. */
static void grow(struct gs_paths *paths)
{
    struct gs_path *larger = calloc((size_t)paths->count * 2, sizeof *larger);
    if (!larger)
        return;
    free(paths->list);
    paths->list = larger;
    paths->count *= 2;
    paths->filled = 0;
}

static void remember(struct gs_paths *paths, struct gs_path path)
{
    if (paths->filled >= paths->count / 2 && paths->count < paths->most_paths)
        grow(paths);
    struct gs_path *slot = path_of(paths, path.from, path.stack);
    paths->filled += slot->node == 0;
    *slot = path;
}

uint32_t gs_paths_place(struct gs_paths *paths, uint32_t number)
{
    if (number < paths->place_room && paths->place_of[number])
        return paths->place_of[number];
    if (gs_paths_crowded(paths) ||
        !gs_room_zeroed((void **)&paths->place_of, &paths->place_room, (size_t)number + 1, sizeof *paths->place_of))
        return 0;
    struct gs_place place = *gs_stacks_place_at(paths->source, number);
    char room[GS_CALLED];
    if (paths->functions)
        place.line = 0;
    if (!paths->qualnames && place.qualname)
        place.qualname = gs_called(place.function, place.qualname, false, room);
    uint32_t ours = gs_stacks_place(paths->places, &place);
    if (ours >= GS_PLACES_MOST)
        return 0;
    return paths->place_of[number] = ours;
}

static uint32_t step(struct gs_paths *paths, uint32_t from, uint32_t stack)
{
    uint32_t place = gs_paths_place(paths, gs_stacks_at(paths->source, stack).place);
    uint32_t node = place ? gs_nodes_child(&paths->nodes, from, gs_node_frame(GS_NODE_FRAME, place)) : 0;
    if (node)
        paths->deepest = node;
    return node;
}

uint32_t gs_paths_descend(struct gs_paths *paths, uint32_t from, uint32_t stack)
{
    uint32_t node = recall(paths, from, stack), count = 0, at = stack;
    if (node)
        return node;
    paths->deepest = from;
    if (stack == 0)
        return gs_nodes_child(&paths->nodes, from, gs_node_frame(GS_NODE_NO_PYTHON, 0));
    uint32_t depth = gs_stacks_at(paths->source, stack).depth, most = paths->most / DEEPEST_SHARE - 2;
    for (; depth > most; depth--) /* only the outer frames of one that is far too deep */
        at = gs_stacks_at(paths->source, at).caller;
    bool cut = at != stack;
    if (!gs_room((void **)&paths->climb, &paths->climb_room, depth, sizeof *paths->climb))
        return 0;
    for (; at && !(node = recall(paths, from, at)); at = gs_stacks_at(paths->source, at).caller)
        paths->climb[count++] = at;
    if (!at)
        node = from;
    while (count > 0 && (node = step(paths, node, paths->climb[--count])))
        remember(paths, (struct gs_path){from, paths->climb[count], node});
    if (node && cut && (node = gs_nodes_child(&paths->nodes, node, gs_node_frame(GS_NODE_OTHER, 0))))
        remember(paths, (struct gs_path){from, stack, node});
    return node;
}
