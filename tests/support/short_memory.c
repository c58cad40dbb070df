/* Preloaded into a program: one of its allocations fails, the one whose number (from 0 on) is in FAIL_AT. How many
 * there were is written to the file that FAIL_COUNT names. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static long count, at = -1;

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("FAIL_AT");
    at = text ? atol(text) : -1;
    count = 0;
}

__attribute__((destructor)) static void end(void)
{
    long all = count;
    const char *name = getenv("FAIL_COUNT");
    FILE *file = name ? fopen(name, "w") : NULL;
    if (!file)
        return;
    fprintf(file, "%ld\n", all);
    fclose(file);
}

static int fails(void)
{
    if (__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED) != at)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    return fails() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}
