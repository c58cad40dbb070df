/* Names of functions and files, one copy of each however many code objects share it. */
#ifndef GILSPY_PYTHON_CODE_STRINGS_H
#define GILSPY_PYTHON_CODE_STRINGS_H

#include <stddef.h>

struct gs_string;

/* Zeroed memory is an empty set. */
struct gs_strings {
    struct gs_string **buckets;
    size_t bucket_count, count;
};

/* The one copy of text; NULL when out of memory. Each take is matched by a drop. */
char *gs_strings_take(struct gs_strings *strings, const char *text);
/* text may be NULL. */
void gs_strings_drop(struct gs_strings *strings, char *text);
/* Everything must have been dropped. */
void gs_strings_fini(struct gs_strings *strings);

#endif
