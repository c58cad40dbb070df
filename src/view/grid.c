/* Text into cells: what takes two columns, or none, is kept in step with what terminals make of it. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/room.h"
#include "view/grid.h"

enum { LONGEST = 4096 /* rows, columns */ };

static const struct gs_cell empty = {.character = ' ', .style = GS_STYLE_PLAIN};

bool gs_grid_begin(struct gs_grid *grid, int rows, int columns)
{
    size_t count = (size_t)rows * (size_t)columns;
    if (rows < 1 || columns < 1 || rows > LONGEST || columns > LONGEST)
        return false;
    if (!gs_room((void **)&grid->cells, &grid->room, count, sizeof *grid->cells))
        return false;
    grid->rows = rows;
    grid->columns = columns;
    for (size_t i = 0; i < count; i++)
        grid->cells[i] = empty;
    return true;
}

void gs_grid_fini(struct gs_grid *grid)
{
    free(grid->cells);
    *grid = (struct gs_grid){0};
}

/* What joins characters, or chooses how one looks: terminals do not agree on the room that the result takes. */
static bool joins(uint32_t c)
{
    return c - 0x200b < 3 || c - 0xfe00 < 16 || c == 0x2060 || c == 0xfeff || c - 0x1f3fb < 5;
}

static void add_mark(struct gs_cell *line, int at, uint32_t mark)
{
    struct gs_cell *cell = at > 0 ? &line[at - 1] : NULL;
    if (cell && cell->character == 0 && at > 1)
        cell--;
    for (int i = 0; cell && i < GS_CELL_MARKS; i++) {
        if (cell->marks[i] == 0) {
            cell->marks[i] = mark;
            return;
        }
    }
}

void gs_grid_put(struct gs_grid *grid, int row, int column, int width, const struct gs_text *text)
{
    if (row < 0 || row >= grid->rows || column < 0 || column >= grid->columns)
        return;
    struct gs_cell *line = &grid->cells[(size_t)row * (size_t)grid->columns + (size_t)column];
    int at = 0, most = width < grid->columns - column ? width : grid->columns - column;
    uint8_t style = GS_STYLE_PLAIN;
    for (size_t i = 0; i < text->len;) {
        uint32_t c;
        char form[GS_ESCAPE_MAX];
        int columns;
        i += gs_utf8_next(text->bytes + i, text->len - i, &c);
        if (c > 0 && c < GS_STYLE_COUNT) {
            style = (uint8_t)c;
            continue;
        }
        gs_escape_char(c, true, form, &columns);
        if (joins(c))
            continue;
        if (columns == 0)
            add_mark(line, at, c);
        if (columns < 1 || columns > 2)
            continue; /* text is escaped: there are no others */
        if (columns > most - at)
            break;
        line[at] = (struct gs_cell){.character = c, .style = style};
        if (columns == 2)
            line[at + 1] = (struct gs_cell){.style = style};
        at += columns;
    }
    for (; at < most; at++)
        line[at] = empty;
}

void gs_grid_select(struct gs_grid *grid, int row, int column, int width)
{
    for (int i = column; row >= 0 && row < grid->rows && i < column + width && i < grid->columns; i++)
        grid->cells[(size_t)row * (size_t)grid->columns + (size_t)i].selected = true;
}
