/* A screen as cells: what is drawn is a pure function of what is to be shown and of the size. */
#ifndef GS_VIEW_GRID_H
#define GS_VIEW_GRID_H

#include "base/text.h"

#include <stdint.h>

enum { GS_CELL_MARKS = 2 };

struct gs_cell {
    uint32_t character;            /* 0: the second half of the character before */
    uint32_t marks[GS_CELL_MARKS]; /* combined with it, 0: none */
    uint8_t style;                 /* enum gs_style */
    bool selected;                 /* shown the other way round */
};

struct gs_grid {
    int rows, columns;
    struct gs_cell *cells; /* row by row */
    size_t room;
};

/* Empty cells; false: out of memory, or there is no such size. */
bool gs_grid_begin(struct gs_grid *grid, int rows, int columns);
void gs_grid_fini(struct gs_grid *grid);
/* A line of text from a cell on, over at most `width` columns, the rest of which become empty. */
void gs_grid_put(struct gs_grid *grid, int row, int column, int width, const struct gs_text *text);
/* Cells of a row stand out. */
void gs_grid_select(struct gs_grid *grid, int row, int column, int width);

#endif
