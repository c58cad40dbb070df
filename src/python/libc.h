/* Which C library the target has, as far as it matters for the words of locks. */
#ifndef GS_PYTHON_LIBC_H
#define GS_PYTHON_LIBC_H

#include "gilspy/python.h"

/* The target's C library is not glibc, but musl or the like. */
bool gs_libc_is_foreign(const struct gs_python *python);

#endif
