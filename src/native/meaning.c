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

/* CPython's own way to a C function (Python/ceval.c, Objects/call.c, methodobject.c, descrobject.c, typeobject.c; 2.7
 * to 3.15), likewise. */
static const char *const ways[] = {
    "PyEval_",
    "TAIL_CALL_",
    "PyObject_Call",
    "PyObject_FastCall",
    "PyObject_Vectorcall",
    "PyVectorcall",
    "vectorcall_",
    "PyFunction_",
    "PyCFunction_",
    "PyMethodDef_",
    "PyMethodDescr_",
    "cfunction_",
    "method_vectorcall",
    "method_call",
    "methoddescr_call",
    "classmethoddescr_call",
    "wrapperdescr_",
    "wrapper_call",
    "wrap_call",
    "wrap_init",
    "slot_tp_",
    "type_call",
    "object_vacall",
    "call_function",
    "ext_do_call",
    "do_call",
    "fast_function",
    "function_code_fastcall",
    "py_trampoline_",
    "Py_HandlePending",
};

/* A stub of the linker (elf/stubs.h) only leads to the function that it is named after. */
static bool is_stub(const char *function)
{
    size_t len = strlen(function);
    return strcmp(function, "plt") == 0 || (len > 4 && strcmp(function + len - 4, "@plt") == 0);
}

static bool begins(const char *function, const char *const *names, size_t count)
{
    const char *name = function + strspn(function, "_");
    for (size_t i = 0; i < count; i++) {
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static bool serves(const char *function)
{
    return is_stub(function) || begins(function, servants, sizeof servants / sizeof *servants);
}

/* Code without symbols in the C library is most often the way into the kernel, in libffi that to another function. */
static bool in_between(const char *function, const char *module)
{
    return gs_called_address(function, module) &&
           (strncmp(module, "libc.so", 7) == 0 || strncmp(module, "libc-", 5) == 0 ||
            strncmp(module, "libpthread", 10) == 0 || strncmp(module, "libffi", 6) == 0 ||
            strcmp(module, "[vdso]") == 0);
}

static void note_called(struct gs_native_telling *telling, size_t number, const char *function, const char *module)
{
    bool foreign = strncmp(module, "libpython", 9) != 0 && strncmp(module, "python", 6) != 0;
    if (begins(function, ways, sizeof ways / sizeof *ways) ||
        (!foreign && (telling->foreign || gs_called_address(function, module))))
        return;
    telling->called = number;
    telling->calls = true;
    telling->foreign = foreign;
}

void gs_native_tell(struct gs_native_telling *telling, const char *function, const char *module)
{
    size_t number = telling->count++;
    bool serving = serves(function) || in_between(function, module);
    if (!serving)
        note_called(telling, number, function, module);
    if (telling->done)
        return;
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
