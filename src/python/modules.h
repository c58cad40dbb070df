/* What an interpreter has imported. */
#ifndef GS_PYTHON_MODULES_H
#define GS_PYTHON_MODULES_H

#include "python/dict.h"

/* Opens the dict of the module `name` of an interpreter's sys.modules. False: it is not there, or cannot be read. */
bool gs_module_open(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr interpreter,
                    const char *name, struct gs_dict *dict) GS_MUST_CHECK;

#endif
