/* Making room in a call tree. */
#ifndef GS_PROFILE_CALLTREE_FOLD_H
#define GS_PROFILE_CALLTREE_FOLD_H

#include "profile/calltree_path.h"

/* The rarest leaves become "(other)": *folded, how many more did. Numbers of nodes change. GS_NO_MEMORY. */
enum gs_status gs_paths_fold(struct gs_paths *paths, uint64_t *folded) GS_MUST_CHECK;

#endif
