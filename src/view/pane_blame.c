/* Who makes whom wait, and with which line. */
#include "view/parts.h"

static const struct gs_picture_blame *at(const struct gs_drawing *drawing, size_t row)
{
    return &drawing->picture->blames[row];
}

static void put_waiter(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    gs_text_style(text, GS_STYLE_WAITS);
    gs_thread_put(text, at(drawing, row)->waiter, at(drawing, row)->waiter_tid, width);
    gs_text_style(text, GS_STYLE_PLAIN);
}

static void put_holder(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    const struct gs_picture_blame *blame = at(drawing, row);
    gs_text_style(text, blame->holder_tid ? GS_STYLE_HOLDS : GS_STYLE_DIM);
    if (blame->holder_tid)
        gs_thread_put(text, blame->holder, blame->holder_tid, width);
    else
        gs_text_fit(text, "(not known)", width, GS_CUT_END);
    gs_text_style(text, GS_STYLE_PLAIN);
}

#define FIELD(name) offsetof(struct gs_picture_blame, name)

static const struct gs_column columns[] = {
    {"WAITED", 9, .kind = GS_FIELD_TIME, .field = FIELD(us), .sorts = true},
    {"TIMES", 6, .least_columns = 70, .kind = GS_FIELD_COUNT, .field = FIELD(times), .sorts = true},
    {"AGO", 8, .least_columns = 84, .kind = GS_FIELD_AGO, .field = FIELD(ago_us), .sorts = true},
    {"PROCESS", 7, .least_columns = 56, .shown = gs_shows_several, .kind = GS_FIELD_PROCESS, .field = FIELD(process)},
    {"WAITER", 8, .share = 2, .most = 24, .put = put_waiter, .kind = GS_FIELD_TEXT, .field = FIELD(waiter),
     .sorts = true},
    {"FOR", 8, .share = 2, .most = 24, .put = put_holder, .kind = GS_FIELD_TEXT, .field = FIELD(holder), .sorts = true},
    {"IN", 8, .share = 5, .least_columns = 38, .kind = GS_FIELD_PLACE, .field = FIELD(place)},
};

static uint64_t id(const struct gs_drawing *drawing, size_t row)
{
    const struct gs_picture_blame *blame = at(drawing, row);
    return gs_place_id((uint64_t)blame->waiter_tid * 31 + (uint64_t)blame->holder_tid, &blame->place);
}

static bool fits(const struct gs_drawing *drawing, size_t row, const char *words)
{
    const struct gs_picture_blame *blame = at(drawing, row);
    return gs_words_in(blame->waiter, words) || gs_words_in(blame->holder, words) ||
           gs_place_fits(&blame->place, words);
}

static const struct gs_picture_thread *thread(const struct gs_drawing *drawing, size_t row)
{
    return gs_thread_with(drawing->picture, at(drawing, row)->process, at(drawing, row)->holder_tid);
}

static const char *nothing(const struct gs_drawing *drawing)
{
    (void)drawing;
    return "no thread was seen to wait for the GIL yet";
}

const struct gs_pane gs_pane_blame = {
    .name = "Blame",
    .about = "which thread waited for which, for how long, and the line that it waited for",
    .show = GS_SHOW_BLAME,
    .columns = columns,
    .column_count = sizeof columns / sizeof *columns,
    .sort = 0,
    GS_PANE_ROWS(blames, blame_count),
    .id = id,
    .fits = fits,
    .thread = thread,
    .nothing = nothing,
};
