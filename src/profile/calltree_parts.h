/* What the parts of the call tree share. */
#ifndef GS_PROFILE_CALLTREE_PARTS_H
#define GS_PROFILE_CALLTREE_PARTS_H

#include "base/ids.h"
#include "profile/calltree.h"

enum {
    GS_PATHS = 1 << 15,       /* of stacks that are remembered, */
    GS_PATHS_BLAME = 1 << 18, /* and of pairs of them */
    GS_NAME_BYTES = 64,       /* of names, for each node that there may be, */
    GS_NAME_LEAST = 1 << 20,  /* and some that are always granted */
    GS_PLACES_MOST = 1 << 27  /* numbers of places, threads and processes that fit into a node */
};

/* A stack of the source, called from a node, leads to a node. */
struct gs_path {
    uint32_t from, stack, node;
};

struct gs_calltree {
    const struct gs_selection *selection;
    struct gs_calltree_options options;
    struct gs_nodes nodes;
    struct gs_stacks *places; /* only its places are used */
    uint64_t folded;

    struct gs_calltree_process *processes;
    uint32_t process_count;
    size_t process_room;
    struct gs_calltree_thread *threads; /* empty where nothing asks for threads */
    uint32_t thread_count;
    size_t thread_room;
    struct gs_ids tids; /* tid -> the last number that has it */

    const struct gs_stacks *source; /* whose numbers the next two know */
    struct gs_path *paths;          /* so many, which is a power of two: */
    uint32_t path_count;
    uint32_t *place_of; /* place of the source -> place, 0: not known yet */
    uint32_t place_room;
    uint32_t *climb; /* stacks on the way to a known one */
    uint32_t climb_room;
    uint32_t deepest;   /* the last node that was reached */
    uint32_t *found[2]; /* result of gs_calltree_find */
    uint32_t found_room;

    uint64_t *self_ns; /* when finished */
    uint32_t *children, *first_child;
};

/* Forgets the numbers of the source, and those of the nodes with them. */
void gs_calltree_drop_paths(struct gs_calltree *tree);
/* The node of a stack of the source that is called from `from`; 0: there is no room, or no memory. */
uint32_t gs_calltree_descend(struct gs_calltree *tree, uint32_t from, uint32_t stack);
/* Makes room: the rarest leaves become "(other)". Numbers of nodes change. */
enum gs_status gs_calltree_fold(struct gs_calltree *tree) GS_MUST_CHECK;
/* Names take too much memory. */
bool gs_calltree_crowded(const struct gs_calltree *tree);

#endif
