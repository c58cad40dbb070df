/* The whole screen: head, tabs, the pane that was chosen, the last line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/parts.h"

#define CLEARLY_MORE 0.1

enum { ROWS_LEAST = 8, COLUMNS_LEAST = 32, BESIDE_LEAST = 130, STACK_LEAST = 44 };

const struct gs_pane *const gs_panes[GS_PANE_COUNT] = {
    [GS_PANE_THREADS] = &gs_pane_threads, [GS_PANE_STACK] = &gs_pane_stack, [GS_PANE_FUNCTIONS] = &gs_pane_functions,
    [GS_PANE_HOLDS] = &gs_pane_holds,     [GS_PANE_BLAME] = &gs_pane_blame, [GS_PANE_TIMELINE] = &gs_pane_timeline,
    [GS_PANE_TASKS] = &gs_pane_tasks,     [GS_PANE_LOCKS] = &gs_pane_locks,
};

void gs_view_init(struct gs_view *view, enum gs_mode mode, bool utf8)
{
    *view = (struct gs_view){.mode = mode, .utf8 = utf8, .thread = GS_VIEW_NOBODY, .under = GS_VIEW_NOBODY, .page = 1};
    for (int i = 0; i < GS_PANE_COUNT; i++)
        view->cursors[i].sort = -1;
}

void gs_view_fini(struct gs_view *view)
{
    free(view->order);
}

/* The stack stands beside the list. */
static bool beside(const struct gs_view *view, int columns)
{
    return columns >= BESIDE_LEAST && view->pane == GS_PANE_THREADS && !view->help;
}

unsigned gs_view_shows(const struct gs_view *view, int columns)
{
    return gs_panes[view->pane]->show | (beside(view, columns) ? (unsigned)GS_SHOW_STACK : 0);
}

uint32_t gs_view_thread(const struct gs_view *view)
{
    int64_t number = view->pane == GS_PANE_STACK ? view->thread : view->under;
    return number == GS_VIEW_NOBODY ? UINT32_MAX : (uint32_t)number;
}

static const struct gs_picture_thread *thread_of(const struct gs_picture *picture, int64_t number)
{
    for (size_t i = 0; i < picture->thread_count; i++) {
        if ((int64_t)picture->threads[i].number == number)
            return &picture->threads[i];
    }
    return NULL;
}

static void begin(struct gs_drawing *drawing, const struct gs_view *view, const struct gs_picture *picture, int columns)
{
    *drawing = (struct gs_drawing){
        .picture = picture, .view = view, .columns = columns, .several = picture->process_count > 1};
    gs_place_learn(&drawing->files, picture);
    drawing->thread = thread_of(picture, view->pane == GS_PANE_STACK ? view->thread : view->under);
}

/* The thread that the cursor is at. */
static void find_thread(struct gs_view *view, struct gs_drawing *drawing)
{
    const struct gs_pane *pane = gs_panes[view->pane];
    const struct gs_cursor *cursor = &view->cursors[view->pane];
    const struct gs_picture_thread *thread = drawing->thread;
    uint32_t row = cursor->at < view->order_count ? view->order[cursor->at] : UINT32_MAX;
    if (view->pane != GS_PANE_STACK)
        thread = row < gs_pane_count(pane, drawing) ? pane->thread(drawing, row) : NULL;
    view->under = thread ? (int64_t)thread->number : GS_VIEW_NOBODY;
    drawing->thread = thread;
}

static double held(const struct gs_picture *picture, size_t process)
{
    double most = 0;
    for (size_t i = 0; i < picture->gil_count; i++) {
        if (picture->gils[i].process == process && picture->gils[i].held > most)
            most = picture->gils[i].held;
    }
    return most;
}

/* The process of the row that was chosen; else the one whose GIL is held most, but the head is to stand still: another
 * one must be held clearly more. */
static void find_process(struct gs_view *view, struct gs_drawing *drawing)
{
    const struct gs_picture *picture = drawing->picture;
    bool chosen = view->pane == GS_PANE_STACK || view->cursors[view->pane].chosen;
    size_t most = 0, now = SIZE_MAX;
    for (size_t i = 0; i < picture->process_count; i++) {
        most = held(picture, i) > held(picture, most) ? i : most;
        now = picture->processes[i].pid == view->about ? i : now;
    }
    if (now == SIZE_MAX || held(picture, most) > held(picture, now) + CLEARLY_MORE)
        now = most;
    if (chosen && drawing->thread && drawing->thread->process < picture->process_count)
        now = drawing->thread->process;
    if (picture->process_count > 0)
        view->about = picture->processes[now].pid;
    drawing->process = (uint32_t)now;
}

/* The rows in their order. */
static void arrange(struct gs_view *view, struct gs_drawing *drawing)
{
    gs_list_arrange(view, gs_panes[view->pane], drawing);
    find_thread(view, drawing);
    find_process(view, drawing);
}

static int tabs_width(bool words)
{
    int width = words ? -1 : 0; /* no blank behind the last one */
    for (int i = 0; i < GS_PANE_COUNT; i++)
        width += words ? (int)strlen(gs_panes[i]->name) + 4 : 3;
    return width;
}

/* What is not as usual, at the right of the tabs. */
static void put_state(const struct gs_view *view, struct gs_text *text)
{
    if (view->typing.filter[0]) {
        gs_text_style(text, GS_STYLE_BOLD);
        gs_text_put(text, "  filter ");
        gs_text_fit(text, view->typing.filter, 16, GS_CUT_END);
        gs_text_style(text, GS_STYLE_PLAIN);
    }
    if (view->paused) {
        gs_text_put(text, "  ");
        gs_text_style(text, GS_STYLE_REVERSE);
        gs_text_put(text, " PAUSED ");
        gs_text_style(text, GS_STYLE_PLAIN);
    }
}

static void put_tabs(const struct gs_view *view, int columns, struct gs_text *text)
{
    struct gs_text state;
    gs_text_init(&state, text->utf8);
    put_state(view, &state);
    bool words = tabs_width(true) + state.columns <= columns;
    for (int i = 0; i < GS_PANE_COUNT; i++) {
        bool now = (int)view->pane == i && !view->help;
        gs_text_style(text, now ? GS_STYLE_REVERSE : GS_STYLE_PLAIN);
        gs_text_put(text, words || now ? " %d %s" : " %d", i + 1, gs_panes[i]->name);
        gs_text_put(text, i + 1 < GS_PANE_COUNT ? " " : "");
        gs_text_style(text, GS_STYLE_PLAIN);
    }
    gs_text_pad(text, columns - state.columns);
    gs_text_join(text, &state);
    gs_text_fini(&state);
}

/* So little that no list fits: what the process is, and whether its GIL is held. */
static void draw_small(const struct gs_drawing *drawing, struct gs_grid *grid)
{
    struct gs_text lines[GS_HEADER_MOST], note;
    for (int i = 0; i < GS_HEADER_MOST; i++)
        gs_text_init(&lines[i], drawing->view->utf8);
    int count = gs_header_put(drawing, 0, lines);
    for (int i = 0; i < GS_HEADER_MOST; i++) {
        if (i < count)
            gs_grid_put(grid, i, 0, grid->columns, &lines[i]);
        gs_text_fini(&lines[i]);
    }
    gs_text_init(&note, drawing->view->utf8);
    gs_text_style(&note, GS_STYLE_DIM);
    gs_text_put(&note, " %dx%d: too small", grid->columns, grid->rows);
    gs_grid_put(grid, grid->rows - 1, 0, grid->columns, &note);
    gs_text_fini(&note);
}

static int draw_head(const struct gs_view *view, const struct gs_drawing *drawing, struct gs_grid *grid)
{
    struct gs_text lines[GS_HEADER_MOST];
    for (int i = 0; i < GS_HEADER_MOST; i++)
        gs_text_init(&lines[i], view->utf8);
    int row = gs_header_put(drawing, grid->rows, lines);
    put_tabs(view, grid->columns, &lines[row++]);
    for (int i = 0; i < GS_HEADER_MOST; i++) {
        if (i < row)
            gs_grid_put(grid, i, 0, grid->columns, &lines[i]);
        gs_text_fini(&lines[i]);
    }
    return row;
}

static void draw_panes(struct gs_view *view, struct gs_drawing *drawing, struct gs_grid *grid, int row, int rows)
{
    int whole = grid->columns;
    if (!beside(view, whole)) {
        gs_list_draw(view, gs_panes[view->pane], drawing, grid, row, rows, 0, true);
        return;
    }
    int stack = whole / 3 > STACK_LEAST ? whole / 3 : STACK_LEAST;
    struct gs_text bar;
    gs_text_init(&bar, view->utf8);
    gs_text_style(&bar, GS_STYLE_DIM);
    gs_text_put(&bar, "%s", view->utf8 ? "│" : "|");
    drawing->columns = whole - stack - 2;
    gs_list_draw(view, gs_panes[view->pane], drawing, grid, row, rows, 0, true);
    for (int i = 0; i < rows; i++)
        gs_grid_put(grid, row + i, whole - stack - 2, 1, &bar);
    gs_text_fini(&bar);
    drawing->columns = stack;
    gs_list_draw(view, &gs_pane_stack, drawing, grid, row, rows, whole - stack, false);
}

void gs_view_draw(struct gs_view *view, const struct gs_picture *picture, struct gs_grid *grid)
{
    struct gs_drawing drawing;
    struct gs_text line;
    begin(&drawing, view, picture, grid->columns);
    arrange(view, &drawing);
    if (grid->rows < ROWS_LEAST || grid->columns < COLUMNS_LEAST) {
        draw_small(&drawing, grid);
        return;
    }
    int row = draw_head(view, &drawing, grid);
    int rows = grid->rows - 1 - row;
    if (view->help)
        gs_help_put(view, grid, row, rows);
    else
        draw_panes(view, &drawing, grid, row, rows);
    gs_text_init(&line, view->utf8);
    gs_typing_line(view, grid->columns, &line);
    gs_grid_put(grid, grid->rows - 1, 0, grid->columns, &line);
    gs_text_fini(&line);
}

void gs_view_print(struct gs_view *view, const struct gs_picture *picture, const struct gs_console *console)
{
    struct gs_drawing drawing;
    struct gs_text lines[GS_HEADER_MOST], text;
    begin(&drawing, view, picture, console->columns);
    arrange(view, &drawing);
    for (int i = 0; i < GS_HEADER_MOST; i++)
        gs_text_init(&lines[i], console->utf8);
    int count = gs_header_put(&drawing, GS_HEADER_MOST, lines);
    for (int i = 0; i < GS_HEADER_MOST; i++) {
        if (console->columns > 0)
            gs_text_cut(&lines[i], console->columns);
        if (i < count)
            gs_text_write(&lines[i], console);
        gs_text_fini(&lines[i]);
    }
    gs_text_init(&text, console->utf8);
    gs_text_write(&text, console);
    gs_list_titles(&drawing, gs_panes[view->pane], &text);
    gs_text_write(&text, console);
    for (size_t i = 0; i < view->order_count; i++) {
        gs_list_row(&drawing, gs_panes[view->pane], view->order[i], &text);
        gs_text_write(&text, console);
    }
    gs_text_fini(&text);
}

enum gs_request gs_view_key(struct gs_view *view, const struct gs_picture *picture, uint32_t key)
{
    struct gs_drawing drawing;
    begin(&drawing, view, picture, 0);
    find_thread(view, &drawing); /* a key before may have moved the cursor */
    return gs_keys_act(view, &drawing, key);
}
