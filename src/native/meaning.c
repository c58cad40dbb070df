/* Reads C frames as a person would: past what merely serves. */
#include <string.h>

#include "base/shorten.h"
#include "gilspy/native.h"

/* Beginnings of names, without the underscores before them: of glibc, its locks and memory, and CPython's memory. */
static const char *const servants[] = {
    "malloc",
    "calloc",
    "realloc",
    "free",
    "int_malloc",
    "int_free",
    "int_realloc",
    "libc_malloc",
    "libc_free",
    "libc_calloc",
    "libc_realloc",
    "memcpy",
    "memmove",
    "memset",
    "memcmp",
    "memchr",
    "strlen",
    "strcmp",
    "strchr",
    "strcpy",
    "GI_",
    "lll_lock",
    "futex",
    "syscall",
    "pthread_mutex_",
    "pthread_cond_",
    "pthread_rwlock",
    "sem_",
    "new_sem_",
    "internal_syscall",
    "sysmalloc",
    "systrim",
    "madvise",
    "munmap",
    "mmap",
    "brk",
    "sbrk",
    "ffi_",
    "PyMem_",
    "PyObject_Malloc",
    "PyObject_Free",
    "PyObject_Realloc",
    "operator new",
    "operator delete",
    "tcache",
    "unlink_chunk",
    "wmem",
    "clock_nanosleep",
    "libc_read",
    "libc_write",
};

/* A stub of the linker (elf/stubs.h) only leads to the function that it is named after. */
static bool is_stub(const char *function)
{
    size_t len = strlen(function);
    return strcmp(function, "plt") == 0 || (len > 4 && strcmp(function + len - 4, "@plt") == 0);
}

static bool serves(const char *function)
{
    const char *name = function + strspn(function, "_");
    if (is_stub(function))
        return true;
    for (size_t i = 0; i < sizeof servants / sizeof *servants; i++) {
        if (strncmp(name, servants[i], strlen(servants[i])) == 0)
            return true;
    }
    return false;
}

/* Code without symbols in the C library is most often the way into the kernel, in libffi that to another function. */
static bool in_between(const char *function, const char *module)
{
    return gs_called_address(function, module) &&
           (strncmp(module, "libc.so", 7) == 0 || strncmp(module, "libc-", 5) == 0 ||
            strncmp(module, "libpthread", 10) == 0 || strncmp(module, "libffi", 6) == 0 ||
            strcmp(module, "[vdso]") == 0);
}

void gs_native_tell(struct gs_native_telling *telling, const char *function, const char *module)
{
    size_t number = telling->count++;
    if (telling->done)
        return;
    bool serving = serves(function) || in_between(function, module);
    if (telling->module && (serving || strcmp(telling->module, module) != 0)) {
        telling->done = true; /* it is a function of its own */
        return;
    }
    if (telling->module && gs_called_address(function, module))
        return;
    telling->told = number;
    telling->tells = !serving;
    /* In a file with names what has none is mostly the way to a function of another file. */
    telling->done = telling->tells && !gs_called_address(function, module);
    telling->module = telling->tells && !telling->done ? module : NULL;
}
