/* dlopen. */
#include <dlfcn.h>
#include <string.h>

#include "push/library.h"

bool gs_library_load(void *owner, const char *const sonames[], const struct gs_library_function functions[])
{
    void *library = NULL;
    for (size_t i = 0; sonames[i] && !library; i++)
        library = dlopen(sonames[i], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
    for (size_t i = 0; functions[i].name; i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found)
            return false;
        memcpy((char *)owner + functions[i].at, &found, sizeof found);
    }
    return true;
}
