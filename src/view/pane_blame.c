/* Who makes whom wait, and with which line. */
#include <string.h>

#include "view/parts.h"

static const struct gs_picture_blame *at(const struct gs_drawing *drawing, size_t row)
{
    return &drawing->picture->blames[row];
}

static void put_waited(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_time_put(text, at(drawing, row)->us, false);
}

static void put_times(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_words_number(text, at(drawing, row)->times);
}

static void put_ago(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_time_put(text, at(drawing, row)->ago_us, false);
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

static void put_place(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    gs_place_put(drawing, &at(drawing, row)->place, width, text);
}

static void put_process(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_text_put(text, "%d", (int)drawing->picture->processes[at(drawing, row)->process].pid);
}

static int by_waited(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_u64(at(drawing, a)->us, at(drawing, b)->us);
}

static int by_times(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_u64(at(drawing, a)->times, at(drawing, b)->times);
}

static int by_ago(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_u64(at(drawing, b)->ago_us, at(drawing, a)->ago_us);
}

static int by_waiter(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return strcmp(at(drawing, a)->waiter, at(drawing, b)->waiter);
}

static int by_holder(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return strcmp(at(drawing, a)->holder, at(drawing, b)->holder);
}

static const struct gs_column columns[] = {
    {"WAITED", 9, .put = put_waited, .compare = by_waited},

    {"TIMES", 6, .least_columns = 70, .put = put_times, .compare = by_times},

    {"AGO", 8, .least_columns = 84, .put = put_ago, .compare = by_ago},

    {"PROCESS", 7, .least_columns = 56, .shown = gs_shows_several, .put = put_process},

    {"WAITER", 8, .share = 2, .most = 24, .put = put_waiter, .compare = by_waiter},

    {"FOR", 8, .share = 2, .most = 24, .put = put_holder, .compare = by_holder},

    {"IN", 8, .share = 5, .least_columns = 38, .put = put_place},
};

static size_t count(const struct gs_drawing *drawing)
{
    return drawing->picture->blame_count;
}

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
    .count = count,
    .id = id,
    .fits = fits,
    .thread = thread,
    .nothing = nothing,
};
