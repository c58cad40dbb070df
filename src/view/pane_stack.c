/* The stack of one thread, innermost frame first, with the share of its time that each line was on it. */
#include "view/parts.h"

static const struct gs_picture_frame *at(const struct gs_drawing *drawing, size_t row)
{
    return &drawing->thread->frames[row];
}

static void put_wall(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_share_put(text, at(drawing, row)->share[GS_MODE_WALL]);
}

static void put_mode(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_share_put(text, at(drawing, row)->share[drawing->view->mode]);
}

static void put_function(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    gs_place_put_function(drawing, &at(drawing, row)->place, width, text);
}

static void put_file(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    gs_place_put_file(drawing, &at(drawing, row)->place, width, text);
}

static bool other_mode(const struct gs_drawing *drawing)
{
    return drawing->view->mode != GS_MODE_WALL;
}

static const struct gs_column columns[] = {
    {"TIME%", 5, .put = put_wall},
    {"MODE%", 5, .least_columns = 40, .shown = other_mode, .put = put_mode},
    {"FUNCTION", 10, .share = 2, .most = 32, .put = put_function},
    {"LINE", 10, .share = 3, .put = put_file},
};

static size_t count(const struct gs_drawing *drawing)
{
    return drawing->thread ? drawing->thread->frame_count : 0;
}

static uint64_t id(const struct gs_drawing *drawing, size_t row)
{
    (void)drawing;
    return row;
}

static bool fits(const struct gs_drawing *drawing, size_t row, const char *words)
{
    return gs_place_fits(&at(drawing, row)->place, words);
}

static const struct gs_picture_thread *thread(const struct gs_drawing *drawing, size_t row)
{
    (void)row;
    return drawing->thread;
}

static const char *nothing(const struct gs_drawing *drawing)
{
    return drawing->thread ? "it runs no Python now" : "no thread is chosen";
}

static void above(const struct gs_drawing *drawing, struct gs_text *text)
{
    const struct gs_picture_thread *one = drawing->thread;
    if (!one)
        return;
    enum gs_face face = gs_doing_face(one->doing);
    static const char *const words[GS_DOING_COUNT] = {
        [GS_HOLDS] = "holds the GIL",     [GS_WAITS] = "waits for the GIL", [GS_WITHOUT] = "runs without the GIL",
        [GS_NONE] = "has no GIL to hold", [GS_UNKNOWN] = "unknown",         [GS_DOING_IDLE] = "idle"};
    gs_text_style(text, gs_face_style(face));
    gs_text_put(text, "%s ", gs_face_symbol(face, text->utf8));
    gs_text_style(text, GS_STYLE_BOLD);
    gs_words_thread(text, one->name, one->tid, 24);
    gs_text_style(text, GS_STYLE_PLAIN);
    gs_text_put(text, " %s for %s", words[one->doing < GS_DOING_COUNT ? one->doing : GS_UNKNOWN],
                one->at_least ? "at least " : "");
    gs_words_time(text, one->doing_us);
    if (other_mode(drawing)) {
        gs_text_style(text, GS_STYLE_DIM);
        gs_text_put(text, "   mode %s", gs_modes[drawing->view->mode].name);
    }
}

const struct gs_pane gs_pane_stack = {
    .name = "Stack",
    .about = "the stack of the thread that was chosen, now, with the share of its time for each line",
    .show = GS_SHOW_STACK,
    .columns = columns,
    .column_count = sizeof columns / sizeof *columns,
    .sort = -1,
    .count = count,
    .id = id,
    .fits = fits,
    .thread = thread,
    .nothing = nothing,
    .above = above,
};
