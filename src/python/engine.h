/* Which Python it is that is not CPython. */
#ifndef GS_PYTHON_ENGINE_H
#define GS_PYTHON_ENGINE_H

#include "gilspy/target.h"

/* "PyPy", "GraalPy"; NULL: neither. */
const char *gs_python_engine(const struct gs_target *target);

#endif
