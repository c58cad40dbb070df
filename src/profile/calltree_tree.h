/* The call tree itself, for those that make it, put it into an order and merge it. */
#ifndef GS_PROFILE_CALLTREE_TREE_H
#define GS_PROFILE_CALLTREE_TREE_H

#include "base/ids.h"
#include "profile/calltree_path.h"

struct gs_calltree {
    const struct gs_selection *selection;
    struct gs_calltree_options options;
    struct gs_paths paths; /* and the nodes */
    uint64_t folded;

    struct gs_calltree_process *processes;
    uint32_t process_count;
    size_t process_room;
    struct gs_calltree_thread *threads; /* empty where nothing asks for threads */
    uint32_t thread_count;
    size_t thread_room;
    struct gs_ids tids; /* tid -> the last number that has it */

    uint32_t *found[2]; /* result of gs_calltree_find */
    uint32_t found_room;

    uint64_t *self_ns; /* when finished */
    uint32_t *children, *first_child;
};

#endif
