/* The nodes of a call tree and what they are called, and the ways to them from stacks of the source: what was found
 * once is looked up in a table of bounded size. */
#ifndef GS_PROFILE_CALLTREE_PATH_H
#define GS_PROFILE_CALLTREE_PATH_H

#include "profile/calltree.h"

enum {
    GS_PATHS_FEW = 1 << 9,    /* so many stacks are remembered at first, */
    GS_PATHS = 1 << 15,       /* so many at most, */
    GS_PATHS_BLAME = 1 << 18, /* and of pairs of them */
    GS_NAME_BYTES = 64,       /* of names, for each node that there may be, */
    GS_NAME_LEAST = 1 << 20,  /* and some that are always granted */
    GS_PLACES_MOST = 1 << 27  /* numbers of places, threads and processes that fit into a node */
};

/* A stack of the source, called from a node, leads to a node. */
struct gs_path {
    uint32_t from, stack, node;
};

struct gs_paths {
    struct gs_nodes nodes;
    struct gs_stacks *places;       /* only its places are used */
    uint32_t most;                  /* nodes that there may be */
    bool functions, qualnames;      /* functions: without lines */
    const struct gs_stacks *source; /* whose numbers the next two know */
    struct gs_path *list;           /* so many, which is a power of two: */
    uint32_t count, filled, most_paths;
    uint32_t *place_of; /* place of the source -> place, 0: not known yet */
    size_t place_room;
    uint32_t *climb; /* stacks on the way to a known one */
    size_t climb_room;
    uint32_t deepest; /* the last node that was reached */
};

/* Out of options and a selection; false: out of memory, finish it in any case. */
bool gs_paths_make(struct gs_paths *paths, const struct gs_selection *selection,
                   const struct gs_calltree_options *options);
void gs_paths_fini(struct gs_paths *paths);
/* Forgets the numbers of the source, and those of the nodes with them. */
void gs_paths_drop(struct gs_paths *paths);
/* The node of a stack of the source that is called from `from`; 0: there is no room, or no memory. */
uint32_t gs_paths_descend(struct gs_paths *paths, uint32_t from, uint32_t stack);
/* The number in `places` of a place of the source; 0: there is no room, or no memory. */
uint32_t gs_paths_place(struct gs_paths *paths, uint32_t number);
/* Names take too much memory. */
bool gs_paths_crowded(const struct gs_paths *paths);

#endif
