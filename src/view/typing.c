/* The last line: words that are typed for search and filter, a note, or the keys that there are. */
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "view/parts.h"

enum { DELETE = 127 };

void gs_typing_begin(struct gs_typing *typing, int what)
{
    typing->what = what;
    if (what == '\\')
        memcpy(typing->typed, typing->filter, sizeof typing->typed);
    else
        typing->typed[0] = '\0';
}

static void type(struct gs_typing *typing, uint32_t key)
{
    size_t len = strlen(typing->typed);
    if (key == GS_KEY_BACKSPACE || key == DELETE || key == '\b') {
        while (len > 0 && ((unsigned char)typing->typed[len - 1] & 0xc0) == 0x80)
            len--;
        typing->typed[len > 0 ? len - 1 : 0] = '\0';
    } else if (key >= ' ' && key < GS_KEY_NONE && len + 5 < sizeof typing->typed) {
        typing->typed[len + gs_utf8_encode(key, typing->typed + len)] = '\0';
    }
}

enum gs_typed gs_typing_key(struct gs_typing *typing, uint32_t key)
{
    int what = typing->what;
    if (key == GS_KEY_CONTROL_C || key == GS_KEY_F10)
        return GS_TYPED_QUIT;
    if (key == GS_KEY_ESCAPE) {
        typing->what = 0;
    } else if (key == GS_KEY_ENTER || key == GS_KEY_LINE_FEED) {
        typing->what = 0;
        if (what == '\\')
            memcpy(typing->filter, typing->typed, sizeof typing->filter);
        if (what == '/' && typing->typed[0])
            memcpy(typing->search, typing->typed, sizeof typing->search);
        if (what == '/')
            return GS_TYPED_SEARCH;
    } else {
        type(typing, key);
    }
    return GS_TYPED_NOTHING;
}

void gs_typing_not_found(const struct gs_typing *typing, bool utf8, char note[GS_VIEW_NOTE])
{
    struct gs_text text;
    gs_text_init(&text, utf8);
    gs_text_put(&text, typing->search[0] ? "not found: " : "nothing to search for: / asks");
    gs_text_fit(&text, typing->search, 60, GS_CUT_END);
    snprintf(note, GS_VIEW_NOTE, "%.*s", (int)text.len, text.bytes ? text.bytes : "");
    gs_text_fini(&text);
}

void gs_typing_prompt(const struct gs_typing *typing, int columns, struct gs_text *text)
{
    gs_text_put(text, typing->what == '/' ? " search: " : " filter: ");
    gs_text_fit(text, typing->typed, columns - text->columns - 2, GS_CUT_START);
    gs_text_style(text, GS_STYLE_REVERSE);
    gs_text_put(text, " ");
}

void gs_typing_nothing(const struct gs_typing *typing, struct gs_text *text)
{
    gs_text_put(text, "nothing has \"");
    gs_text_add(text, typing->filter);
    gs_text_put(text, "\" in it: \\ changes the filter");
}

/* ---- of the panes ---- */

void gs_typing_search(struct gs_view *view, const struct gs_drawing *drawing)
{
    const struct gs_pane *pane = gs_panes[view->pane];
    const char *words = view->typing.search;
    size_t at = view->cursors[view->pane].at;
    for (size_t i = 1; i <= view->order_count && words[0]; i++) {
        size_t row = (at + i) % view->order_count;
        if (view->order[row] < gs_pane_count(pane, drawing) && pane->fits(drawing, view->order[row], words)) {
            gs_list_choose(view, drawing, row);
            return;
        }
    }
    gs_typing_not_found(&view->typing, view->utf8, view->note);
}

enum gs_request gs_typing_act(struct gs_view *view, const struct gs_drawing *drawing, uint32_t key)
{
    enum gs_typed typed = gs_typing_key(&view->typing, key);
    if (typed == GS_TYPED_SEARCH)
        gs_typing_search(view, drawing);
    return typed == GS_TYPED_QUIT ? GS_REQUEST_QUIT : GS_REQUEST_NONE;
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
    if (view->typing.what) {
        gs_typing_prompt(&view->typing, columns, text);
    } else if (view->note[0]) {
        gs_text_style(text, GS_STYLE_BOLD);
        gs_text_put(text, " %s", view->note);
    } else {
        put_hints(columns, text);
    }
}
