/* The locks other than GILs that threads wait for, as stat --locks tells them. */
#include "view/parts.h"

static const struct gs_gilstat_lock *at(const struct gs_drawing *drawing, size_t row)
{
    return &drawing->picture->wanted[row].lock;
}

static void put_waiting(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    gs_text_put(text, "%.2f", at(drawing, row)->mean_waiters);
}

static void put_lock(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    char words[GS_WORDS_LOCK];
    gs_words_lock(words, sizeof words, at(drawing, row));
    gs_text_fit(text, words, width, GS_CUT_END);
}

static const struct gs_picture_thread *thread(const struct gs_drawing *drawing, size_t row)
{
    return gs_thread_with(drawing->picture, drawing->picture->wanted[row].process, at(drawing, row)->holder);
}

static void put_holder(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    const struct gs_picture_thread *holder = thread(drawing, row);
    gs_text_style(text, at(drawing, row)->holder ? GS_STYLE_HOLDS : GS_STYLE_DIM);
    if (at(drawing, row)->holder)
        gs_thread_put(text, holder ? holder->name : "", at(drawing, row)->holder, width);
    else
        gs_text_fit(text, "(not known)", width, GS_CUT_END);
    gs_text_style(text, GS_STYLE_PLAIN);
}

static struct gs_picture_place place_of(const struct gs_gilstat_lock *lock)
{
    const struct gs_gilstat_place *in = &lock->held_in;
    return (struct gs_picture_place){
        .function = in->function[0] ? in->function : NULL, .file = in->file, .line = in->line};
}

static void put_place(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    const struct gs_picture_place place = place_of(at(drawing, row));
    gs_place_put(drawing, &place, width, text);
}

#define FIELD(name) offsetof(struct gs_picture_lock, name)

static const struct gs_column columns[] = {
    {"WAITING", 7, .put = put_waiting, .kind = GS_FIELD_TIME, .field = FIELD(lock.wait_us), .sorts = true},
    {"MOST", 4, .least_columns = 56, .kind = GS_FIELD_COUNT, .field = FIELD(lock.most_waiters), .sorts = true},
    {"WAITED", 7, .least_columns = 48, .kind = GS_FIELD_TIME, .field = FIELD(lock.wait_us), .sorts = true},
    {"LONGEST", 7, .least_columns = 70, .kind = GS_FIELD_TIME, .field = FIELD(lock.longest_wait_us), .sorts = true},
    {"PROCESS", 7, .least_columns = 70, .shown = gs_shows_several, .kind = GS_FIELD_PROCESS, .field = FIELD(process)},
    {"FOR THE LOCK", 12, .share = 4, .most = 60, .put = put_lock},
    {"HELD BY", 8, .share = 2, .most = 24, .put = put_holder},
    {"IN", 8, .share = 4, .least_columns = 84, .put = put_place},
};

static uint64_t id(const struct gs_drawing *drawing, size_t row)
{
    return at(drawing, row)->address * 31 + drawing->picture->wanted[row].process;
}

static bool fits(const struct gs_drawing *drawing, size_t row, const char *words)
{
    const struct gs_gilstat_lock *lock = at(drawing, row);
    const struct gs_picture_place place = place_of(lock);
    return gs_words_in(lock->name, words) || gs_words_in(lock->type, words) || gs_place_fits(&place, words);
}

static const char *nothing(const struct gs_drawing *drawing)
{
    return drawing->picture->locks_us > 0 ? "no thread was seen to wait for a lock other than the GIL"
                                          : "locks are looked for in live processes, while this pane is shown";
}

static void above(const struct gs_drawing *drawing, struct gs_text *text)
{
    gs_text_style(text, GS_STYLE_DIM);
    gs_text_put(text, "locks other than the GIL, watched for ");
    gs_time_put(text, drawing->picture->locks_us, false);
}

const struct gs_pane gs_pane_locks = {
    .name = "Locks",
    .about = "other locks than the GIL: how many wait and how long, who has each, and where",
    .show = GS_SHOW_LOCKS,
    .columns = columns,
    .column_count = sizeof columns / sizeof *columns,
    .sort = 0,
    GS_PANE_ROWS(wanted, wanted_count),
    .id = id,
    .fits = fits,
    .thread = thread,
    .nothing = nothing,
    .above = above,
};
