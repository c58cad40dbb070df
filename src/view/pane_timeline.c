/* A row per thread, a cell per half second, in the colour of what it did most of that time. */
#include <stdio.h>
#include <string.h>

#include "view/parts.h"

static const struct gs_picture_thread *at(const struct gs_drawing *drawing, size_t row)
{
    return &drawing->picture->threads[row];
}

/* Told apart without colours, too. */
static const struct {
    const char *utf8, *ascii;
} marks[GS_FACE_COUNT] = {
    [GS_FACE_HOLDS] = {"█", "*"}, [GS_FACE_WAITS] = {"▒", "w"},   [GS_FACE_WITHOUT] = {"▄", "o"},
    [GS_FACE_NONE] = {"▄", "-"},  [GS_FACE_UNKNOWN] = {"?", "?"}, [GS_FACE_IDLE] = {"·", "."},
};

/* What it did most; GS_DOING_COUNT: nobody looked. */
static int most_of(const struct gs_picture_cell *cell)
{
    int most = GS_DOING_COUNT, part = 0;
    for (int i = 0; i < GS_DOING_COUNT; i++) {
        if (cell->part[i] > part) {
            part = cell->part[i];
            most = i;
        }
    }
    return most;
}

static void put_cell(const struct gs_picture_cell *cell, bool chosen, struct gs_text *text)
{
    int doing = cell ? most_of(cell) : GS_DOING_COUNT;
    if (doing == GS_DOING_COUNT) {
        gs_text_put(text, chosen ? "|" : " ");
        return;
    }
    enum gs_face face = gs_doing_face((uint8_t)doing);
    gs_text_style(text, chosen ? GS_STYLE_REVERSE : gs_face_style(face));
    gs_text_put(text, "%s",
                chosen       ? gs_face_symbol(face, text->utf8)
                : text->utf8 ? marks[face].utf8
                             : marks[face].ascii);
    gs_text_style(text, GS_STYLE_PLAIN);
}

/* ago: counted from the last complete one. */
static const struct gs_picture_cell *cell_ago(const struct gs_picture_thread *thread, size_t ago)
{
    return ago + 1 < thread->cell_count ? &thread->cells[thread->cell_count - 2 - ago] : NULL;
}

static void put_cells(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    const struct gs_picture_thread *thread = at(drawing, row);
    size_t room = width > 0 ? (size_t)width : GS_PICTURE_CELLS / 4, ago = drawing->view->cells_ago;
    size_t skipped = ago >= room ? ago - room + 1 : 0; /* it scrolls with the cursor */
    for (size_t i = room; i-- > 0;)
        put_cell(cell_ago(thread, i + skipped), drawing->view->cells_ago == i + skipped, text);
}

/* Time that does not jump: in the order in which they were born. */
static int by_age(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_u64(at(drawing, b)->number, at(drawing, a)->number);
}

static double active(const struct gs_picture_thread *thread)
{
    return thread->share[GS_HOLDS] + thread->share[GS_WAITS];
}

static int by_gil(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_double(active(at(drawing, a)), active(at(drawing, b)));
}

static const struct gs_column columns[] = {
    {"", 1, .put = gs_thread_put_state, .compare = by_age},
    {"PROCESS", 7, .least_columns = 56, .shown = gs_shows_several, .kind = GS_FIELD_PROCESS,
     .field = offsetof(struct gs_picture_thread, process), .sorts = true},
    {"NAME", 16, .put = gs_thread_put_name, .kind = GS_FIELD_TEXT, .field = offsetof(struct gs_picture_thread, name),
     .sorts = true, .words = true},
    {"HALF SECONDS, NOW AT THE RIGHT", 10, .share = 1, .most = GS_PICTURE_CELLS, .put = put_cells, .compare = by_gil},
};

static uint64_t id(const struct gs_drawing *drawing, size_t row)
{
    return at(drawing, row)->number;
}

static bool fits(const struct gs_drawing *drawing, size_t row, const char *words)
{
    return gs_words_in(at(drawing, row)->name, words);
}

static const char *nothing(const struct gs_drawing *drawing)
{
    return drawing->view->pattern_count > 0 ? "no thread that --thread means runs Python now"
                                            : "no thread runs Python now";
}

/* The thread under the cursor, and what it did in the cell under the cursor. */
static void above(const struct gs_drawing *drawing, struct gs_text *text)
{
    const struct gs_picture_thread *thread = drawing->thread;
    const struct gs_picture_cell *cell = thread ? cell_ago(thread, drawing->view->cells_ago) : NULL;
    static const char *const words[GS_DOING_COUNT] = {
        [GS_HOLDS] = "holds", [GS_WAITS] = "waits",     [GS_WITHOUT] = "without",
        [GS_NONE] = "none",   [GS_UNKNOWN] = "unknown", [GS_DOING_IDLE] = "idle"};
    if (!thread)
        return;
    gs_text_put(text, "%.1f s ago ", (double)(drawing->view->cells_ago + 1) * GS_PICTURE_CELL_MS / 1000);
    gs_text_style(text, GS_STYLE_BOLD);
    gs_words_thread(text, thread->name, thread->tid, 20);
    gs_text_style(text, GS_STYLE_PLAIN);
    if (!cell || most_of(cell) == GS_DOING_COUNT)
        gs_text_put(text, "  not watched");
    int whole = 0; /* a sample that came late weighs on the next cell */
    for (int i = 0; cell && i < GS_DOING_COUNT; i++)
        whole += cell->part[i];
    for (int i = 0; cell && i < GS_DOING_COUNT; i++) {
        if (cell->part[i] == 0)
            continue;
        gs_text_put(text, "  ");
        gs_text_style(text, gs_face_style(gs_doing_face((uint8_t)i)));
        gs_text_put(text, "%s", words[i]);
        gs_text_style(text, GS_STYLE_PLAIN);
        gs_text_put(text, " %.1f %%", cell->part[i] * 100.0 / whole);
    }
}

const struct gs_pane gs_pane_timeline = {
    .name = "Timeline",
    .about = "what each thread did with the GIL, half second by half second",
    .show = GS_SHOW_TIMELINE,
    .columns = columns,
    .column_count = sizeof columns / sizeof *columns,
    .sort = 0,
    GS_PANE_ROWS(threads, thread_count),
    .id = id,
    .fits = fits,
    .thread = at,
    .nothing = nothing,
    .above = above,
};
