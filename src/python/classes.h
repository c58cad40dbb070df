/* The class of a method, where its code does not say it (before 3.11). */
#ifndef GS_PYTHON_CLASSES_H
#define GS_PYTHON_CLASSES_H

#include "python/values_type.h"
#include "gilspy/python.h"

enum { GS_CLASS_NAME = 100 };

/* The class that defines the function which the frame runs: one of the MRO of its first argument, `self` or `cls`, has
 * a function, method or property with that very code. False: none has, as of a function that a decorator has
 * wrapped, or the frame is another one by now. name: UTF-8 as the target has it, without its module. */
bool gs_class_of(const struct gs_python *python, struct gs_mem *mem, struct gs_types *types, gs_addr frame,
                 const struct gs_code *code, char name[GS_CLASS_NAME]) GS_MUST_CHECK;

#endif
