/* A row per process, with what its GIL does. */
#include <stdio.h>
#include <string.h>

#include "export/words.h"
#include "view/choice.h"
#include "view/parts.h"

enum { HEAD_ROWS = 3, COMMAND_BYTES = 1024 };

static void put_gil(const struct gs_ps_row *row, struct gs_text *text)
{
    enum gs_face face = !row->watchable               ? GS_FACE_UNKNOWN
                        : row->gil == GS_GIL_HELD     ? GS_FACE_HOLDS
                        : row->gil == GS_GIL_DISABLED ? GS_FACE_NONE
                        : row->gil == GS_GIL_UNKNOWN  ? GS_FACE_UNKNOWN
                                                      : GS_FACE_IDLE;
    gs_text_style(text, gs_face_style(face));
    gs_text_put(text, "%s %-8s", gs_face_symbol(face, text->utf8), row->watchable ? gs_gil_state_name(row->gil) : "no");
    gs_text_style(text, GS_STYLE_PLAIN);
}

static void put_row(const struct gs_ps_row *row, struct gs_text *text)
{
    gs_text_put(text, " %8d ", (int)row->pid);
    int begin = text->columns;
    gs_text_fit(text, row->user ? row->user : "", 10, GS_CUT_END);
    gs_text_pad(text, begin + 11);
    gs_text_fit(text, row->python ? row->python : "?", 8, GS_CUT_END);
    gs_text_pad(text, begin + 20);
    gs_text_put(text, row->threads > 0 ? "%7zu  " : "      -  ", row->threads);
    put_gil(row, text);
    gs_text_put(text, " ");
    if (row->why_not) {
        gs_text_style(text, GS_STYLE_DIM);
        gs_text_add(text, row->why_not);
        gs_text_put(text, ": ");
        gs_text_style(text, GS_STYLE_PLAIN);
    }
    char command[COMMAND_BYTES] = "";
    size_t used = 0;
    for (size_t i = 0; i < row->command_count && used < sizeof command - 1; i++)
        used += (size_t)snprintf(command + used, sizeof command - used, i > 0 ? " %s" : "%s", row->command[i]);
    gs_text_add(text, gs_command_short(command));
}

static void follow(struct gs_choice *choice, const struct gs_ps *ps)
{
    if (choice->at >= ps->count)
        choice->at = ps->count > 0 ? ps->count - 1 : 0;
    for (size_t i = 0; choice->pid && i < ps->count; i++) {
        if (ps->rows[i].pid == choice->pid)
            choice->at = i;
    }
    size_t page = choice->page > 0 ? (size_t)choice->page : 1;
    if (choice->at < choice->top)
        choice->top = choice->at;
    if (choice->at >= choice->top + page)
        choice->top = choice->at - page + 1;
}

void gs_choice_draw(struct gs_choice *choice, const struct gs_ps *ps, struct gs_grid *grid)
{
    struct gs_text text;
    int row = HEAD_ROWS;
    gs_text_init(&text, choice->utf8);
    choice->page = grid->rows - HEAD_ROWS - 1;
    follow(choice, ps);
    gs_text_style(&text, GS_STYLE_BOLD);
    gs_text_put(&text, " gilspy top: which process?");
    gs_grid_put(grid, 0, 0, grid->columns, &text);
    gs_text_clear(&text);
    gs_text_style(&text, GS_STYLE_DIM);
    if (ps->count > 0)
        gs_text_put(&text, " %8s %-10s %-8s %7s  %-10s %s", "PID", "USER", "PYTHON", "THREADS", "GIL", "COMMAND");
    else
        gs_text_put(&text, " there is no Python process here that can be seen");
    gs_grid_put(grid, HEAD_ROWS - 1, 0, grid->columns, &text);
    for (size_t i = choice->top; i < ps->count && row < grid->rows - 1; i++, row++) {
        gs_text_clear(&text);
        put_row(&ps->rows[i], &text);
        gs_grid_put(grid, row, 0, grid->columns, &text);
        if (i == choice->at)
            gs_grid_select(grid, row, 0, grid->columns);
    }
    gs_text_clear(&text);
    gs_text_style(&text, choice->note[0] ? GS_STYLE_BOLD : GS_STYLE_DIM);
    gs_text_put(&text, " %s", choice->note[0] ? choice->note : "Enter watch  r look again  q quit");
    gs_grid_put(grid, grid->rows - 1, 0, grid->columns, &text);
    gs_text_fini(&text);
}

static enum gs_choice_made take(struct gs_choice *choice, const struct gs_ps *ps)
{
    if (ps->count == 0)
        return GS_CHOICE_NONE;
    const struct gs_ps_row *row = &ps->rows[choice->at];
    if (row->watchable) {
        choice->pid = row->pid;
        return GS_CHOICE_TAKEN;
    }
    snprintf(choice->note, sizeof choice->note, "gilspy doctor -p %d tells what it takes to watch that one",
             (int)row->pid);
    return GS_CHOICE_NONE;
}

static void move(struct gs_choice *choice, const struct gs_ps *ps, long by)
{
    long at = (long)choice->at + by, last = (long)ps->count - 1;
    choice->at = (size_t)(at < 0 || last < 0 ? 0 : at > last ? last : at);
    choice->pid = ps->count > 0 ? ps->rows[choice->at].pid : 0;
}

enum gs_choice_made gs_choice_key(struct gs_choice *choice, const struct gs_ps *ps, uint32_t key)
{
    choice->note[0] = '\0';
    switch (key) {
    case GS_KEY_UP:
    case 'k':
        move(choice, ps, -1);
        break;
    case GS_KEY_DOWN:
    case 'j':
        move(choice, ps, 1);
        break;
    case GS_KEY_PAGE_UP:
        move(choice, ps, -(long)choice->page);
        break;
    case GS_KEY_PAGE_DOWN:
        move(choice, ps, choice->page);
        break;
    case GS_KEY_HOME:
        move(choice, ps, -(long)choice->at);
        break;
    case GS_KEY_END:
        move(choice, ps, (long)ps->count);
        break;
    case GS_KEY_ENTER:
    case GS_KEY_LINE_FEED:
        return take(choice, ps);
    case 'r':
        return GS_CHOICE_RENEW;
    case 'q':
    case 'Q':
    case GS_KEY_F10:
    case GS_KEY_ESCAPE:
    case GS_KEY_CONTROL_C:
    case GS_KEY_CLOSED:
        return GS_CHOICE_QUIT;
    default:
        break;
    }
    return GS_CHOICE_NONE;
}
