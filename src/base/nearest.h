/* The known word that a mistyped one was most likely meant to be. */
#ifndef GS_BASE_NEAREST_H
#define GS_BASE_NEAREST_H

#include <stddef.h>

enum { GS_NEAREST_MAX = 64 /* longer words are near to nothing */ };

/* How many letters must be put in, left out, changed or swapped with their neighbour to make a into b; a word that b
 * begins with counts as 1. GS_NEAREST_MAX where either is longer than that. */
size_t gs_edit_distance(const char *a, const char *b);

/* Remembers the best of the words that it is shown. */
struct gs_nearest {
    const char *word; /* what was typed */
    const char *best; /* NULL: nothing is near */
    size_t distance;
};

/* Up to half of the letters may be wrong. */
void gs_nearest_try(struct gs_nearest *nearest, const char *known);

#endif
