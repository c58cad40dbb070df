/* Programs that run Python, and are not CPython: by their names and those of their libraries. */
#include <string.h>

#include "python/engine.h"

/* PyPy 7.3: bin/pypy3.10, libpypy3.10-c.so. GraalPy 24: bin/graalpy, lib/libpythonvm.so. */
static const struct {
    const char *name, *program, *library;
} engines[] = {
    {"PyPy", "pypy", "libpypy"},
    {"GraalPy", "graalpy", "libpythonvm"},
};

static bool is_called(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, name, strlen(name)) == 0;
}

const char *gs_python_engine(const struct gs_target *target)
{
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        if (is_called(target->exe, engines[i].program))
            return engines[i].name;
        for (size_t k = 0; k < target->map_count; k++) {
            if (is_called(target->maps[k].path, engines[i].library))
                return engines[i].name;
        }
    }
    return NULL;
}
