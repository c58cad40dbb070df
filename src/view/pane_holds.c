/* The longest times for which a thread kept the GIL, by thread and line. */
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

static void put_name(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    gs_thread_put(text, at(drawing, row)->name, at(drawing, row)->tid, width);
}

#define FIELD(name) offsetof(struct gs_picture_hold, name)

static const struct gs_column columns[] = {
    {"LONGEST", 8, .put = put_longest, .kind = GS_FIELD_TIME, .field = FIELD(longest_us), .sorts = true},
    {"TIMES", 6, .least_columns = 60, .kind = GS_FIELD_COUNT, .field = FIELD(times), .sorts = true},
    {"TOTAL", 8, .least_columns = 60, .kind = GS_FIELD_TIME, .field = FIELD(total_us), .sorts = true},
    {"WAITING", 7, .least_columns = 70, .kind = GS_FIELD_COUNT, .field = FIELD(waiters), .sorts = true},
    {"AGO", 8, .least_columns = 50, .kind = GS_FIELD_AGO, .field = FIELD(ago_us), .sorts = true},
    {"PROCESS", 7, .least_columns = 56, .shown = gs_shows_several, .kind = GS_FIELD_PROCESS, .field = FIELD(process)},
    {"THREAD", 8, .share = 2, .most = 24, .put = put_name},
    {"IN", 10, .share = 5, .kind = GS_FIELD_PLACE, .field = FIELD(place)},
};

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
    GS_PANE_ROWS(holds, hold_count),
    .id = id,
    .fits = fits,
    .thread = thread,
    .nothing = nothing,
};
