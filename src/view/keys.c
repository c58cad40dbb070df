/* The keys: one row each, which makes them work and is the help. */
#include <stdio.h>
#include <string.h>

#include "view/parts.h"

enum { CODES = 4, TAB = '\t' };

/* ---- moving ---- */

static void move(struct gs_view *view, const struct gs_drawing *drawing, long by)
{
    const struct gs_cursor *cursor = &view->cursors[view->pane];
    if (view->help) {
        view->help_top = by < 0 && view->help_top < (size_t)-by ? 0 : (size_t)((long)view->help_top + by);
        return;
    }
    size_t at = by < 0 && cursor->at < (size_t)-by ? 0 : (size_t)((long)cursor->at + by);
    gs_list_choose(view, drawing, at);
}

static enum gs_request up(struct gs_view *view, const struct gs_drawing *drawing)
{
    move(view, drawing, -1);
    return GS_REQUEST_NONE;
}

static enum gs_request down(struct gs_view *view, const struct gs_drawing *drawing)
{
    move(view, drawing, 1);
    return GS_REQUEST_NONE;
}

static enum gs_request page_up(struct gs_view *view, const struct gs_drawing *drawing)
{
    move(view, drawing, -(long)view->page);
    return GS_REQUEST_NONE;
}

static enum gs_request page_down(struct gs_view *view, const struct gs_drawing *drawing)
{
    move(view, drawing, view->page);
    return GS_REQUEST_NONE;
}

/* The first row, whoever that will be. */
static enum gs_request home(struct gs_view *view, const struct gs_drawing *drawing)
{
    (void)drawing;
    view->cursors[view->pane].at = 0;
    view->cursors[view->pane].chosen = false;
    view->help_top = 0;
    return GS_REQUEST_NONE;
}

static enum gs_request end(struct gs_view *view, const struct gs_drawing *drawing)
{
    gs_list_choose(view, drawing, SIZE_MAX);
    return GS_REQUEST_NONE;
}

/* Stack: another thread, in the order of their numbers. */
static void step_thread(struct gs_view *view, const struct gs_picture *picture, bool forward)
{
    size_t count = picture->thread_count, at = 0;
    for (size_t i = 0; i < count; i++)
        at = (int64_t)picture->threads[i].number == view->thread ? i : at;
    if (count > 0)
        view->thread = picture->threads[(at + (forward ? 1 : count - 1)) % count].number;
    view->cursors[GS_PANE_STACK] = (struct gs_cursor){.sort = -1};
}

static enum gs_request left(struct gs_view *view, const struct gs_drawing *drawing)
{
    if (view->pane == GS_PANE_STACK)
        step_thread(view, drawing->picture, false);
    else if (view->pane == GS_PANE_TIMELINE && view->cells_ago + 2 < GS_PICTURE_CELLS)
        view->cells_ago++;
    return GS_REQUEST_NONE;
}

static enum gs_request right(struct gs_view *view, const struct gs_drawing *drawing)
{
    if (view->pane == GS_PANE_STACK)
        step_thread(view, drawing->picture, true);
    else if (view->pane == GS_PANE_TIMELINE && view->cells_ago > 0)
        view->cells_ago--;
    return GS_REQUEST_NONE;
}

/* ---- panes ---- */

/* Whose stack is wanted: of the row under the cursor; else of who was chosen before, or has the GIL, or is there. */
static int64_t stack_wanted(const struct gs_view *view, const struct gs_picture *picture)
{
    const struct gs_cursor *cursor = &view->cursors[GS_PANE_THREADS];
    const struct gs_picture_thread *first = picture->threads;
    for (size_t i = 0; i < picture->gil_count; i++) {
        const struct gs_picture_thread *holder =
            gs_thread_with(picture, picture->gils[i].process, picture->gils[i].now.tid);
        first = holder ? holder : first;
    }
    int64_t wanted[] = {view->under, cursor->chosen ? (int64_t)cursor->id : GS_VIEW_NOBODY, view->thread};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        for (size_t k = 0; k < picture->thread_count; k++) {
            if ((int64_t)picture->threads[k].number == wanted[i])
                return wanted[i];
        }
    }
    return picture->thread_count > 0 ? (int64_t)first->number : GS_VIEW_NOBODY;
}

static void go_to(struct gs_view *view, const struct gs_drawing *drawing, enum gs_pane_id pane)
{
    bool threads = view->pane == GS_PANE_THREADS || view->pane == GS_PANE_TIMELINE;
    if (pane == GS_PANE_STACK && view->pane != GS_PANE_STACK)
        view->thread = stack_wanted(view, drawing->picture);
    /* The thread that was chosen in one list is so in the other. */
    if (threads && view->cursors[view->pane].chosen && (pane == GS_PANE_THREADS || pane == GS_PANE_TIMELINE)) {
        view->cursors[pane].chosen = true;
        view->cursors[pane].id = view->cursors[view->pane].id;
    }
    view->pane = pane;
    view->help = false;
}

static enum gs_request next_pane(struct gs_view *view, const struct gs_drawing *drawing)
{
    go_to(view, drawing, (enum gs_pane_id)((view->pane + 1) % GS_PANE_COUNT));
    return GS_REQUEST_NONE;
}

static enum gs_request previous_pane(struct gs_view *view, const struct gs_drawing *drawing)
{
    go_to(view, drawing, (enum gs_pane_id)((view->pane + GS_PANE_COUNT - 1) % GS_PANE_COUNT));
    return GS_REQUEST_NONE;
}

static enum gs_request enter(struct gs_view *view, const struct gs_drawing *drawing)
{
    if (view->under != GS_VIEW_NOBODY)
        go_to(view, drawing, GS_PANE_STACK);
    else
        snprintf(view->note, sizeof view->note, "there is no thread to this row now");
    return GS_REQUEST_NONE;
}

/* ---- what is shown ---- */

static enum gs_request begin_search(struct gs_view *view, const struct gs_drawing *drawing)
{
    (void)drawing;
    gs_typing_begin(&view->typing, '/');
    return GS_REQUEST_NONE;
}

static enum gs_request begin_filter(struct gs_view *view, const struct gs_drawing *drawing)
{
    (void)drawing;
    gs_typing_begin(&view->typing, '\\');
    return GS_REQUEST_NONE;
}

static enum gs_request search_on(struct gs_view *view, const struct gs_drawing *drawing)
{
    gs_typing_search(view, drawing);
    return GS_REQUEST_NONE;
}

/* The next column that can be sorted by. */
static enum gs_request sort(struct gs_view *view, const struct gs_drawing *drawing)
{
    const struct gs_pane *pane = gs_panes[view->pane];
    struct gs_cursor *cursor = &view->cursors[view->pane];
    int now = gs_list_sort(view, pane), count = (int)pane->column_count;
    for (int i = 1; pane->sort >= 0 && i <= count; i++) {
        const struct gs_column *column = &pane->columns[(now + i) % count];
        if (!gs_column_sorts(column) || (column->shown && !column->shown(drawing)))
            continue;
        cursor->sort = (now + i) % count;
        cursor->at = 0;
        cursor->chosen = false;
        snprintf(view->note, sizeof view->note, "sorted by %s", column->title[0] ? column->title : "age");
        break;
    }
    return GS_REQUEST_NONE;
}

static enum gs_request next_mode(struct gs_view *view, const struct gs_drawing *drawing)
{
    (void)drawing;
    view->mode = (enum gs_mode)((view->mode + 1) % GS_MODE_LIVE);
    snprintf(view->note, sizeof view->note, "mode %s: %s", gs_modes[view->mode].name, gs_modes[view->mode].help);
    return GS_REQUEST_NONE;
}

static enum gs_request full_files(struct gs_view *view, const struct gs_drawing *drawing)
{
    (void)drawing;
    view->full_files = !view->full_files;
    return GS_REQUEST_NONE;
}

static enum gs_request help(struct gs_view *view, const struct gs_drawing *drawing)
{
    (void)drawing;
    view->help = !view->help;
    view->help_top = 0;
    return GS_REQUEST_NONE;
}

static enum gs_request escape(struct gs_view *view, const struct gs_drawing *drawing)
{
    if (view->help)
        view->help = false;
    else if (view->typing.filter[0])
        view->typing.filter[0] = '\0';
    else if (view->pane == GS_PANE_STACK)
        go_to(view, drawing, GS_PANE_THREADS);
    return GS_REQUEST_NONE;
}

/* ---- what the program does ---- */

static enum gs_request pause_or_go(struct gs_view *view, const struct gs_drawing *drawing)
{
    (void)drawing;
    view->paused = !view->paused;
    return GS_REQUEST_PAUSE;
}

static enum gs_request reset(struct gs_view *view, const struct gs_drawing *drawing)
{
    (void)drawing;
    snprintf(view->note, sizeof view->note, "everything is counted anew");
    return GS_REQUEST_RESET;
}

static const struct {
    uint32_t codes[CODES];
    const char *keys, *footer, *help; /* footer: what the last line calls it, NULL: nothing */
    enum gs_request (*act)(struct gs_view *view, const struct gs_drawing *drawing); /* NULL: it only asks for */
    enum gs_request request;
} rows[] = {
    {{GS_KEY_UP, 'k'}, "Up, k", NULL, "one row up", up, GS_REQUEST_NONE},
    {{GS_KEY_DOWN, 'j'}, "Down, j", NULL, "one row down", down, GS_REQUEST_NONE},
    {{GS_KEY_PAGE_UP, 'b' & 31}, "PgUp", NULL, "a page up", page_up, GS_REQUEST_NONE},
    {{GS_KEY_PAGE_DOWN, 'f' & 31}, "PgDn", NULL, "a page down", page_down, GS_REQUEST_NONE},
    {{GS_KEY_HOME}, "Home", NULL, "the first row, whoever it is", home, GS_REQUEST_NONE},
    {{GS_KEY_END}, "End", NULL, "the last row", end, GS_REQUEST_NONE},
    {{GS_KEY_LEFT}, "Left", NULL, "earlier (Timeline), the thread before (Stack)", left, GS_REQUEST_NONE},
    {{GS_KEY_RIGHT}, "Right", NULL, "later (Timeline), the thread behind (Stack)", right, GS_REQUEST_NONE},
    {{GS_KEY_ENTER, GS_KEY_LINE_FEED}, "Enter", "stack", "the stack of the row's thread", enter, GS_REQUEST_NONE},
    {{TAB}, "Tab, 1-7", "pane", "the next pane, or that of this number", next_pane, GS_REQUEST_NONE},
    {{GS_KEY_BACK_TAB}, "Shift-Tab", NULL, "the pane before", previous_pane, GS_REQUEST_NONE},
    {{'s'}, "s", "sort", "sort by the next column", sort, GS_REQUEST_NONE},
    {{'/'}, "/", "search", "search for words in names, functions and files", begin_search, GS_REQUEST_NONE},
    {{GS_KEY_F3}, "F3", NULL, "search on", search_on, GS_REQUEST_NONE},
    {{'\\'}, "\\", "filter", "show only rows that have these words in them", begin_filter, GS_REQUEST_NONE},
    {{' ', 'p'},
     "Space, p",
     "pause",
     "freeze the screen, or go on; samples are taken all the time",
     pause_or_go,
     GS_REQUEST_NONE},
    {{'m'},
     "m",
     "mode",
     "which samples count in Functions and Stack: active, wall, cpu, gil, wait, blame",
     next_mode,
     GS_REQUEST_NONE},
    {{'r'}, "r", "reset", "count everything anew", reset, GS_REQUEST_NONE},
    {{'+', '='}, "+", NULL, "more samples a second; a recording: faster", NULL, GS_REQUEST_FASTER},
    {{'-'}, "-", NULL, "fewer samples a second; a recording: slower", NULL, GS_REQUEST_SLOWER},
    {{','}, ",", NULL, "a recording: a second back", NULL, GS_REQUEST_BACK},
    {{'.'}, ".", NULL, "a recording: a second forward", NULL, GS_REQUEST_FORWARD},
    {{'<'}, "<", NULL, "a recording: half a minute back", NULL, GS_REQUEST_FAR_BACK},
    {{'>'}, ">", NULL, "a recording: half a minute forward", NULL, GS_REQUEST_FAR_FORWARD},
    {{'f'}, "f", "files", "whole file names, or shortened ones", full_files, GS_REQUEST_NONE},
    {{'w'}, "w", "write", "write a dump of this moment to a file", NULL, GS_REQUEST_DUMP},
    {{GS_KEY_ESCAPE}, "Esc", NULL, "out of the help, without the filter, back to the threads", escape, GS_REQUEST_NONE},
    {{'h', '?', GS_KEY_F1}, "h, ?, F1", "help", "this help, or out of it", help, GS_REQUEST_NONE},
    {{'q', 'Q', GS_KEY_F10, GS_KEY_CONTROL_C}, "q, F10, Ctrl-C", "quit", "end", NULL, GS_REQUEST_QUIT},
};

bool gs_keys_row(size_t i, struct gs_keys_row *row)
{
    if (i >= sizeof rows / sizeof *rows)
        return false;
    *row = (struct gs_keys_row){rows[i].keys, rows[i].footer, rows[i].help};
    return true;
}

enum gs_request gs_keys_act(struct gs_view *view, const struct gs_drawing *drawing, uint32_t key)
{
    view->note[0] = '\0';
    if (view->typing.what)
        return gs_typing_act(view, drawing, key);
    if (key - '1' < GS_PANE_COUNT) {
        go_to(view, drawing, (enum gs_pane_id)(key - '1'));
        return GS_REQUEST_NONE;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t k = 0; k < CODES; k++) {
            if (key != 0 && rows[i].codes[k] == key)
                return rows[i].act ? rows[i].act(view, drawing) : rows[i].request;
        }
    }
    return GS_REQUEST_NONE;
}
