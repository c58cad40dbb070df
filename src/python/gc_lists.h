/* The objects that the garbage collector knows, as its lists have them: each that can refer to others. */
#ifndef GS_PYTHON_GC_LISTS_H
#define GS_PYTHON_GC_LISTS_H

#include "python/values_type.h"

/* The object, and the address of its type; false ends the walk. What was freed meanwhile may be given, too. */
typedef bool gs_gc_visit(void *context, gs_addr object, gs_addr type);

/* Walks all lists of one interpreter; what is shared by all (up to 3.8), for each of them. False: there are none
 * (free-threaded builds), or one broke off, as it does where the target changes it; some objects may then be missing,
 * or come twice. The walk is bounded by `mem` alone, which is metered; cache: what below it is cleared when a list is
 * begun. runtime: address of _PyRuntime. */
bool gs_gc_walk(const struct gs_layout *layout, struct gs_mem *mem, struct gs_mem *cache, gs_addr runtime,
                gs_addr interpreter, gs_gc_visit *visit, void *context);

#endif
