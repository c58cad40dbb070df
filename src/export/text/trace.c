/* thread, tid, total, no gil %, has gil %, gil wait %; unknown % where anything is. */
#include <inttypes.h>

#include "export/counts.h"
#include "export/text/hogs.h"
#include "export/text/trace.h"
#include "export/words.h"

enum {
    NAME_LEAST = 8,
    NAME_MOST = 32,
    ROWS_MOST = 60,
    TID_WIDTH = 9,
    TOTAL_WIDTH = 10,
    SHARE_WIDTH = 12,
    CELLS = 6 /* behind the name; the last is left out where nothing is unknown */
};

static void put_right(struct gs_text *line, int from, int width, const struct gs_text *cell)
{
    gs_text_pad(line, from + width - cell->columns);
    gs_text_join(line, cell);
}

static void put_cells(struct gs_text *line, int from, const char *const cells[CELLS], int count)
{
    static const int widths[CELLS] = {TID_WIDTH, TOTAL_WIDTH, SHARE_WIDTH, SHARE_WIDTH, SHARE_WIDTH + 2, SHARE_WIDTH};
    struct gs_text cell;
    gs_text_init(&cell, line->utf8);
    for (int i = 0; i < count; i++) {
        gs_text_put(&cell, "%s", cells[i]);
        put_right(line, from, widths[i], &cell);
        from += widths[i];
        gs_text_clear(&cell);
    }
    gs_text_fini(&cell);
}

static int measure_names(const struct gs_gilstat *stat, bool utf8)
{
    int widest = NAME_LEAST;
    for (size_t i = 0; i < stat->thread_count; i++) {
        int columns = gs_text_width(stat->threads[i].name, utf8) + (stat->threads[i].main ? 2 : 0);
        widest = columns > widest ? columns : widest;
    }
    return widest > NAME_MOST ? NAME_MOST : widest;
}

static int count_cells(const struct gs_gilstat *stat)
{
    static const double nothing = 0.0005; /* what is shown as 0.0 */
    for (size_t i = 0; i < stat->thread_count; i++) {
        if (stat->threads[i].unknown >= nothing)
            return CELLS;
    }
    return CELLS - 1;
}

static void put_row(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_gilstat_thread *thread,
                    int names, int count)
{
    char cells[CELLS][32];
    struct gs_text total;
    gs_text_init(&total, false);
    gs_words_time(&total, (uint64_t)(stat->exact_seconds * 1e6));
    snprintf(cells[0], sizeof cells[0], "%d", (int)thread->tid);
    snprintf(cells[1], sizeof cells[1], "%.*s", (int)total.len, total.bytes ? total.bytes : "");
    snprintf(cells[2], sizeof cells[2], "%.1f", thread->without * 100);
    snprintf(cells[3], sizeof cells[3], "%.1f", thread->has * 100);
    snprintf(cells[4], sizeof cells[4], "%.1f", thread->waits * 100);
    snprintf(cells[5], sizeof cells[5], "%.1f", thread->unknown * 100);
    gs_text_fini(&total);
    gs_text_fit(line, thread->name, thread->main ? names - 2 : names, GS_CUT_END);
    if (thread->main)
        gs_text_put(line, " *");
    put_cells(line, names, (const char *const[CELLS]){cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]},
              count);
}

static void put_head(struct gs_text *line, const struct gs_gilstat *stat)
{
    gs_text_put(line, "Python ");
    gs_text_add(line, stat->python);
    gs_text_put(line, ", pid %d: %.1f s", (int)stat->pid, stat->seconds);
    if (stat->method == GS_METHOD_EXACT)
        gs_text_put(line, " traced, ");
    else
        gs_text_put(line, ", %.1f s of them traced, ", stat->exact_seconds);
    gs_words_number(line, stat->events.value);
    gs_text_put(line, stat->lost_at_least ? " events, at least " : " events, ");
    gs_words_number(line, stat->events_lost.value);
    gs_text_put(line, " lost, ");
    gs_words_number(line, stat->violations.value);
    gs_text_put(line, " out of order; it cost the process and gilspy %.1f %% of a processor",
                stat->overhead.value * 100);
}

static bool did_nothing(const struct gs_gilstat_thread *thread)
{
    return !thread->main && thread->has + thread->waits + thread->unknown <= 0;
}

enum gs_status gs_trace_text(const struct gs_gilstat *stat, const struct gs_console *console, bool verbose)
{
    struct gs_text line;
    size_t rows = 0, left = 0;
    int names = measure_names(stat, console->utf8), cells = count_cells(stat);
    gs_text_init(&line, console->utf8);
    put_head(&line, stat);
    gs_text_write(&line, console);
    if (stat->why) {
        gs_text_put(&line, "Not all of it was traced: ");
        gs_text_add(&line, stat->why);
        gs_text_write(&line, console);
    }
    gs_text_write(&line, console);
    gs_text_style(&line, GS_STYLE_BOLD);
    gs_text_put(&line, "THREAD");
    put_cells(&line, names,
              (const char *const[CELLS]){"TID", "TOTAL", "NO GIL %", "HAS GIL %", "GIL WAIT %", "UNKNOWN %"}, cells);
    gs_text_style(&line, GS_STYLE_PLAIN);
    gs_text_write(&line, console);
    for (size_t i = 0; i < stat->thread_count; i++) {
        if (!verbose && (rows == ROWS_MOST || did_nothing(&stat->threads[i]))) {
            left++;
            continue;
        }
        put_row(&line, stat, &stat->threads[i], names, cells);
        gs_text_write(&line, console);
        rows++;
    }
    if (stat->threads_known > 0) {
        gs_words_chosen(&line, stat->thread_count, stat->threads_known);
        gs_text_write(&line, console);
    }
    if (left > 0) {
        gs_words_count(&line, left + stat->threads_left_out, "more thread", "more threads");
        gs_text_put(&line, rows == ROWS_MOST ? " (-v shows them)" : ", without the GIL all the time");
        gs_text_write(&line, console);
    }
    if (stat->hog_count > 0)
        gs_stat_hogs(&line, stat, console, verbose ? SIZE_MAX : GS_STAT_HOGS);
    gs_text_fini(&line);
    return gs_counts_text(stat, console, verbose);
}
