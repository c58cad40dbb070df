/* A library that is loaded when it is wanted, so that gilspy starts without it. */
#ifndef GS_PUSH_LIBRARY_H
#define GS_PUSH_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* A function, and where its address is to be put: bytes from the beginning of the caller's struct. */
struct gs_library_function {
    const char *name;
    size_t at;
};

/* Loads the first of these libraries that is there (sonames, the last NULL), and fills in `functions` of the struct
 * (the last has no name). It stays until the program ends. False: there is none, or it lacks a function. */
bool gs_library_load(void *owner, const char *const sonames[], const struct gs_library_function functions[]);

#endif
