/* A row per process, with what its GIL does. */
#include <stdio.h>
#include <stdlib.h>

#include "base/room.h"
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

static const char *command_of(const struct gs_ps_row *row, char command[COMMAND_BYTES])
{
    size_t used = 0;
    command[0] = '\0';
    for (size_t i = 0; i < row->command_count && used < COMMAND_BYTES - 1; i++)
        used += (size_t)snprintf(command + used, COMMAND_BYTES - used, i > 0 ? " %s" : "%s", row->command[i]);
    return command;
}

static void put_row(const struct gs_ps_row *row, struct gs_text *text)
{
    char command[COMMAND_BYTES];
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
    gs_text_add(text, gs_command_short(command_of(row, command)));
}

static bool fits(const struct gs_ps_row *row, const char *words)
{
    char command[COMMAND_BYTES], pid[16];
    snprintf(pid, sizeof pid, "%d", (int)row->pid);
    return gs_words_in(command_of(row, command), words) || gs_words_in(pid, words) || gs_words_in(row->user, words) ||
           gs_words_in(row->python, words);
}

/* Which rows are shown, and where among them the cursor is. Without memory for all, the first ones. */
static void arrange(struct gs_choice *choice, const struct gs_ps *ps)
{
    choice->shown_count = 0;
    for (size_t i = 0; i < ps->count; i++) {
        if (choice->typing.filter[0] && !fits(&ps->rows[i], choice->typing.filter))
            continue;
        if (!gs_room((void **)&choice->shown, &choice->shown_room, choice->shown_count + 1, sizeof *choice->shown))
            break;
        if (choice->pid && ps->rows[i].pid == choice->pid)
            choice->at = choice->shown_count;
        choice->shown[choice->shown_count++] = i;
    }
    if (choice->at >= choice->shown_count)
        choice->at = choice->shown_count > 0 ? choice->shown_count - 1 : 0;
    size_t page = choice->page > 0 ? (size_t)choice->page : 1;
    if (choice->at < choice->top)
        choice->top = choice->at;
    if (choice->at >= choice->top + page)
        choice->top = choice->at - page + 1;
}

static void put_titles(const struct gs_choice *choice, const struct gs_ps *ps, struct gs_text *text)
{
    gs_text_style(text, GS_STYLE_DIM);
    if (choice->shown_count > 0) {
        gs_text_put(text, " %8s %-10s %-8s %7s  %-10s %s", "PID", "USER", "PYTHON", "THREADS", "GIL", "COMMAND");
    } else if (ps->count > 0) {
        gs_text_put(text, " ");
        gs_typing_nothing(&choice->typing, text);
    } else {
        gs_text_put(text, " there is no Python process here that can be seen");
    }
}

static void put_last_line(const struct gs_choice *choice, int columns, struct gs_text *text)
{
    if (choice->typing.what) {
        gs_typing_prompt(&choice->typing, columns, text);
        return;
    }
    gs_text_style(text, choice->note[0] ? GS_STYLE_BOLD : GS_STYLE_DIM);
    gs_text_put(text, " %s", choice->note[0] ? choice->note : "Enter watch  / search  \\ filter  r look again  q quit");
}

void gs_choice_draw(struct gs_choice *choice, const struct gs_ps *ps, struct gs_grid *grid)
{
    struct gs_text text;
    int row = HEAD_ROWS;
    gs_text_init(&text, choice->utf8);
    choice->page = grid->rows - HEAD_ROWS - 1;
    arrange(choice, ps);
    gs_text_style(&text, GS_STYLE_BOLD);
    gs_text_put(&text, " gilspy top: which process?");
    if (choice->typing.filter[0]) {
        gs_text_put(&text, "  filter ");
        gs_text_fit(&text, choice->typing.filter, 30, GS_CUT_END);
    }
    gs_grid_put(grid, 0, 0, grid->columns, &text);
    gs_text_clear(&text);
    put_titles(choice, ps, &text);
    gs_grid_put(grid, HEAD_ROWS - 1, 0, grid->columns, &text);
    for (size_t i = choice->top; i < choice->shown_count && row < grid->rows - 1; i++, row++) {
        gs_text_clear(&text);
        put_row(&ps->rows[choice->shown[i]], &text);
        gs_grid_put(grid, row, 0, grid->columns, &text);
        if (i == choice->at)
            gs_grid_select(grid, row, 0, grid->columns);
    }
    gs_text_clear(&text);
    put_last_line(choice, grid->columns, &text);
    gs_grid_put(grid, grid->rows - 1, 0, grid->columns, &text);
    gs_text_fini(&text);
}

static enum gs_choice_made take(struct gs_choice *choice, const struct gs_ps *ps)
{
    if (choice->shown_count == 0)
        return GS_CHOICE_NONE;
    const struct gs_ps_row *row = &ps->rows[choice->shown[choice->at]];
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
    long at = (long)choice->at + by, last = (long)choice->shown_count - 1;
    choice->at = (size_t)(at < 0 || last < 0 ? 0 : at > last ? last : at);
    choice->pid = choice->shown_count > 0 ? ps->rows[choice->shown[choice->at]].pid : 0;
}

/* To the next one that has the words of the search, from the cursor on and around. */
static void search(struct gs_choice *choice, const struct gs_ps *ps)
{
    for (size_t i = 1; i <= choice->shown_count && choice->typing.search[0]; i++) {
        size_t at = (choice->at + i) % choice->shown_count;
        if (fits(&ps->rows[choice->shown[at]], choice->typing.search)) {
            move(choice, ps, (long)at - (long)choice->at);
            return;
        }
    }
    gs_typing_not_found(&choice->typing, choice->utf8, choice->note);
}

static enum gs_choice_made type(struct gs_choice *choice, const struct gs_ps *ps, uint32_t key)
{
    enum gs_typed typed = gs_typing_key(&choice->typing, key);
    if (typed == GS_TYPED_SEARCH)
        search(choice, ps);
    return typed == GS_TYPED_QUIT ? GS_CHOICE_QUIT : GS_CHOICE_NONE;
}

enum gs_choice_made gs_choice_key(struct gs_choice *choice, const struct gs_ps *ps, uint32_t key)
{
    choice->note[0] = '\0';
    arrange(choice, ps);
    if (choice->typing.what && key != GS_KEY_CLOSED)
        return type(choice, ps, key);
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
        move(choice, ps, (long)choice->shown_count);
        break;
    case GS_KEY_ENTER:
    case GS_KEY_LINE_FEED:
        return take(choice, ps);
    case '/':
    case '\\':
        gs_typing_begin(&choice->typing, (int)key);
        break;
    case GS_KEY_F3:
        search(choice, ps);
        break;
    case 'r':
        return GS_CHOICE_RENEW;
    case GS_KEY_ESCAPE:
        if (!choice->typing.filter[0])
            return GS_CHOICE_QUIT;
        choice->typing.filter[0] = '\0';
        break;
    case 'q':
    case 'Q':
    case GS_KEY_F10:
    case GS_KEY_CONTROL_C:
    case GS_KEY_CLOSED:
        return GS_CHOICE_QUIT;
    default:
        break;
    }
    return GS_CHOICE_NONE;
}

void gs_choice_fini(struct gs_choice *choice)
{
    free(choice->shown);
}
