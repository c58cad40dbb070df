/* The table of ps: columns as wide as they need to be, the command takes what is left of the line. */
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "export/ps.h"
#include "export/words.h"

enum column { PID, USER, PYTHON, THREADS, GIL, COLUMN_COUNT };

static const struct {
    const char *title;
    int most; /* columns */
    bool right;
} columns[COLUMN_COUNT] = {
    [PID] = {"PID", 10, true},         [USER] = {"USER", 16, false}, [PYTHON] = {"PYTHON", 30, false},
    [THREADS] = {"THREADS", 10, true}, [GIL] = {"GIL", 30, false},
};

static void put_python(struct gs_text *cell, const struct gs_ps_row *row)
{
    gs_text_add(cell, row->python ? row->python : "?");
    if (row->build && strcmp(row->build, "release") != 0)
        gs_text_put(cell, " %s", row->build);
}

static void put_gil(struct gs_text *cell, const struct gs_ps_row *row)
{
    if (!row->watchable)
        gs_text_put(cell, "?");
    else if (row->gil == GS_GIL_HELD && row->holder > 0)
        gs_text_put(cell, "held by %d", (int)row->holder);
    else if (row->gil == GS_GIL_DISABLED)
        gs_text_put(cell, "none");
    else
        gs_text_put(cell, "%s", gs_gil_state_name(row->gil));
}

static void put_cell(struct gs_text *cell, const struct gs_ps_row *row, enum column column)
{
    switch (column) {
    case PID:
        gs_text_put(cell, "%d", (int)row->pid);
        break;
    case USER:
        gs_text_fit(cell, row->user ? row->user : "?", columns[USER].most, GS_CUT_END);
        break;
    case PYTHON:
        put_python(cell, row);
        break;
    case THREADS:
        if (row->threads > 0)
            gs_text_put(cell, "%zu", row->threads);
        else
            gs_text_put(cell, "?");
        break;
    default:
        put_gil(cell, row);
        break;
    }
    gs_text_cut(cell, columns[column].most);
}

static void put_command(struct gs_text *rest, const struct gs_ps_row *row, bool path)
{
    for (size_t i = 0; i < row->depth; i++)
        gs_text_put(rest, "  ");
    if (row->why_not) {
        gs_text_put(rest, "[");
        gs_text_add(rest, row->why_not);
        gs_text_put(rest, "] ");
    }
    if (row->helper && !path) {
        gs_text_add(rest, row->role);
        return;
    }
    for (size_t i = 0; i < row->command_count; i++) {
        const char *word = row->command[i], *slash = strrchr(word, '/');
        gs_text_put(rest, i > 0 ? " " : "");
        gs_text_add(rest, i == 0 && !path && slash && slash[1] ? slash + 1 : word);
    }
}

/* The command, or why the process cannot be watched, in what is left of the line. Where the interpreter is can be done
 * without, what it runs cannot; of the workers of libraries that is their role (whole: the command all the same). */
static void put_rest(struct gs_text *line, const struct gs_ps_row *row, int room, bool whole)
{
    struct gs_text rest;
    gs_text_init(&rest, line->utf8);
    put_command(&rest, row, true);
    if (row->helper ? !whole : room > 0 && line->columns + rest.columns > room) {
        gs_text_clear(&rest);
        put_command(&rest, row, false);
    }
    if (room > 0)
        gs_text_cut(&rest, room - line->columns > 1 ? room - line->columns : 1);
    gs_text_join(line, &rest);
    gs_text_fini(&rest);
}

static void put_titles(struct gs_table *table)
{
    gs_text_style(&table->line, GS_STYLE_BOLD);
    for (int c = 0; c < COLUMN_COUNT; c++) {
        gs_text_put(&table->cell, "%s", columns[c].title);
        gs_table_put(table, columns[c].right);
    }
    gs_text_put(&table->cell, "COMMAND");
    gs_table_put(table, false);
    gs_text_style(&table->line, GS_STYLE_PLAIN);
    gs_table_end_row(table);
}

static void put_row(struct gs_table *table, const struct gs_ps_row *row, int room, bool whole)
{
    gs_text_style(&table->line, row->watchable ? GS_STYLE_PLAIN : GS_STYLE_DIM);
    for (int c = 0; c < COLUMN_COUNT; c++) {
        put_cell(&table->cell, row, c);
        gs_table_put(table, columns[c].right);
    }
    gs_table_reach(table);
    put_rest(&table->line, row, room, whole);
    gs_text_style(&table->line, GS_STYLE_PLAIN);
    gs_table_end_row(table);
}

enum gs_status gs_ps_text(const struct gs_ps *ps, const struct gs_console *console, bool whole)
{
    struct gs_console uncut = *console; /* who asks for whole commands gets them */
    struct gs_table table;
    uncut.columns = 0;
    gs_table_init(&table, &uncut);
    do {
        put_titles(&table);
        for (size_t i = 0; i < ps->count; i++)
            put_row(&table, &ps->rows[i], whole ? 0 : console->columns, whole);
    } while (gs_table_again(&table));
    return gs_table_fini(&table);
}
