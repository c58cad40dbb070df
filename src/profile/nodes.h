/* The nodes of a call tree in one array, found by parent and frame. */
#ifndef GS_PROFILE_NODES_H
#define GS_PROFILE_NODES_H

#include "gilspy/snapshot.h"
#include "stack/hash.h"

/* What a node stands for, and below its kind a number: of a place, a thread, a process. */
enum gs_node_kind {
    GS_NODE_PROCESS,
    GS_NODE_THREAD,
    GS_NODE_FRAME,
    GS_NODE_LATE,           /* nobody knows what was done: the sampler was late */
    GS_NODE_NO_PYTHON,      /* the thread runs no Python */
    GS_NODE_HOLDER_UNKNOWN, /* who held the GIL, or the lock, is not known */
    GS_NODE_DELAYS,         /* above it is the holder's stack, below it that of a thread that waits */
    GS_NODE_OTHER           /* too rare to be kept */
};

enum { GS_NODE_KIND_SHIFT = 28 };

struct gs_node {
    uint32_t parent; /* number; of the first node, which stands for everything, its own */
    uint32_t frame;  /* enum gs_node_kind << GS_NODE_KIND_SHIFT | number */
    uint64_t word_ns[GS_UNKNOWN + 1];
    uint64_t idle_ns; /* part of the time without, or with no GIL to hold */
    uint64_t lock_ns; /* part of that: it waits for another lock */
    uint64_t cpu_ns;  /* part of all of it: the thread was runnable */
    uint64_t samples;
};

struct gs_nodes {
    struct gs_node *list; /* a node's number is higher than its parent's */
    uint32_t count, room, most;
    uint32_t *table; /* node at its hash, 0: nothing; twice as long as list */
    struct gs_hash_key key;
};

bool gs_nodes_init(struct gs_nodes *nodes, uint32_t most);
void gs_nodes_fini(struct gs_nodes *nodes);
/* The child with this frame, added when it is new and there are fewer than `most`; 0: not to be had. */
uint32_t gs_nodes_child(struct gs_nodes *nodes, uint32_t parent, uint32_t frame);
/* Only the first node is left; those after it stay where they are until others are added. */
void gs_nodes_clear(struct gs_nodes *nodes);
/* After frames of nodes were changed. */
void gs_nodes_index(struct gs_nodes *nodes);

static inline uint32_t gs_node_frame(enum gs_node_kind kind, uint32_t number)
{
    return (uint32_t)kind << GS_NODE_KIND_SHIFT | number;
}

static inline enum gs_node_kind gs_node_kind(const struct gs_node *node)
{
    return (enum gs_node_kind)(node->frame >> GS_NODE_KIND_SHIFT);
}

static inline uint32_t gs_node_number(const struct gs_node *node)
{
    return node->frame & ((1U << GS_NODE_KIND_SHIFT) - 1);
}

/* Time, whatever the GIL. */
static inline uint64_t gs_node_ns(const struct gs_node *node)
{
    uint64_t sum = 0;
    for (int i = 0; i <= GS_UNKNOWN; i++)
        sum += node->word_ns[i];
    return sum;
}

#endif
