/* The tasks of event loops, and greenlets: a row for those that are alike. */
#include "python/tasks.h"
#include "view/parts.h"

enum { STALE_US = 2000000 /* with very many tasks looks are rare */ };

static const struct gs_picture_task *at(const struct gs_drawing *drawing, size_t row)
{
    return &drawing->picture->tasks[row];
}

static void put_state(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    static const enum gs_style styles[] = {GS_STYLE_HOLDS, GS_STYLE_WITHOUT, GS_STYLE_IDLE};
    (void)width;
    gs_text_style(text, styles[at(drawing, row)->state]);
    gs_text_put(text, "%s", gs_task_state_name((enum gs_task_state)at(drawing, row)->state));
    gs_text_style(text, GS_STYLE_PLAIN);
}

static void put_since(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    (void)width;
    if (at(drawing, row)->for_us > 0)
        gs_time_put(text, at(drawing, row)->for_us, at(drawing, row)->at_least);
    else
        gs_text_put(text, "-");
}

static int by_state(const struct gs_drawing *drawing, size_t a, size_t b)
{
    int result = (int)at(drawing, a)->state - (int)at(drawing, b)->state;
    return result ? result : gs_compare_u64(at(drawing, a)->count, at(drawing, b)->count);
}

/* More than one thread has a loop. */
static bool several_threads(const struct gs_drawing *drawing)
{
    const struct gs_picture *picture = drawing->picture;
    bool several = false;
    for (size_t i = 1; i < picture->task_rows; i++)
        several |= picture->tasks[i].tid != picture->tasks[0].tid;
    return several;
}

#define FIELD(name) offsetof(struct gs_picture_task, name)

static const struct gs_column columns[] = {
    {"STATE", 7, .put = put_state, .compare = by_state, .words = true},
    {"TASKS", 6, .kind = GS_FIELD_COUNT, .field = FIELD(count), .sorts = true},
    {"FOR", 7, .least_columns = 48, .put = put_since, .kind = GS_FIELD_TIME, .field = FIELD(for_us), .sorts = true},
    {"PROCESS", 7, .least_columns = 70, .shown = gs_shows_several, .kind = GS_FIELD_PROCESS, .field = FIELD(process)},
    {"TID", 7, .least_columns = 84, .shown = several_threads, .kind = GS_FIELD_TID, .field = FIELD(tid)},
    {"NAME", 8, .share = 2, .most = 24, .kind = GS_FIELD_TEXT, .field = FIELD(name), .sorts = true},
    {"WAITS FOR", 9, .share = 3, .most = 40, .kind = GS_FIELD_TEXT, .field = FIELD(waits_for), .sorts = true},
    {"AT", 8, .share = 5, .least_columns = 38, .kind = GS_FIELD_PLACE, .field = FIELD(place)},
};

/* What they wait for may be told in other words from one look to the next: "sleep, 2.9 s left". */
static uint64_t id(const struct gs_drawing *drawing, size_t row)
{
    const struct gs_picture_task *task = at(drawing, row);
    uint64_t sum = (uint64_t)task->tid * 31 + task->state;
    for (const char *p = task->name; *p; p++)
        sum = sum * 31 + (unsigned char)*p;
    return gs_place_id(sum, &task->place);
}

static bool fits(const struct gs_drawing *drawing, size_t row, const char *words)
{
    const struct gs_picture_task *task = at(drawing, row);
    return gs_words_in(task->names, words) || gs_words_in(task->waits_for, words) ||
           gs_words_in(gs_task_state_name((enum gs_task_state)task->state), words) ||
           gs_place_fits(&task->place, words);
}

static const struct gs_picture_thread *thread(const struct gs_drawing *drawing, size_t row)
{
    return gs_thread_with(drawing->picture, at(drawing, row)->process, at(drawing, row)->tid);
}

static const char *nothing(const struct gs_drawing *drawing)
{
    return drawing->picture->tasks_read ? "no thread runs an event loop that has tasks, or has greenlets"
                                        : "the tasks are not read yet";
}

static void above(const struct gs_drawing *drawing, struct gs_text *text)
{
    const struct gs_picture *picture = drawing->picture;
    gs_text_style(text, GS_STYLE_DIM);
    gs_words_count(text, picture->task_count, "task", "tasks, alike ones in one row");
    if (picture->tasks_left_out > 0)
        gs_text_put(text, "; %zu more are not listed", picture->tasks_left_out);
    if (picture->tasks_ago_us >= STALE_US) {
        gs_text_put(text, "; read ");
        gs_time_put(text, picture->tasks_ago_us, false);
        gs_text_put(text, " ago");
    }
}

const struct gs_pane gs_pane_tasks = {
    .name = "Tasks",
    .about = "tasks of event loops and greenlets: since when, what each waits for, where it stands",
    .show = GS_SHOW_TASKS,
    .columns = columns,
    .column_count = sizeof columns / sizeof *columns,
    .sort = 0,
    GS_PANE_ROWS(tasks, task_rows),
    .id = id,
    .fits = fits,
    .thread = thread,
    .nothing = nothing,
    .above = above,
};
