/* What the holder of a GIL does, looked up while it holds it. */
#ifndef GS_CMD_EXACT_HOLDS_H
#define GS_CMD_EXACT_HOLDS_H

#include "cmd/look.h"
#include "profile/exact.h"

/* What there is to trace of a look, which it keeps using: holders are looked up with the C stack of theirs. */
struct gs_exact_subject gs_exact_subject_of(struct gs_look *look);

#endif
