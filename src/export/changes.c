/* What grew and what shrank: the times of functions, wherever they were called. */
#include <stdlib.h>

#include "base/room.h"
#include "export/difference.h"

/* A node on the way to the one that is looked at. */
struct step {
    uint32_t node, next; /* its next child */
};

struct walk {
    const struct gs_difference *difference;
    struct gs_changed *of; /* by frame, see index_of */
    uint32_t *on_way;      /* how often a frame stands on the way: what calls itself counts once */
    struct step *way;
    size_t depth, room;
};

/* Frames by place, and what is none by its kind behind them; 0: what is no part of a stack. */
static uint32_t index_of(const struct walk *walk, uint32_t node)
{
    const struct gs_node *at = gs_calltree_node(walk->difference->tree, node);
    enum gs_node_kind kind = gs_node_kind(at);
    if (kind == GS_NODE_FRAME)
        return gs_node_number(at);
    if (node == 0 || kind == GS_NODE_PROCESS || kind == GS_NODE_THREAD || kind == GS_NODE_DELAYS)
        return 0;
    return gs_calltree_place_count(walk->difference->tree) + 1 + (uint32_t)kind;
}

static bool enter(struct walk *walk, uint32_t node)
{
    uint32_t index = index_of(walk, node), count;
    const struct gs_node *at = gs_calltree_node(walk->difference->tree, node);
    struct gs_changed *changed = &walk->of[index];
    if (!gs_room((void **)&walk->way, &walk->room, walk->depth + 1, sizeof *walk->way))
        return false;
    walk->way[walk->depth++] = (struct step){.node = node};
    if (index == 0)
        return true;
    const uint32_t *children = gs_calltree_children(walk->difference->tree, node, &count);
    changed->node = node;
    for (int side = 0; side < GS_SIDES; side++) {
        uint64_t self_ns = at->word_ns[side];
        for (uint32_t i = 0; i < count; i++)
            self_ns -= gs_calltree_node(walk->difference->tree, children[i])->word_ns[side];
        changed->self_ns[side] += self_ns;
        changed->all_ns[side] += walk->on_way[index] == 0 ? at->word_ns[side] : 0;
    }
    walk->on_way[index]++;
    return true;
}

static void leave(struct walk *walk)
{
    uint32_t index = index_of(walk, walk->way[--walk->depth].node);
    if (index > 0)
        walk->on_way[index]--;
}

static bool walk_all(struct walk *walk)
{
    bool done = enter(walk, 0);
    while (done && walk->depth > 0) {
        struct step *step = &walk->way[walk->depth - 1];
        uint32_t count;
        const uint32_t *children = gs_calltree_children(walk->difference->tree, step->node, &count);
        if (step->next == count)
            leave(walk);
        else
            done = enter(walk, children[step->next++]);
    }
    return done;
}

/* What grew, what chance may have done, what shrank. */
static int group_of(const struct gs_changed *changed)
{
    if (!gs_change_counts(&changed->self))
        return 1;
    return gs_change_by(&changed->self) > 0 ? 0 : 2;
}

static int by_change(const void *left, const void *right)
{
    const struct gs_changed *a = left, *b = right;
    double x = gs_change_by(&a->self), y = gs_change_by(&b->self);
    if (group_of(a) != group_of(b))
        return group_of(a) - group_of(b);
    if (x < y || x > y)
        return x < y ? 1 : -1;
    return (a->node > b->node) - (a->node < b->node);
}

enum gs_status gs_changes_init(struct gs_changes *changes, const struct gs_difference *difference)
{
    enum { KINDS = GS_NODE_OTHER + 2 };
    size_t most = (size_t)gs_calltree_place_count(difference->tree) + 1 + KINDS;
    struct walk walk = {
        .difference = difference, .of = calloc(most, sizeof *walk.of), .on_way = calloc(most, sizeof *walk.on_way)};
    *changes = (struct gs_changes){.list = walk.of};
    bool done = walk.of && walk.on_way && walk_all(&walk);
    for (size_t i = 0; i < most && done; i++) {
        struct gs_changed changed = walk.of[i];
        if (changed.node == 0)
            continue;
        changed.self = gs_diff_change(difference, changed.self_ns[GS_BEFORE], changed.self_ns[GS_AFTER]);
        changed.all = gs_diff_change(difference, changed.all_ns[GS_BEFORE], changed.all_ns[GS_AFTER]);
        changes->list[changes->count++] = changed;
    }
    if (done)
        qsort(changes->list, changes->count, sizeof *changes->list, by_change);
    for (size_t i = 0; i < changes->count; i++) {
        changes->grew += group_of(&changes->list[i]) == 0;
        changes->shrank += group_of(&changes->list[i]) == 2;
    }
    free(walk.on_way);
    free(walk.way);
    return done ? GS_OK : GS_NO_MEMORY;
}

void gs_changes_fini(struct gs_changes *changes)
{
    free(changes->list);
    *changes = (struct gs_changes){0};
}
