/* Where a hold is spent. */
#ifndef GS_GIL_HOLD_PLACE_H
#define GS_GIL_HOLD_PLACE_H

#include "gilspy/stack.h"

/* What a Python frame called in C: the function that tells what is done, and that which was called for it (struct
 * gs_native_telling). NULL: none, or not known. */
struct gs_hold_call {
    const struct gs_place *native, *called;
};

/* The innermost Python frame of a stack, and what this one called; valid as the stack is. NULL: there is none. */
const struct gs_place *gs_hold_place(const struct gs_stacks *stacks, uint32_t stack, struct gs_hold_call *call);

/* It is that of a thread that collects garbage. */
bool gs_hold_collects(const struct gs_stacks *stacks, uint32_t stack);

#endif
