/* Attributes that a class keeps in slots: __slots__ of Python classes. */
#ifndef GS_PYTHON_SLOTS_H
#define GS_PYTHON_SLOTS_H

#include "python/values_type.h"

/* The object in the slot `name` (ASCII, at most 32 characters) of `object`, whose class or one of its bases declares
 * it; 0: there is none, or it is empty. */
gs_addr gs_slot_find(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                     const char *name);

#endif
