/* The class of a method, where its code does not say it (before 3.11). */
#ifndef GS_PYTHON_CLASSES_H
#define GS_PYTHON_CLASSES_H

#include "python/values_type.h"
#include "gilspy/python.h"

enum { GS_CLASS_NAME = 200 };

/* What 3.11 would call the code: the qualified name of a function, method or property with that very code in one of
 * the MRO of its first argument `object`, or of that argument's type; on 2.7, whose functions have none, the class and
 * its name. UTF-8 as the target has it. False: none has, as of a function that a decorator has wrapped. */
bool gs_class_of(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object, const struct gs_code *code,
                 char qualname[GS_CLASS_NAME]) GS_MUST_CHECK;

#endif
