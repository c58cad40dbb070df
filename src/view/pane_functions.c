/* Functions by the time spent in them and in what they call. */
#include <string.h>

#include "view/parts.h"

static const struct gs_picture_function *at(const struct gs_drawing *drawing, size_t row)
{
    return &drawing->picture->functions[row];
}

static void put_own(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_share_put(text, at(drawing, row)->own[drawing->view->mode]);
}

static void put_total(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_share_put(text, at(drawing, row)->total[drawing->view->mode]);
}

static void put_time(double seconds, struct gs_text *text)
{
    if (seconds > 0)
        gs_time_put(text, (uint64_t)(seconds * 1e6), false);
    else
        gs_text_put(text, "-");
}

static void put_own_time(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    put_time(at(drawing, row)->own_s[drawing->view->mode], text);
}

static void put_total_time(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    put_time(at(drawing, row)->total_s[drawing->view->mode], text);
}

static void put_function(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    gs_place_put_function(drawing, &at(drawing, row)->place, width, text);
}

static void put_file(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    gs_place_put_file(drawing, &at(drawing, row)->place, width, text);
}

static int by_total(const struct gs_drawing *drawing, size_t a, size_t b)
{
    enum gs_mode mode = drawing->view->mode;
    return gs_compare_double(at(drawing, a)->total[mode], at(drawing, b)->total[mode]);
}

static int by_own_time(const struct gs_drawing *drawing, size_t a, size_t b)
{
    enum gs_mode mode = drawing->view->mode;
    return gs_compare_u64((uint64_t)(at(drawing, a)->own_s[mode] * 10), (uint64_t)(at(drawing, b)->own_s[mode] * 10));
}

static int by_own(const struct gs_drawing *drawing, size_t a, size_t b)
{
    enum gs_mode mode = drawing->view->mode;
    int result = gs_compare_double(at(drawing, a)->own[mode], at(drawing, b)->own[mode]);
    result = result ? result : by_total(drawing, a, b);
    return result ? result : by_own_time(drawing, a, b);
}

static int by_total_time(const struct gs_drawing *drawing, size_t a, size_t b)
{
    enum gs_mode mode = drawing->view->mode;
    return gs_compare_u64((uint64_t)(at(drawing, a)->total_s[mode] * 10),
                          (uint64_t)(at(drawing, b)->total_s[mode] * 10));
}

static int by_function(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return strcmp(at(drawing, a)->place.function, at(drawing, b)->place.function);
}

static const struct gs_column columns[] = {
    {"OWN%", 6, .put = put_own, .compare = by_own},
    {"TOTAL%", 6, .put = put_total, .compare = by_total},
    {"OWN", 8, .least_columns = 60, .put = put_own_time, .compare = by_own_time},
    {"TOTAL", 8, .least_columns = 60, .put = put_total_time, .compare = by_total_time},
    {"FUNCTION", 10, .share = 2, .most = 40, .put = put_function, .compare = by_function},
    {"FILE", 8, .share = 2, .put = put_file},
};

/* The place of its names in memory is another with each picture: what they say is not. */
static uint64_t id(const struct gs_drawing *drawing, size_t row)
{
    const struct gs_picture_place *place = &at(drawing, row)->place;
    uint64_t sum = 0;
    for (const char *p = place->function; *p; p++)
        sum = sum * 31 + (unsigned char)*p;
    for (const char *p = place->file; *p; p++)
        sum = sum * 37 + (unsigned char)*p;
    return sum;
}

static bool fits(const struct gs_drawing *drawing, size_t row, const char *words)
{
    return gs_place_fits(&at(drawing, row)->place, words);
}

static const struct gs_picture_thread *thread(const struct gs_drawing *drawing, size_t row)
{
    (void)drawing;
    (void)row;
    return NULL;
}

/* Not met in this mode. */
static bool left_out(const struct gs_drawing *drawing, size_t row)
{
    return at(drawing, row)->total_s[drawing->view->mode] <= 0;
}

static const char *nothing(const struct gs_drawing *drawing)
{
    return drawing->picture->function_count > 0 ? "no function was met in this mode yet: m chooses another one"
                                                : "no Python function was met yet";
}

static void above(const struct gs_drawing *drawing, struct gs_text *text)
{
    const struct gs_mode_row *mode = &gs_modes[drawing->view->mode];
    gs_text_style(text, GS_STYLE_DIM);
    gs_text_put(text, "mode %s: %s", mode->name, mode->help);
}

const struct gs_pane gs_pane_functions = {
    .name = "Functions",
    .about = "the time spent in each function, and in what it calls, by mode",
    .show = GS_SHOW_FUNCTIONS,
    .columns = columns,
    .column_count = sizeof columns / sizeof *columns,
    .sort = 0,
    GS_PANE_ROWS(functions, function_count),
    .id = id,
    .fits = fits,
    .left_out = left_out,
    .thread = thread,
    .nothing = nothing,
    .above = above,
};
