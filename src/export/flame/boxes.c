/* Which frames of a tree are drawn, and where: those that take too little time to be seen stand together in one box. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "export/flame/svg.h"
#include "profile/limit.h"

/* A drawn node whose children are being placed. */
struct step {
    size_t box;
    uint32_t next; /* its next child */
    uint32_t hidden;
    uint64_t x_ns;
    struct gs_node small; /* those that were not drawn */
};

struct placing {
    const struct gs_calltree *tree;
    struct gs_boxes *boxes;
    bool *shown; /* by node */
    uint64_t least_ns;
    size_t room;
    struct step *way;
    size_t depth, way_room;
};

/* All that are large enough; of too many the largest, and among equal ones callers before what they call. */
static bool choose(struct placing *placing)
{
    uint32_t count = gs_calltree_count(placing->tree), large = 0;
    uint64_t *times = malloc(count * sizeof *times);
    placing->shown = calloc(count, sizeof *placing->shown);
    if (!times || !placing->shown) {
        free(times);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t ns = gs_node_ns(gs_calltree_node(placing->tree, i));
        if (ns >= placing->least_ns)
            times[large++] = ns;
    }
    struct gs_limit limit = gs_limit_of(times, large, GS_SVG_BOXES_MOST);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t ns = gs_node_ns(gs_calltree_node(placing->tree, i));
        placing->shown[i] = ns >= placing->least_ns && gs_limit_pass(&limit, ns);
    }
    free(times);
    return true;
}

static bool add_box(struct placing *placing, const struct gs_box *box)
{
    struct gs_boxes *boxes = placing->boxes;
    if (!gs_room((void **)&boxes->list, &placing->room, boxes->count + 1, sizeof *boxes->list))
        return false;
    boxes->list[boxes->count++] = *box;
    if (box->depth >= boxes->depth)
        boxes->depth = box->depth + 1;
    return true;
}

/* Draws a node, and goes on to its children. */
static bool enter(struct placing *placing, uint32_t node, uint64_t x_ns, bool waiter)
{
    const struct gs_node *time = gs_calltree_node(placing->tree, node);
    struct gs_box box = {.node = node, .depth = (uint32_t)placing->depth, .x_ns = x_ns, .time = *time};
    enum gs_node_kind kind = gs_node_kind(time);
    box.waiter = waiter || kind == GS_NODE_DELAYS || kind == GS_NODE_LATE || kind == GS_NODE_HOLDER_UNKNOWN;
    if (kind == GS_NODE_FRAME)
        gs_files_learn(&placing->boxes->files, gs_calltree_place(placing->tree, node)->file);
    if (!gs_room((void **)&placing->way, &placing->way_room, placing->depth + 1, sizeof *placing->way))
        return false;
    placing->way[placing->depth++] = (struct step){.box = placing->boxes->count, .x_ns = x_ns};
    return add_box(placing, &box);
}

static void add_small(struct step *step, const struct gs_node *time)
{
    step->hidden += gs_node_ns(time) > 0;
    for (int i = 0; i <= GS_UNKNOWN; i++)
        step->small.word_ns[i] += time->word_ns[i];
    step->small.idle_ns += time->idle_ns;
    step->small.lock_ns += time->lock_ns;
    step->small.samples += time->samples;
}

/* The box for all small children, if they are to be seen together. */
static bool leave(struct placing *placing)
{
    const struct step *step = &placing->way[--placing->depth];
    uint64_t ns = gs_node_ns(&step->small);
    const struct gs_box *caller = &placing->boxes->list[step->box];
    if (ns == 0 || ns < placing->least_ns)
        return true;
    return add_box(placing, &(struct gs_box){.node = caller->node,
                                             .merged = step->hidden,
                                             .depth = caller->depth + 1,
                                             .waiter = caller->waiter,
                                             .x_ns = step->x_ns,
                                             .time = step->small});
}

static bool place_all(struct placing *placing, uint32_t top)
{
    bool done = enter(placing, top, 0, false);
    while (done && placing->depth > 0) {
        struct step *step = &placing->way[placing->depth - 1];
        const struct gs_box *box = &placing->boxes->list[step->box];
        uint32_t count;
        const uint32_t *children = gs_calltree_children(placing->tree, box->node, &count);
        if (step->next == count) {
            done = leave(placing);
            continue;
        }
        uint32_t child = children[step->next++];
        const struct gs_node *time = gs_calltree_node(placing->tree, child);
        if (!placing->shown[child]) {
            add_small(step, time);
            continue;
        }
        uint64_t x_ns = step->x_ns;
        step->x_ns += gs_node_ns(time);
        done = enter(placing, child, x_ns, box->waiter);
    }
    return done;
}

enum gs_status gs_boxes_init(struct gs_boxes *boxes, const struct gs_calltree *tree)
{
    struct placing placing = {.tree = tree, .boxes = boxes};
    uint32_t top = gs_calltree_top(tree);
    *boxes = (struct gs_boxes){0};
    placing.least_ns = gs_node_ns(gs_calltree_node(tree, top)) / GS_SVG_LEAST + 1;
    bool done = choose(&placing) && place_all(&placing, top);
    free(placing.shown);
    free(placing.way);
    return done ? GS_OK : GS_NO_MEMORY;
}

void gs_boxes_fini(struct gs_boxes *boxes)
{
    free(boxes->list);
}
