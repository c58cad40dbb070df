/* All allocations of ours pass through here: the linker calls these for malloc and the others (--wrap). */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static atomic_bool memory_short;

bool gs_memory_short(void)
{
    return atomic_load_explicit(&memory_short, memory_order_relaxed);
}

static void *note(void *got)
{
    if (!got)
        atomic_store_explicit(&memory_short, true, memory_order_relaxed);
    return got;
}

/* The linker makes the names. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

void *__wrap_malloc(size_t size)
{
    return note(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return note(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    return note(__real_realloc(old, size));
}

char *__wrap_strdup(const char *text)
{
    return note(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t most)
{
    return note(__real_strndup(text, most));
}

int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vasprintf(text, format, args);
    va_end(args);
    if (len < 0)
        note(NULL);
    return len;
}

/* These fail for other reasons, too. */
DIR *__wrap_opendir(const char *path)
{
    DIR *folder = __real_opendir(path);
    if (!folder && errno == ENOMEM)
        note(NULL);
    return folder;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    FILE *file = __real_fopen(path, mode);
    if (!file && errno == ENOMEM)
        note(NULL);
    return file;
}
