/* Made-up pictures of live runs, and screens as text. */
#ifndef TESTS_PICTURES_H
#define TESTS_PICTURES_H

#include <stdio.h>

#include "view/view.h"

/* server: four threads, of which one is in a long hold; family: two processes; hostile: names that are wide, combined
 * or meant to fool; free: without a GIL; interpreters: a GIL each; ended: the server, dead; empty: nobody yet. */
extern const struct gs_picture picture_server, picture_family, picture_hostile, picture_free, picture_interpreters,
    picture_ended, picture_empty;

/* The characters of each row, then the styles: a letter for each cell that is not plain, capital where it is
 * selected. */
void grid_write(const struct gs_grid *grid, FILE *out);

#endif
