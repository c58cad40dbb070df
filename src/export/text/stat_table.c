/* The table of threads in stat's text: columns as wide as they need to be. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "export/text/stat_table.h"
#include "export/words.h"

enum column { THREAD, TID, HAS, WAIT, NO, UNKNOWN, CPU, TAKES, WAITS, HOLD, LONGEST_WAIT, COLUMN_COUNT };

static const struct {
    const char *title, *narrow; /* on a line of less than WIDE columns */
} columns[COLUMN_COUNT] = {
    [THREAD] = {"THREAD", "THREAD"},
    [TID] = {"TID", "TID"},
    [HAS] = {"HAS GIL %", "HAS %"},
    [WAIT] = {"GIL WAIT %", "WAIT %"},
    [NO] = {"NO GIL %", "NO %"},
    [UNKNOWN] = {"UNKNOWN %", "UNKN %"},
    [CPU] = {"CPU %", "CPU %"},
    [TAKES] = {"TAKES", "TAKES"},
    [WAITS] = {"WAITS", "WAITS"},
    [HOLD] = {"LONGEST HOLD", "HOLD"},
    [LONGEST_WAIT] = {"LONGEST WAIT", "WAIT"},
};

enum { WIDE = 106, NAME_MOST = 24, FEW = 3 };
#define NOTHING 0.0005 /* shares that show as 0.0 % */

struct table {
    const struct gs_gilstat *stat;
    const struct gs_console *console;
    bool narrow, verbose, unknown, fold;
    int widths[COLUMN_COUNT];
    struct gs_text line, cell;
};

static bool is_idle(const struct gs_gilstat_thread *thread)
{
    return !thread->folded && thread->has < NOTHING && thread->waits < NOTHING && thread->unknown < NOTHING &&
           (!thread->on_cpu.known || thread->on_cpu.value < NOTHING);
}

static const char *title_of(const struct table *table, enum column column)
{
    return table->narrow ? columns[column].narrow : columns[column].title;
}

static void put_share(struct gs_text *cell, struct gs_figure share)
{
    if (share.known)
        gs_text_put(cell, "%.1f", share.value * 100);
    else
        gs_text_put(cell, "-");
}

static void put_count(struct gs_text *cell, struct gs_count count)
{
    if (count.known)
        gs_words_number(cell, count.value);
    else
        gs_text_put(cell, "-");
}

static void put_time(struct gs_text *cell, struct gs_count us)
{
    if (us.known && us.value > 0)
        gs_words_time(cell, us.value);
    else
        gs_text_put(cell, "-");
}

static void put_cell(struct table *table, const struct gs_gilstat_thread *thread, enum column column)
{
    struct gs_text *cell = &table->cell;
    const struct gs_figure shares[COLUMN_COUNT] = {[HAS] = gs_figure(thread->has),
                                                   [WAIT] = gs_figure(thread->waits),
                                                   [NO] = gs_figure(thread->without),
                                                   [UNKNOWN] = gs_figure(thread->unknown),
                                                   [CPU] = thread->on_cpu};
    gs_text_clear(cell);
    switch (column) {
    case THREAD:
        if (thread->folded)
            gs_words_count(cell, thread->folded, "that ended", "that ended");
        else
            gs_text_fit(cell, thread->name, table->verbose ? 0 : NAME_MOST, GS_CUT_END);
        gs_text_put(cell, thread->main ? " *" : "");
        break;
    case TID:
        if (thread->folded)
            gs_text_put(cell, "-");
        else
            gs_text_put(cell, "%d", (int)thread->tid);
        break;
    case TAKES:
        put_count(cell, thread->acquisitions);
        break;
    case WAITS:
        put_count(cell, thread->wait_count);
        break;
    case HOLD:
        put_time(cell, thread->longest_hold_us);
        break;
    case LONGEST_WAIT:
        put_time(cell, thread->longest_wait_us);
        break;
    default:
        put_share(cell, shares[column]);
        break;
    }
}

static bool is_shown(const struct table *table, enum column column)
{
    return column != UNKNOWN || table->unknown;
}

static void measure(struct table *table)
{
    size_t idle = 0;
    for (size_t i = 0; i < table->stat->thread_count; i++) {
        idle += is_idle(&table->stat->threads[i]);
        table->unknown |= table->stat->threads[i].unknown >= NOTHING;
    }
    table->fold = !table->verbose && idle > FEW;
    for (int c = 0; c < COLUMN_COUNT; c++) {
        table->widths[c] = (int)strlen(title_of(table, c));
        for (size_t i = 0; i < table->stat->thread_count; i++) {
            const struct gs_gilstat_thread *thread = &table->stat->threads[i];
            if (table->fold && is_idle(thread))
                continue;
            put_cell(table, thread, c);
            table->widths[c] = table->cell.columns > table->widths[c] ? table->cell.columns : table->widths[c];
        }
    }
}

/* The cell in its column: names to the left, figures to the right. */
static void set_cell(struct table *table, enum column column)
{
    int end = table->line.columns + table->widths[column] + (column > THREAD ? table->narrow ? 1 : 2 : 0);
    if (column > THREAD)
        gs_text_pad(&table->line, end - table->cell.columns);
    gs_text_join(&table->line, &table->cell);
    if (column == THREAD)
        gs_text_pad(&table->line, end);
}

static void write_titles(struct table *table)
{
    gs_text_style(&table->line, GS_STYLE_BOLD);
    for (int c = 0; c < COLUMN_COUNT; c++) {
        if (!is_shown(table, c))
            continue;
        gs_text_clear(&table->cell);
        gs_text_put(&table->cell, "%s", title_of(table, c));
        set_cell(table, c);
    }
    gs_text_style(&table->line, GS_STYLE_PLAIN);
    gs_text_write_cut(&table->line, table->console);
}

static size_t write_rows(struct table *table)
{
    size_t folded = 0;
    for (size_t i = 0; i < table->stat->thread_count; i++) {
        const struct gs_gilstat_thread *thread = &table->stat->threads[i];
        if (table->fold && is_idle(thread)) {
            folded++;
            continue;
        }
        for (int c = 0; c < COLUMN_COUNT; c++) {
            if (!is_shown(table, c))
                continue;
            put_cell(table, thread, c);
            set_cell(table, c);
        }
        gs_text_write_cut(&table->line, table->console);
    }
    return folded;
}

enum gs_status gs_stat_table(const struct gs_gilstat *stat, const struct gs_console *console, bool verbose)
{
    struct table table = {.stat = stat,
                          .console = console,
                          .narrow = console->columns > 0 && console->columns < WIDE,
                          .verbose = verbose};
    gs_text_init(&table.line, console->utf8);
    gs_text_init(&table.cell, console->utf8);
    measure(&table);
    write_titles(&table);
    size_t folded = write_rows(&table);
    if (folded > 0) {
        gs_words_count(&table.line, folded, "other thread", "other threads");
        gs_text_put(&table.line, " hardly ran, and neither had it nor waited for it");
        gs_text_write_cut(&table.line, console);
    }
    enum gs_status status = table.line.failed || table.cell.failed ? GS_NO_MEMORY : GS_OK;
    gs_text_fini(&table.line);
    gs_text_fini(&table.cell);
    return status;
}
