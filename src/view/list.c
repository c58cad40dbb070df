/* Lists: columns fitted into the width, rows sorted, filtered and scrolled. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "view/parts.h"

enum { COLUMNS_MOST = 16 };

/* ---- columns ---- */

static bool is_shown(const struct gs_drawing *drawing, const struct gs_column *column)
{
    if (drawing->columns > 0 && drawing->columns < column->least_columns)
        return false;
    return !column->shown || column->shown(drawing);
}

/* widths: of each column, -1 where it is left out, 0 where nothing bounds it. */
static void fit_columns(const struct gs_drawing *drawing, const struct gs_pane *pane, int widths[COLUMNS_MOST])
{
    int left = drawing->columns, shares = 0;
    for (size_t i = 0; i < pane->column_count; i++) {
        const struct gs_column *column = &pane->columns[i];
        widths[i] = is_shown(drawing, column) ? column->width : -1;
        if (widths[i] < 0)
            continue;
        left -= column->width + 1;
        shares += column->share;
    }
    for (size_t i = 0; i < pane->column_count; i++) {
        const struct gs_column *column = &pane->columns[i];
        if (widths[i] < 0 || column->share == 0)
            continue;
        if (drawing->columns == 0) {
            widths[i] = column->most;
            continue;
        }
        int more = left > 0 ? left * column->share / shares : 0;
        if (column->most > 0 && widths[i] + more > column->most)
            more = column->most - widths[i];
        widths[i] += more;
        left -= more;
        shares -= column->share;
    }
}

static void put_cell(const struct gs_column *column, const struct gs_text *cell, int width, struct gs_text *text)
{
    bool left = column->words || column->share > 0;
    if (!left)
        gs_text_pad(text, text->columns + width - cell->columns);
    int end = text->columns + width;
    gs_text_join(text, cell);
    if (left)
        gs_text_pad(text, end);
}

static void put_line(const struct gs_drawing *drawing, const struct gs_pane *pane, size_t row, bool titles,
                     struct gs_text *text)
{
    int widths[COLUMNS_MOST], sort = gs_list_sort(drawing->view, pane);
    struct gs_text cell;
    gs_text_init(&cell, text->utf8);
    fit_columns(drawing, pane, widths);
    bool first = true;
    for (size_t i = 0; i < pane->column_count; i++) {
        const struct gs_column *column = &pane->columns[i];
        if (widths[i] < 0)
            continue;
        gs_text_clear(&cell);
        if (!first)
            gs_text_put(text, " ");
        first = false;
        if (titles) {
            gs_text_style(&cell, (int)i == sort ? GS_STYLE_BOLD : GS_STYLE_DIM);
            gs_text_put(&cell, "%s", column->title);
            gs_text_style(&cell, GS_STYLE_PLAIN);
        } else {
            gs_column_put(column, pane, drawing, row, widths[i], &cell);
        }
        if (widths[i] > 0)
            gs_text_cut(&cell, widths[i]);
        put_cell(column, &cell, widths[i], text);
    }
    gs_text_fini(&cell);
}

void gs_list_titles(const struct gs_drawing *drawing, const struct gs_pane *pane, struct gs_text *text)
{
    put_line(drawing, pane, 0, true, text);
}

void gs_list_row(const struct gs_drawing *drawing, const struct gs_pane *pane, size_t row, struct gs_text *text)
{
    put_line(drawing, pane, row, false, text);
}

/* ---- rows ---- */

int gs_list_sort(const struct gs_view *view, const struct gs_pane *pane)
{
    const struct gs_cursor *cursor = &view->cursors[0];
    for (int i = 0; i < GS_PANE_COUNT; i++) {
        if (gs_panes[i] == pane)
            cursor = &view->cursors[i];
    }
    return cursor->sort >= 0 && (size_t)cursor->sort < pane->column_count ? cursor->sort : pane->sort;
}

struct sorting {
    const struct gs_drawing *drawing;
    const struct gs_pane *pane;
    int sort;
};

static int compare(const void *left, const void *right, void *context)
{
    const struct sorting *sorting = context;
    size_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    const struct gs_pane *pane = sorting->pane;
    int result = gs_column_compare(&pane->columns[sorting->sort], pane, sorting->drawing, a, b);
    if (result == 0 && sorting->sort != pane->sort)
        result = gs_column_compare(&pane->columns[pane->sort], pane, sorting->drawing, a, b);
    return result ? result : (a > b) - (a < b);
}

static void place_cursor(struct gs_cursor *cursor, const struct gs_view *view, const struct gs_pane *pane,
                         const struct gs_drawing *drawing)
{
    if (cursor->at >= view->order_count)
        cursor->at = view->order_count > 0 ? view->order_count - 1 : 0;
    for (size_t i = 0; cursor->chosen && i < view->order_count; i++) {
        if (pane->id(drawing, view->order[i]) == cursor->id) {
            cursor->at = i;
            return;
        }
    }
    if (cursor->chosen && view->order_count > 0)
        cursor->id = pane->id(drawing, view->order[cursor->at]); /* the row is gone: the next one takes its place */
}

void gs_list_arrange(struct gs_view *view, const struct gs_pane *pane, const struct gs_drawing *drawing)
{
    size_t count = gs_pane_count(pane, drawing);
    struct sorting sorting = {drawing, pane, gs_list_sort(view, pane)};
    view->order_count = 0;
    if (!gs_room((void **)&view->order, &view->order_room, count, sizeof *view->order))
        return;
    for (size_t i = 0; i < count; i++) {
        if (pane->left_out && pane->left_out(drawing, i))
            continue;
        if (!view->typing.filter[0] || pane == &gs_pane_stack || pane->fits(drawing, i, view->typing.filter))
            view->order[view->order_count++] = (uint32_t)i;
    }
    if (pane->sort >= 0 && view->order_count > 1)
        qsort_r(view->order, view->order_count, sizeof *view->order, compare, &sorting);
    place_cursor(&view->cursors[view->pane], view, pane, drawing);
}

void gs_list_choose(struct gs_view *view, const struct gs_drawing *drawing, size_t at)
{
    const struct gs_pane *pane = gs_panes[view->pane];
    struct gs_cursor *cursor = &view->cursors[view->pane];
    if (view->order_count == 0)
        return;
    cursor->at = at < view->order_count ? at : view->order_count - 1;
    cursor->chosen = true;
    if (view->order[cursor->at] < gs_pane_count(pane, drawing))
        cursor->id = pane->id(drawing, view->order[cursor->at]);
}

/* So that the cursor is on the screen. */
static void scroll(struct gs_cursor *cursor, size_t count, int rows)
{
    size_t page = rows > 0 ? (size_t)rows : 1;
    if (cursor->at < cursor->top)
        cursor->top = cursor->at;
    if (cursor->at >= cursor->top + page)
        cursor->top = cursor->at - page + 1;
    if (cursor->top + page > count)
        cursor->top = count > page ? count - page : 0;
}

static void draw_nothing(const struct gs_view *view, const struct gs_pane *pane, const struct gs_drawing *drawing,
                         struct gs_grid *grid, int row, int column)
{
    struct gs_text text;
    gs_text_init(&text, view->utf8);
    gs_text_style(&text, GS_STYLE_DIM);
    if (gs_pane_count(pane, drawing) > 0 && view->typing.filter[0]) {
        gs_typing_nothing(&view->typing, &text);
    } else {
        gs_text_put(&text, "%s", pane->nothing(drawing));
    }
    gs_grid_put(grid, row, column, drawing->columns, &text);
    gs_text_fini(&text);
}

void gs_list_draw(struct gs_view *view, const struct gs_pane *pane, const struct gs_drawing *drawing,
                  struct gs_grid *grid, int row, int rows, int column, bool cursor)
{
    struct gs_text text;
    struct gs_cursor still = {0}, *at = cursor ? &view->cursors[view->pane] : &still;
    size_t count = cursor ? view->order_count : gs_pane_count(pane, drawing);
    gs_text_init(&text, view->utf8);
    int end = row + rows;
    if (pane->above && row < end) {
        pane->above(drawing, &text);
        gs_grid_put(grid, row++, column, drawing->columns, &text);
        gs_text_clear(&text);
    }
    if (count > 0 && row < end) {
        gs_list_titles(drawing, pane, &text);
        gs_grid_put(grid, row++, column, drawing->columns, &text);
    } else if (row < end) {
        draw_nothing(view, pane, drawing, grid, row++, column);
    }
    if (cursor)
        view->page = end - row > 0 ? end - row : 1;
    scroll(at, count, end - row);
    for (size_t i = at->top; i < count && row < end; i++, row++) {
        gs_text_clear(&text);
        gs_list_row(drawing, pane, cursor ? view->order[i] : i, &text);
        gs_grid_put(grid, row, column, drawing->columns, &text);
        if (cursor && i == at->at)
            gs_grid_select(grid, row, column, drawing->columns);
    }
    gs_text_fini(&text);
}
