/* The help, out of the table of keys. */
#include <string.h>

#include "view/parts.h"

enum { KEYS = 16, LINES_MOST = 80 };

static const char *const legend[] = {
    "Shares are of the last seconds: what is 10 s older counts half. Times are since the beginning, or r.",
    "HAS% held the GIL, WAIT% waited for it, NO% did without; CPU% is the share of a processor; FOR is the",
    "time in this state, > at least that. TIME% is the share of its time for which a line was on the stack.",
};

static size_t put_states(struct gs_text *line)
{
    static const char *const words[GS_FACE_COUNT] = {
        [GS_FACE_HOLDS] = "holds the GIL", [GS_FACE_WAITS] = "waits for it", [GS_FACE_WITHOUT] = "runs without it",
        [GS_FACE_NONE] = "no GIL to hold", [GS_FACE_IDLE] = "idle",          [GS_FACE_UNKNOWN] = "unknown"};
    for (int face = 0; face < GS_FACE_COUNT; face++) {
        gs_text_style(line, gs_face_style((enum gs_face)face));
        gs_text_put(line, " %s", gs_face_symbol((enum gs_face)face, line->utf8));
        gs_text_style(line, GS_STYLE_PLAIN);
        gs_text_put(line, " %s ", words[face]);
    }
    return 1;
}

/* Line `i` of the help; false: there are no more. */
static bool put_line(size_t i, struct gs_text *line)
{
    struct gs_keys_row row;
    if (gs_keys_row(i, &row)) {
        gs_text_put(line, " ");
        gs_text_style(line, GS_STYLE_BOLD);
        gs_text_put(line, "%-*s", KEYS, row.keys);
        gs_text_style(line, GS_STYLE_PLAIN);
        gs_text_put(line, "%s", row.help);
        return true;
    }
    size_t first = 0;
    while (gs_keys_row(first, &row))
        first++;
    i -= first;
    if (i < GS_PANE_COUNT) {
        gs_text_put(line, " ");
        gs_text_style(line, GS_STYLE_BOLD);
        gs_text_put(line, "%zu %-*s", i + 1, KEYS - 2, gs_panes[i]->name);
        gs_text_style(line, GS_STYLE_PLAIN);
        gs_text_put(line, "%s", gs_panes[i]->about);
        return true;
    }
    i -= GS_PANE_COUNT;
    if (i == 0)
        return put_states(line) > 0;
    if (i - 1 >= sizeof legend / sizeof *legend)
        return false;
    gs_text_put(line, " %s", legend[i - 1]);
    return true;
}

void gs_help_put(struct gs_view *view, struct gs_grid *grid, int row, int rows)
{
    struct gs_text line;
    size_t count = 0;
    gs_text_init(&line, view->utf8);
    while (put_line(count, &line)) {
        count++;
        gs_text_clear(&line);
    }
    size_t page = rows > 0 ? (size_t)rows : 0;
    if (view->help_top + page > count)
        view->help_top = count > page ? count - page : 0;
    view->page = rows > 1 ? rows - 1 : 1;
    for (int i = 0; i < rows; i++) {
        gs_text_clear(&line);
        if (!put_line(view->help_top + (size_t)i, &line))
            break;
        gs_grid_put(grid, row + i, 0, grid->columns, &line);
    }
    gs_text_fini(&line);
}
