/* One table says how each counter is called, and which are shown. */
#include "base/text.h"
#include "export/counts.h"
#include "export/json.h"
#include "export/words.h"

enum { NAME_MOST = 24, ROWS_MOST = 60, COLUMNS = GS_COUNTERS + 2 /* thread and state before them */ };

const enum gs_gil_word gs_counts_words[GS_COUNTS_WORDS] = {GS_HOLDS, GS_WAITS, GS_WITHOUT, GS_UNKNOWN};

static const struct {
    const char *name, *title;
    uint32_t unit; /* of what is told */
} counters[GS_COUNTERS] = {
    [GS_TASK_CLOCK] = {"task_clock_us", "CPU TIME", 1000},
    [GS_PAGE_FAULTS] = {"page_faults", "PAGE FAULTS", 1},
    [GS_MAJOR_FAULTS] = {"major_faults", "MAJOR", 1},
    [GS_CONTEXT_SWITCHES] = {"context_switches", "SWITCHES", 1},
    [GS_PREEMPTIONS] = {"preemptions", "PREEMPTED", 1},
    [GS_MIGRATIONS] = {"migrations", "MIGRATIONS", 1},
    [GS_CYCLES] = {"cycles", "CYCLES", 1},
    [GS_INSTRUCTIONS] = {"instructions", "INSTRUCTIONS", 1},
    [GS_CACHE_MISSES] = {"cache_misses", "CACHE MISSES", 1},
};

const char *gs_counter_name(enum gs_counter counter)
{
    return counters[counter].name;
}

uint32_t gs_counter_unit(enum gs_counter counter)
{
    return counters[counter].unit;
}

static bool is_counted(const struct gs_gilstat *stat, int counter)
{
    return stat->counted >> counter & 1;
}

/* ---- JSON ---- */

static json_t *of_word(const struct gs_gilstat *stat, const uint64_t values[GS_COUNTERS])
{
    json_t *object = json_object();
    for (int i = 0; i < GS_COUNTERS; i++) {
        if (is_counted(stat, i) &&
            json_object_set_new(object, counters[i].name, json_integer((json_int_t)(values[i] / counters[i].unit)))) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

json_t *gs_counts_json(const struct gs_gilstat *stat, const struct gs_gilstat_counts *counts)
{
    json_t *object = stat->counted ? json_object() : json_null();
    for (int i = 0; i < GS_COUNTS_WORDS && stat->counted; i++) {
        enum gs_gil_word word = gs_counts_words[i];
        if (json_object_set_new(object, gs_gil_word_name(word), of_word(stat, counts->by_word[word]))) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* ---- the table ---- */

struct table {
    const struct gs_gilstat *stat;
    const struct gs_console *console;
    int widths[COLUMNS];
    bool measuring; /* how wide the columns have to be */
    struct gs_text line, cell;
};

static bool is_shown(const struct table *table, int column)
{
    return column < 2 || is_counted(table->stat, column - 2);
}

/* Puts what is in the cell: names to the left, figures to the right. */
static void set_cell(struct table *table, int column)
{
    int *width = &table->widths[column], gap = column > 0 ? 2 : 0;
    if (table->measuring) {
        *width = table->cell.columns > *width ? table->cell.columns : *width;
    } else {
        int end = table->line.columns + gap + *width;
        gs_text_pad(&table->line, column < 2 ? table->line.columns + gap : end - table->cell.columns);
        gs_text_join(&table->line, &table->cell);
        gs_text_pad(&table->line, end);
    }
    gs_text_clear(&table->cell);
}

static void end_row(struct table *table)
{
    if (!table->measuring)
        gs_text_write_cut(&table->line, table->console);
}

static void put_titles(struct table *table)
{
    gs_text_style(&table->line, GS_STYLE_BOLD);
    for (int column = 0; column < COLUMNS; column++) {
        if (!is_shown(table, column))
            continue;
        gs_text_put(&table->cell, "%s", column == 0 ? "THREAD" : column == 1 ? "GIL" : counters[column - 2].title);
        set_cell(table, column);
    }
    gs_text_style(&table->line, GS_STYLE_PLAIN);
    end_row(table);
}

static bool is_empty(const struct gs_gilstat *stat, const uint64_t values[GS_COUNTERS])
{
    uint64_t any = 0;
    for (int i = 0; i < GS_COUNTERS; i++)
        any |= is_counted(stat, i) ? values[i] : 0;
    return any == 0;
}

static bool put_rows(struct table *table, const char *name, bool main, const struct gs_gilstat_counts *counts)
{
    bool any = false;
    for (int i = 0; i < GS_COUNTS_WORDS; i++) {
        enum gs_gil_word word = gs_counts_words[i];
        if (is_empty(table->stat, counts->by_word[word]))
            continue;
        gs_text_fit(&table->cell, any ? "" : name, NAME_MOST, GS_CUT_END);
        gs_text_put(&table->cell, main && !any ? " *" : "");
        set_cell(table, 0);
        gs_text_put(&table->cell, "%s", gs_gil_word_name(word));
        set_cell(table, 1);
        for (int c = 0; c < GS_COUNTERS; c++) {
            if (!is_counted(table->stat, c))
                continue;
            if (c == GS_TASK_CLOCK)
                gs_words_time(&table->cell, counts->by_word[word][c] / counters[c].unit);
            else
                gs_words_number(&table->cell, counts->by_word[word][c]);
            set_cell(table, c + 2);
        }
        end_row(table);
        any = true;
    }
    return any;
}

static size_t put_table(struct table *table, size_t most)
{
    size_t shown = 0, left = 0;
    put_titles(table);
    for (size_t i = 0; i < table->stat->thread_count; i++) {
        const struct gs_gilstat_thread *thread = &table->stat->threads[i];
        if (shown == most)
            left++;
        else
            shown += put_rows(table, thread->name, thread->main, &thread->counts);
    }
    put_rows(table, "all threads", false, &table->stat->counts);
    return left;
}

enum gs_status gs_counts_text(const struct gs_gilstat *stat, const struct gs_console *console, bool verbose)
{
    struct table table = {.stat = stat, .console = console, .measuring = true};
    size_t most = verbose ? SIZE_MAX : ROWS_MOST;
    if (!stat->counted)
        return GS_OK;
    gs_text_init(&table.line, console->utf8);
    gs_text_init(&table.cell, console->utf8);
    put_table(&table, most);
    gs_text_clear(&table.line);
    table.measuring = false;
    gs_text_write(&table.line, console);
    size_t left = put_table(&table, most);
    if (left > 0) {
        gs_words_count(&table.line, left, "more thread", "more threads");
        gs_text_put(&table.line, " (-v shows them)");
        end_row(&table);
    }
    enum gs_status status = table.line.failed || table.cell.failed ? GS_NO_MEMORY : GS_OK;
    gs_text_fini(&table.line);
    gs_text_fini(&table.cell);
    return status;
}
