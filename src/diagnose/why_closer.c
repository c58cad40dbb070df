/* Reads C frames as a person would: past what merely serves. */
#include <stdio.h>
#include <string.h>

#include "diagnose/why_closer.h"

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

static bool serves(const char *function)
{
    const char *name = function + strspn(function, "_");
    for (size_t i = 0; i < sizeof servants / sizeof *servants; i++) {
        if (strncmp(name, servants[i], strlen(servants[i])) == 0)
            return true;
    }
    return false;
}

/* Code without symbols in the C library is most often the way into the kernel, in libffi that to another function. */
static bool in_between(const struct gs_native_name *name)
{
    return !name->has_symbol && (strncmp(name->module, "libc.so", 7) == 0 || strncmp(name->module, "libc-", 5) == 0 ||
                                 strncmp(name->module, "libpthread", 10) == 0 ||
                                 strncmp(name->module, "libffi", 6) == 0 || strcmp(name->module, "[vdso]") == 0);
}

bool gs_why_closer_name(const struct gs_frame *frames, size_t count, struct gs_native *natives,
                        struct gs_why_closer *found)
{
    const struct gs_native_name *last = NULL, *best = NULL;
    size_t i = 0;
    for (; i < count && frames[i].kind == GS_FRAME_NATIVE && !best; i++) {
        last = gs_native_name(natives, frames[i].code);
        best = serves(last->function) || in_between(last) ? NULL : last;
    }
    /* Python itself called what serves: then that is what it does. Where the stack breaks off, its caller is not known.
     */
    if (!best && i < count && frames[i].kind == GS_FRAME_PYTHON)
        best = last;
    if (!best)
        return false;
    snprintf(found->function, sizeof found->function, "%s", best->function);
    snprintf(found->module, sizeof found->module, "%s", best->module);
    return true;
}

const struct gs_why_closer *gs_case_closer(const struct gs_case *c, pid_t tid)
{
    for (size_t i = c->closer_count; i > 0; i--) {
        if (c->closers[i - 1].tid == tid)
            return &c->closers[i - 1];
    }
    return NULL;
}
