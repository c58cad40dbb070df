/* A hash of parent and frame leads to the node. */
#include <stdlib.h>
#include <string.h>

#include "profile/nodes.h"

enum { ROOM_FIRST = 256 };

/* Where a node stands in the table, or the empty place where it belongs. */
static uint32_t *slot_of(const struct gs_nodes *nodes, uint32_t parent, uint32_t frame)
{
    uint32_t mask = nodes->room * 2 - 1;
    uint64_t at = gs_hash_mix(nodes->key, (uint64_t)parent << 32 | frame);
    for (;; at++) {
        uint32_t *slot = &nodes->table[at & mask];
        const struct gs_node *node = &nodes->list[*slot];
        if (*slot == 0 || (node->parent == parent && node->frame == frame))
            return slot;
    }
}

void gs_nodes_index(struct gs_nodes *nodes)
{
    memset(nodes->table, 0, (size_t)nodes->room * 2 * sizeof *nodes->table);
    for (uint32_t i = 1; i < nodes->count; i++)
        *slot_of(nodes, nodes->list[i].parent, nodes->list[i].frame) = i;
}

static bool grow(struct gs_nodes *nodes, uint32_t room)
{
    struct gs_node *list = realloc(nodes->list, (size_t)room * sizeof *list);
    uint32_t *table = calloc((size_t)room * 2, sizeof *table);
    if (list)
        nodes->list = list;
    if (!list || !table) {
        free(table);
        return false;
    }
    free(nodes->table);
    nodes->table = table;
    nodes->room = room;
    gs_nodes_index(nodes);
    return true;
}

bool gs_nodes_init(struct gs_nodes *nodes, uint32_t most)
{
    *nodes = (struct gs_nodes){.most = most, .key = gs_hash_key_new()};
    if (!grow(nodes, ROOM_FIRST))
        return false;
    nodes->list[0] = (struct gs_node){0};
    nodes->count = 1;
    return true;
}

void gs_nodes_fini(struct gs_nodes *nodes)
{
    free(nodes->list);
    free(nodes->table);
}

uint32_t gs_nodes_child(struct gs_nodes *nodes, uint32_t parent, uint32_t frame)
{
    uint32_t *slot = slot_of(nodes, parent, frame);
    if (*slot)
        return *slot;
    if (nodes->count >= nodes->most)
        return 0;
    if (nodes->count == nodes->room) {
        if (!grow(nodes, nodes->room * 2))
            return 0;
        slot = slot_of(nodes, parent, frame);
    }
    nodes->list[nodes->count] = (struct gs_node){.parent = parent, .frame = frame};
    *slot = nodes->count;
    return nodes->count++;
}

void gs_nodes_clear(struct gs_nodes *nodes)
{
    nodes->count = 1;
    gs_nodes_index(nodes);
}
