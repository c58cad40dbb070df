/* The longest times for which a thread kept the GIL, by thread and line. */
#include <string.h>

#include "view/parts.h"

static const struct gs_picture_hold *at(const struct gs_drawing *drawing, size_t row)
{
    return &drawing->picture->holds[row];
}

static void put_longest(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_time_put(text, at(drawing, row)->longest_us, at(drawing, row)->at_least);
}

static void put_times(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_words_number(text, at(drawing, row)->times);
}

static void put_total(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_time_put(text, at(drawing, row)->total_us, false);
}

static void put_waiters(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_text_put(text, "%u", at(drawing, row)->waiters);
}

static void put_ago(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_time_put(text, at(drawing, row)->ago_us, false);
}

static void put_name(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    gs_thread_put(text, at(drawing, row)->name, at(drawing, row)->tid, width);
}

static void put_process(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_text_put(text, "%d", (int)drawing->picture->processes[at(drawing, row)->process].pid);
}

static void put_place(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    gs_place_put(drawing, &at(drawing, row)->place, width, text);
}

static int by_longest(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_u64(at(drawing, a)->longest_us, at(drawing, b)->longest_us);
}

static int by_times(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_u64(at(drawing, a)->times, at(drawing, b)->times);
}

static int by_total(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_u64(at(drawing, a)->total_us, at(drawing, b)->total_us);
}

static int by_waiters(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_u64(at(drawing, a)->waiters, at(drawing, b)->waiters);
}

static int by_ago(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_u64(at(drawing, b)->ago_us, at(drawing, a)->ago_us);
}

static const struct gs_column columns[] = {
    {"LONGEST", 8, .put = put_longest, .compare = by_longest},
    {"TIMES", 6, .least_columns = 60, .put = put_times, .compare = by_times},
    {"TOTAL", 8, .least_columns = 60, .put = put_total, .compare = by_total},
    {"WAITING", 7, .least_columns = 70, .put = put_waiters, .compare = by_waiters},
    {"AGO", 8, .least_columns = 50, .put = put_ago, .compare = by_ago},
    {"PROCESS", 7, .least_columns = 56, .shown = gs_shows_several, .put = put_process},
    {"THREAD", 8, .share = 2, .most = 24, .put = put_name},
    {"IN", 10, .share = 5, .put = put_place},
};

static size_t count(const struct gs_drawing *drawing)
{
    return drawing->picture->hold_count;
}

static uint64_t id(const struct gs_drawing *drawing, size_t row)
{
    const struct gs_picture_hold *hold = at(drawing, row);
    return gs_place_id((uint64_t)hold->tid, &hold->place);
}

static bool fits(const struct gs_drawing *drawing, size_t row, const char *words)
{
    return gs_words_in(at(drawing, row)->name, words) || gs_place_fits(&at(drawing, row)->place, words);
}

static const struct gs_picture_thread *thread(const struct gs_drawing *drawing, size_t row)
{
    return gs_thread_with(drawing->picture, at(drawing, row)->process, at(drawing, row)->tid);
}

static const char *nothing(const struct gs_drawing *drawing)
{
    for (size_t i = 0; i < drawing->picture->gil_count; i++) {
        if (drawing->picture->gils[i].handovers_hz >= 0)
            return "no hold of 1 ms or more was seen yet";
        if (drawing->picture->gils[i].state == GS_GIL_DISABLED)
            return "this Python is free-threaded: there is no GIL to hold";
    }
    return "this Python does not count its hand-overs: how long holds last is not known";
}

const struct gs_pane gs_pane_holds = {
    .name = "Holds",
    .about = "the longest times for which a thread kept the GIL, and the line that it was at",
    .show = GS_SHOW_HOLDS,
    .columns = columns,
    .column_count = sizeof columns / sizeof *columns,
    .sort = 0,
    .count = count,
    .id = id,
    .fits = fits,
    .thread = thread,
    .nothing = nothing,
};
