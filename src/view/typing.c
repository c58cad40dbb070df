/* The last line: words that are typed for search and filter, a note, or the keys that there are. */
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "view/parts.h"

enum { DELETE = 127 };

void gs_typing_search(struct gs_view *view, const struct gs_drawing *drawing)
{
    const struct gs_pane *pane = gs_panes[view->pane];
    size_t at = view->cursors[view->pane].at;
    for (size_t i = 1; i <= view->order_count && view->search[0]; i++) {
        size_t row = (at + i) % view->order_count;
        if (view->order[row] < pane->count(drawing) && pane->fits(drawing, view->order[row], view->search)) {
            gs_list_choose(view, drawing, row);
            return;
        }
    }
    struct gs_text note;
    gs_text_init(&note, view->utf8);
    gs_text_put(&note, view->search[0] ? "not found: " : "nothing to search for: / asks");
    gs_text_fit(&note, view->search, 60, GS_CUT_END);
    snprintf(view->note, sizeof view->note, "%.*s", (int)note.len, note.bytes ? note.bytes : "");
    gs_text_fini(&note);
}

static void type(struct gs_view *view, uint32_t key)
{
    size_t len = strlen(view->typed);
    if (key == GS_KEY_BACKSPACE || key == DELETE || key == '\b') {
        while (len > 0 && ((unsigned char)view->typed[len - 1] & 0xc0) == 0x80)
            len--;
        view->typed[len > 0 ? len - 1 : 0] = '\0';
    } else if (key >= ' ' && key < GS_KEY_NONE && len + 5 < sizeof view->typed) {
        view->typed[len + gs_utf8_encode(key, view->typed + len)] = '\0';
    }
}

enum gs_request gs_typing_act(struct gs_view *view, const struct gs_drawing *drawing, uint32_t key)
{
    int typing = view->typing;
    if (key == GS_KEY_CONTROL_C || key == GS_KEY_F10)
        return GS_REQUEST_QUIT;
    if (key == GS_KEY_ESCAPE) {
        view->typing = 0;
    } else if (key == GS_KEY_ENTER || key == GS_KEY_LINE_FEED) {
        view->typing = 0;
        if (typing == '\\')
            memcpy(view->filter, view->typed, sizeof view->filter);
        if (typing == '/' && view->typed[0])
            memcpy(view->search, view->typed, sizeof view->search);
        if (typing == '/')
            gs_typing_search(view, drawing);
    } else {
        type(view, key);
    }
    return GS_REQUEST_NONE;
}

static int hint_width(const struct gs_keys_row *row)
{
    return (int)strcspn(row->keys, ",") + 1 + (int)strlen(row->footer) + 2;
}

static void put_hint(const struct gs_keys_row *row, struct gs_text *text)
{
    gs_text_style(text, GS_STYLE_BOLD);
    gs_text_put(text, "%.*s", (int)strcspn(row->keys, ","), row->keys);
    gs_text_style(text, GS_STYLE_DIM);
    gs_text_put(text, " %s", row->footer);
    gs_text_style(text, GS_STYLE_PLAIN);
    gs_text_put(text, "  ");
}

/* As many as there is room for; the last two, which are how to get help and how to get out, always. */
static void put_hints(int columns, struct gs_text *text)
{
    size_t count = 0;
    struct gs_keys_row row;
    while (gs_keys_row(count, &row))
        count++;
    int always = 0;
    for (size_t i = count - 2; i < count && gs_keys_row(i, &row); i++)
        always += hint_width(&row);
    gs_text_put(text, " ");
    for (size_t i = 0; i < count && gs_keys_row(i, &row); i++) {
        if (!row.footer || (i < count - 2 && text->columns + hint_width(&row) + always > columns + 2))
            continue;
        put_hint(&row, text);
    }
}

void gs_typing_line(const struct gs_view *view, int columns, struct gs_text *text)
{
    if (view->typing) {
        gs_text_put(text, view->typing == '/' ? " search: " : " filter: ");
        gs_text_fit(text, view->typed, columns - text->columns - 2, GS_CUT_START);
        gs_text_style(text, GS_STYLE_REVERSE);
        gs_text_put(text, " ");
    } else if (view->note[0]) {
        gs_text_style(text, GS_STYLE_BOLD);
        gs_text_put(text, " %s", view->note);
    } else {
        put_hints(columns, text);
    }
}
