/* thread, tid, total, no gil %, has gil %, gil wait %; unknown % where anything is. */
#include <inttypes.h>

#include "base/table.h"
#include "base/wrap.h"
#include "export/counts.h"
#include "export/text/hogs.h"
#include "export/text/pauses.h"
#include "export/text/trace.h"
#include "export/words.h"

enum {
    NAME_LEAST = 8,
    NAME_MOST = 32,
    ROWS_MOST = 60,
    CAUSES_MOST = 10,
    COLUMNS = 7 /* the last only where anything is unknown */
};

static const struct {
    const char *title;
    int least; /* columns */
} columns[COLUMNS] = {{"THREAD", NAME_LEAST}, {"TID", 7},         {"TOTAL", 8},     {"NO GIL %", 10},
                      {"HAS GIL %", 10},      {"GIL WAIT %", 12}, {"UNKNOWN %", 10}};

static int count_columns(const struct gs_gilstat *stat)
{
    static const double nothing = 0.0005; /* what is shown as 0.0 */
    for (size_t i = 0; i < stat->thread_count; i++) {
        if (stat->threads[i].unknown >= nothing)
            return COLUMNS;
    }
    return COLUMNS - 1;
}

static void put_titles(struct gs_table *table, int count)
{
    gs_text_style(&table->line, GS_STYLE_BOLD);
    for (int c = 0; c < count; c++) {
        gs_text_put(&table->cell, "%s", columns[c].title);
        gs_table_put(table, c > 0);
    }
    gs_text_style(&table->line, GS_STYLE_PLAIN);
    gs_table_end_row(table);
}

static void put_row(struct gs_table *table, const struct gs_gilstat *stat, const struct gs_gilstat_thread *thread,
                    int count)
{
    const double shares[] = {thread->without, thread->has, thread->waits, thread->unknown};
    gs_text_fit(&table->cell, thread->name, thread->main ? NAME_MOST - 2 : NAME_MOST, GS_CUT_MIDDLE);
    gs_text_put(&table->cell, thread->main ? " *" : "");
    gs_table_put(table, false);
    gs_text_put(&table->cell, "%d", (int)thread->tid);
    gs_table_put(table, true);
    gs_words_time(&table->cell, (uint64_t)(stat->exact_seconds * 1e6));
    gs_table_put(table, true);
    for (int c = 3; c < count; c++) {
        gs_text_put(&table->cell, "%.1f", shares[c - 3] * 100);
        gs_table_put(table, true);
    }
    gs_table_end_row(table);
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

static void put_threads(struct gs_table *table, const struct gs_gilstat *stat, bool verbose)
{
    size_t rows = 0, left = 0;
    int count = count_columns(stat);
    put_titles(table, count);
    for (size_t i = 0; i < stat->thread_count; i++) {
        bool shown = verbose || (rows < ROWS_MOST && !did_nothing(&stat->threads[i]));
        if (!shown && !table->measuring) { /* columns do not depend on who is left out */
            left++;
            continue;
        }
        put_row(table, stat, &stat->threads[i], count);
        rows++;
    }
    if (stat->threads_known > 0) {
        gs_words_chosen(&table->line, stat->thread_count, stat->threads_known);
        gs_table_end_row(table);
    }
    if (left > 0) {
        gs_words_count(&table->line, left + stat->threads_left_out, "more thread", "more threads");
        gs_text_put(&table->line, rows == ROWS_MOST ? " (-v shows them)" : ", without the GIL all the time");
        gs_table_end_row(table);
    }
}

enum gs_status gs_trace_text(const struct gs_gilstat *stat, const struct gs_console *console, bool verbose)
{
    struct gs_table table;
    struct gs_text head;
    gs_table_init(&table, console);
    gs_text_init(&head, console->utf8);
    for (int c = 0; c < COLUMNS; c++)
        table.widths[c] = columns[c].least;
    put_head(&head, stat);
    gs_wrap_write(&table.line, console, 0, head.bytes ? head.bytes : "");
    table.line.failed |= head.failed;
    gs_text_fini(&head);
    if (stat->why) {
        gs_text_put(&table.line, "Not all of it was traced: ");
        gs_wrap_write(&table.line, console, 0, stat->why);
    }
    gs_text_write(&table.line, console);
    do
        put_threads(&table, stat, verbose);
    while (gs_table_again(&table));
    if (stat->hog_count > 0)
        gs_stat_hogs(&table.line, stat, console, verbose);
    gs_stat_pauses(&table.line, stat, console, verbose ? SIZE_MAX : CAUSES_MOST);
    enum gs_status status = gs_table_fini(&table);
    return status ? status : gs_counts_text(stat, console, verbose);
}
