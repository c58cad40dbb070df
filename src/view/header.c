/* The head: what process, and is its GIL the problem. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "view/parts.h"

/* Heights and lengths in eighths of a character. */
/* A bar of `width` columns, of which `share` is full. */
static void bar_put(struct gs_text *text, double share, int width)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    share = share > 1 ? 1 : share < 0 ? 0 : share;
    int full = (int)(share * width * 8 + 0.5), used = full / 8;
    for (int i = 0; i < used; i++)
        gs_text_put(text, "%s", text->utf8 ? "█" : "#");
    if (text->utf8 && full % 8 > 0) {
        gs_text_put(text, "%s", eighths[full % 8]);
        used++;
    }
    for (; used < width; used++)
        gs_text_put(text, "%s", text->utf8 ? "░" : ".");
}

/* A column per value, of which full height is `most`. */
static void spark_put(struct gs_text *text, const float *values, size_t count, double most)
{
    static const char *const heights[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char plain[] = " .,:-=+*#";
    for (size_t i = 0; i < count; i++) {
        double height = most > 0 ? (double)values[i] / most * 8 : 0;
        int step = height >= 8 ? 8 : height <= 0 ? 0 : (int)(height + 0.5);
        if (step == 0 && values[i] > 0)
            step = 1; /* little is not nothing */
        if (text->utf8)
            gs_text_put(text, "%s", heights[step]);
        else
            gs_text_put(text, "%c", plain[step]);
    }
}

enum {
    PIECES = 12,
    BAR_MOST = 28,
    BAR_LEAST = 6,
    LABEL = 8,
    GILS_SHOWN = 3,
    SHORT = 14,
    TALL = 20,
    PATTERNS_MOST = 2,
    PATTERN_MOST = 16
};

/* A line made of pieces with blanks between them, of which the least needed go where there is no room. */
struct pieces {
    struct gs_text texts[PIECES];
    int ranks[PIECES]; /* the higher, the sooner it goes; 0: never */
    size_t count;
    bool utf8;
};

static struct gs_text *piece(struct pieces *pieces, int rank)
{
    struct gs_text *text = &pieces->texts[pieces->count];
    gs_text_init(text, pieces->utf8);
    pieces->ranks[pieces->count++] = rank;
    return text;
}

static int width_of(const struct pieces *pieces)
{
    int width = 1;
    for (size_t i = 0; i < pieces->count; i++)
        width += pieces->ranks[i] < 0 ? 0 : pieces->texts[i].columns + (i > 0 ? 3 : 0);
    return width;
}

static void join(struct pieces *pieces, int columns, struct gs_text *text)
{
    while (columns > 0 && width_of(pieces) > columns) {
        size_t worst = 0;
        for (size_t i = 0; i < pieces->count; i++)
            worst = pieces->ranks[i] > pieces->ranks[worst] ? i : worst;
        if (pieces->ranks[worst] <= 0)
            break;
        pieces->ranks[worst] = -1;
    }
    gs_text_put(text, " ");
    bool first = true;
    for (size_t i = 0; i < pieces->count; i++) {
        if (pieces->ranks[i] >= 0) {
            gs_text_put(text, "%s", first ? "" : "   ");
            gs_text_join(text, &pieces->texts[i]);
            first = false;
        }
        gs_text_fini(&pieces->texts[i]);
    }
}

/* ---- the process ---- */

static void put_moment(const struct gs_view_moment *moment, struct gs_text *text)
{
    gs_text_put(text, "%s, ", moment->clock);
    gs_words_time(text, moment->at_us);
    gs_text_put(text, " of ");
    gs_words_time(text, moment->length_us);
    if (moment->speed != 1)
        gs_text_put(text, ", x%g", moment->speed);
}

/* How often samples are taken, and how good they are; of a recording where it is. */
static void put_rate(const struct gs_drawing *drawing, struct gs_text *text)
{
    const struct gs_picture *picture = drawing->picture;
    if (drawing->view->moment.clock[0]) {
        put_moment(&drawing->view->moment, text);
        return;
    }
    if (isinf(picture->rate_hz))
        gs_text_put(text, "max Hz");
    else
        gs_text_put(text, "%g Hz", picture->rate_hz);
    if (picture->whole >= 0)
        gs_text_put(text, ", whole %.0f %%", picture->whole * 100);
    if (picture->refused > 0)
        gs_text_put(text, ", traced by another program: %" PRIu64 " not stopped", picture->refused);
}

/* How many there are; and how many of these are listed, and why these. */
static void put_threads(const struct gs_drawing *drawing, uint32_t process, struct gs_text *text)
{
    const struct gs_picture *picture = drawing->picture;
    size_t listed = 0;
    for (size_t i = 0; i < picture->thread_count; i++)
        listed += picture->threads[i].process == process;
    const struct gs_view *view = drawing->view;
    if (view->pattern_count > 0)
        gs_text_put(text, "%zu of ", listed);
    gs_words_count(text, picture->processes[process].threads, "thread", "threads");
    for (size_t i = 0; i < view->pattern_count && i < PATTERNS_MOST; i++) {
        gs_text_put(text, i > 0 ? ", " : ": ");
        gs_text_fit(text, view->patterns[i], PATTERN_MOST, GS_CUT_END);
    }
    if (view->pattern_count > PATTERNS_MOST)
        gs_text_put(text, ", ...");
}

static void put_title(const struct gs_drawing *drawing, uint32_t number, struct gs_text *text)
{
    const struct gs_picture_process *process = &drawing->picture->processes[number];
    struct pieces pieces = {.utf8 = text->utf8};
    const struct gs_picture *picture = drawing->picture;
    struct gs_text *command = piece(&pieces, 0);
    gs_text_style(command, GS_STYLE_BOLD);
    gs_text_fit(command, gs_command_short(process->command), drawing->columns == 0 ? 60 : drawing->columns / 3,
                GS_CUT_END);
    gs_text_style(command, GS_STYLE_PLAIN);
    gs_text_put(piece(&pieces, 1), "pid %d", (int)process->pid);
    if (process->ended) {
        struct gs_text *ended = piece(&pieces, 0);
        gs_text_style(ended, GS_STYLE_REVERSE);
        gs_text_put(ended, " ended ");
        gs_text_style(ended, GS_STYLE_PLAIN);
    }
    if (drawing->several)
        gs_words_count(piece(&pieces, 2), picture->process_count, "process", "processes");
    gs_text_put(piece(&pieces, 5), "Python %s", process->python);
    if (process->uptime_us > 0) {
        struct gs_text *up = piece(&pieces, 6);
        gs_text_put(up, "up ");
        gs_words_time(up, process->uptime_us);
    }
    put_threads(drawing, number, piece(&pieces, 3));
    if (process->cpu >= 0)
        gs_text_put(piece(&pieces, 2), "CPU %.0f %%", process->cpu * 100);
    struct gs_text *rate = piece(&pieces, drawing->view->moment.clock[0] ? 1 : 4);
    put_rate(drawing, rate);
    int corner = rate->columns;
    join(&pieces, drawing->columns, text);
    if (pieces.ranks[pieces.count - 1] < 0 || drawing->columns == 0)
        return;
    /* Our own figures in the corner. */
    struct gs_text own;
    gs_text_init(&own, text->utf8);
    put_rate(drawing, &own);
    gs_text_cut(text, text->columns - corner);
    gs_text_pad(text, drawing->columns - corner - 1);
    gs_text_style(text, GS_STYLE_DIM);
    gs_text_join(text, &own);
    gs_text_fini(&own);
}

/* ---- its GIL ---- */

static void put_longest(const struct gs_drawing *drawing, const struct gs_picture_hold *longest, int function,
                        struct gs_text *text)
{
    gs_text_put(text, longest->at_least ? "longest >" : "longest ");
    gs_words_time(text, longest->longest_us);
    if (longest->place.function && !longest->place.gap) {
        gs_text_put(text, " ");
        gs_place_put_function(drawing, &longest->place, function, text);
    }
}

static void put_gil(const struct gs_drawing *drawing, const struct gs_picture_gil *gil, size_t of, struct gs_text *text)
{
    struct pieces pieces = {.utf8 = text->utf8};
    struct gs_text *held = piece(&pieces, 0);
    gs_text_put(held, "GIL");
    if (of > 1)
        gs_text_put(held, " %u", gil->lock);
    if (gil->state == GS_GIL_DISABLED) {
        gs_text_put(held, " none: this Python is free-threaded");
        join(&pieces, drawing->columns, text);
        return;
    }
    int bar = drawing->columns == 0 ? 0 : (drawing->columns - 68) / 2;
    bar = bar > BAR_MOST ? BAR_MOST : bar;
    if (bar >= BAR_LEAST || drawing->columns == 0) {
        gs_text_put(held, " ");
        gs_text_style(held, GS_STYLE_HOLDS);
        bar_put(held, gil->held, drawing->columns == 0 ? 20 : bar);
        gs_text_style(held, GS_STYLE_PLAIN);
    }
    gs_text_put(held, gil->held >= 0.9995 ? " %.0f %% held" : " %.1f %% held", gil->held * 100);
    struct gs_text *waiting = piece(&pieces, 1);
    gs_text_style(waiting, gil->waiters > 0 ? GS_STYLE_WAITS : GS_STYLE_PLAIN);
    gs_text_put(waiting, "%s %zu waiting", gs_face_symbol(GS_FACE_WAITS, text->utf8), gil->waiters);
    gs_text_style(waiting, GS_STYLE_PLAIN);
    if (gil->handovers_hz >= 0)
        gs_text_put(piece(&pieces, 3), gil->handovers_hz < 9.95 ? "%.1f hand-overs/s" : "%.0f hand-overs/s",
                    gil->handovers_hz);
    if (gil->longest.tid)
        put_longest(drawing, &gil->longest, drawing->columns > 0 && drawing->columns < 100 ? 12 : 24,
                    piece(&pieces, 2));
    join(&pieces, drawing->columns, text);
}

static void put_holder(const struct gs_drawing *drawing, const struct gs_picture_gil *gil, struct gs_text *text)
{
    const struct gs_picture_hold *now = &gil->now;
    gs_text_put(text, drawing->picture->processes[gil->process].ended ? " at the end: " : " ");
    if (gil->state != GS_GIL_HELD || !now->tid) {
        gs_text_style(text, GS_STYLE_DIM);
        gs_text_put(text, "%s", gil->state == GS_GIL_HELD ? "held, by whom is not known" : "nobody holds it");
        return;
    }
    gs_text_style(text, GS_STYLE_HOLDS);
    gs_text_put(text, "%s ", gs_face_symbol(GS_FACE_HOLDS, text->utf8));
    gs_words_thread(text, now->name ? now->name : "", now->tid, 20);
    gs_text_style(text, GS_STYLE_PLAIN);
    if (now->longest_us >= 1000) {
        gs_text_put(text, now->at_least ? " for at least " : " for ");
        gs_words_time(text, now->longest_us);
    }
    if (!now->place.function)
        return;
    gs_text_put(text, "   ");
    int left = drawing->columns - text->columns;
    gs_place_put_function(drawing, &now->place, drawing->columns > 0 && left < 30 ? left / 2 : 24, text);
    gs_text_put(text, " ");
    left = drawing->columns - text->columns;
    gs_place_put_file(drawing, &now->place, drawing->columns == 0 ? 0 : left > 1 ? left : 1, text);
}

static void put_curve(const struct gs_drawing *drawing, const char *label, const float *values, size_t seconds,
                      double most, struct gs_text *text)
{
    int room = drawing->columns - LABEL - 2 - 6;
    size_t count = seconds;
    if (room < 1)
        return;
    count = count > (size_t)room ? (size_t)room : count;
    gs_text_put(text, " %-*s", LABEL, label);
    spark_put(text, values + GS_PICTURE_SECONDS - count, count, most);
    gs_text_style(text, GS_STYLE_DIM);
    gs_text_put(text, "  %zu s", count);
}

static double highest(const struct gs_picture_gil *gil)
{
    double most = 1;
    for (size_t i = GS_PICTURE_SECONDS - gil->seconds; i < GS_PICTURE_SECONDS; i++)
        most = gil->waiting_s[i] > most ? gil->waiting_s[i] : most;
    return most;
}

int gs_header_put(const struct gs_drawing *drawing, int rows, struct gs_text lines[GS_HEADER_MOST])
{
    const struct gs_picture *picture = drawing->picture;
    uint32_t process = drawing->process;
    const struct gs_picture_gil *gils[GILS_SHOWN];
    size_t count = 0, all = 0;
    int used = 0;
    if (picture->process_count == 0) {
        gs_text_put(&lines[used++], " no Python yet");
        return used;
    }
    put_title(drawing, process, &lines[used++]);
    for (size_t i = 0; i < picture->gil_count; i++) {
        all += picture->gils[i].process == process;
        if (picture->gils[i].process == process && count < GILS_SHOWN)
            gils[count++] = &picture->gils[i];
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && rows < TALL)
            break;
        put_gil(drawing, gils[i], all, &lines[used++]);
        if (rows >= SHORT && gils[i]->state != GS_GIL_DISABLED)
            put_holder(drawing, gils[i], &lines[used++]);
    }
    if (count > 0 && rows >= TALL && drawing->columns > 0 && gils[0]->state != GS_GIL_DISABLED) {
        put_curve(drawing, "held", gils[0]->held_s, gils[0]->seconds, 1, &lines[used++]);
        put_curve(drawing, "waiting", gils[0]->waiting_s, gils[0]->seconds, highest(gils[0]), &lines[used++]);
    }
    if (all > count && rows >= TALL) {
        gs_text_put(&lines[used], " and ");
        gs_words_count(&lines[used++], all - count, "more GIL", "more GILs");
    }
    if (picture->processes[process].gils_left_out)
        gs_text_put(&lines[used++], " The GILs of interpreters beyond the first %d are left out", GS_GILS_MOST);
    return used;
}
