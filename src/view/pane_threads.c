/* A row per thread: what it does, and what it did of late. */
#include <stdio.h>

#include "view/parts.h"

static const struct gs_picture_thread *at(const struct gs_drawing *drawing, size_t row)
{
    return &drawing->picture->threads[row];
}

static double without(const struct gs_picture_thread *thread)
{
    return thread->share[GS_WITHOUT] + thread->share[GS_NONE] + thread->share[GS_DOING_IDLE];
}

static void put_without(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_share_put(text, without(at(drawing, row)));
}

static void put_since(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_time_put(text, at(drawing, row)->doing_us, at(drawing, row)->at_least);
}

static int by_waits(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_double(at(drawing, a)->share[GS_WAITS], at(drawing, b)->share[GS_WAITS]);
}

static int by_cpu(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_double(at(drawing, a)->cpu, at(drawing, b)->cpu);
}

/* Who waits most comes next to who holds most. */
static int by_has(const struct gs_drawing *drawing, size_t a, size_t b)
{
    int result = gs_compare_double(at(drawing, a)->share[GS_HOLDS], at(drawing, b)->share[GS_HOLDS]);
    result = result ? result : by_waits(drawing, a, b);
    return result ? result : by_cpu(drawing, a, b);
}

static int by_without(const struct gs_drawing *drawing, size_t a, size_t b)
{
    return gs_compare_double(without(at(drawing, a)), without(at(drawing, b)));
}

static bool any_unknown(const struct gs_drawing *drawing)
{
    return drawing->picture->shares_unknown;
}

/* Recordings have no processor time. */
static bool is_live(const struct gs_drawing *drawing)
{
    return !drawing->view->moment.clock[0];
}

#define FIELD(name) offsetof(struct gs_picture_thread, name)

static const struct gs_column columns[] = {
    {"", 1, .put = gs_thread_put_state},
    {"HAS%", 5, .kind = GS_FIELD_SHARE, .field = FIELD(share[GS_HOLDS]), .compare = by_has},
    {"WAIT%", 5, .kind = GS_FIELD_SHARE, .field = FIELD(share[GS_WAITS]), .sorts = true},
    {"NO%", 5, .least_columns = 60, .put = put_without, .compare = by_without},
    {"UNKN%", 5, .least_columns = 60, .shown = any_unknown, .kind = GS_FIELD_SHARE, .field = FIELD(share[GS_UNKNOWN])},
    {"CPU%", 5, .least_columns = 48, .shown = is_live, .kind = GS_FIELD_SHARE, .field = FIELD(cpu), .sorts = true},
    {"FOR", 7, .least_columns = 70, .put = put_since, .kind = GS_FIELD_TIME, .field = FIELD(doing_us), .sorts = true},
    {"PROCESS", 7, .least_columns = 56, .shown = gs_shows_several, .kind = GS_FIELD_PROCESS, .field = FIELD(process),
     .sorts = true},
    {"TID", 7, .least_columns = 70, .kind = GS_FIELD_TID, .field = FIELD(tid), .sorts = true},
    {"NAME", 8, .share = 2, .most = 16, .put = gs_thread_put_name, .kind = GS_FIELD_TEXT, .field = FIELD(name),
     .sorts = true},
    {"NOW IN", 10, .share = 5, .kind = GS_FIELD_PLACE, .field = FIELD(place)},
};

static uint64_t id(const struct gs_drawing *drawing, size_t row)
{
    return at(drawing, row)->number;
}

static bool fits(const struct gs_drawing *drawing, size_t row, const char *words)
{
    char tid[16];
    const struct gs_picture_thread *thread = at(drawing, row);
    snprintf(tid, sizeof tid, "%d", (int)thread->tid);
    return gs_words_in(thread->name, words) || gs_words_in(tid, words) || gs_place_fits(&thread->place, words);
}

static const char *nothing(const struct gs_drawing *drawing)
{
    return drawing->view->pattern_count > 0 ? "no thread that --thread means runs Python now"
                                            : "no thread runs Python now";
}

const struct gs_pane gs_pane_threads = {
    .name = "Threads",
    .about = "what each thread does with the GIL, and where it is",
    .columns = columns,
    .column_count = sizeof columns / sizeof *columns,
    .sort = 1,
    GS_PANE_ROWS(threads, thread_count),
    .id = id,
    .fits = fits,
    .thread = at,
    .nothing = nothing,
};
