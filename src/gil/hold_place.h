/* Where a hold is spent. */
#ifndef GS_GIL_HOLD_PLACE_H
#define GS_GIL_HOLD_PLACE_H

#include "gilspy/stack.h"

/* The innermost Python frame of a stack, and the C function that this one called (NULL: none, or not known); valid as
 * the stack is. NULL: there is none. */
const struct gs_place *gs_hold_place(const struct gs_stacks *stacks, uint32_t stack, const struct gs_place **native);

/* It is that of a thread that collects garbage. */
bool gs_hold_collects(const struct gs_stacks *stacks, uint32_t stack);

#endif
