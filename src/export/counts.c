/* One table says how each counter is called, and which are shown. */
#include "base/table.h"
#include "export/counts.h"
#include "export/json.h"
#include "export/words.h"

enum { NAME_MOST = 24, ROWS_MOST = 60 };

_Static_assert(GS_COUNTERS + 2 <= GS_TABLE_COLUMNS, "thread and state before them");

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

struct listing {
    struct gs_table table;
    const struct gs_gilstat *stat;
    size_t most; /* threads that are shown */
};

static void put_titles(struct listing *l)
{
    gs_text_style(&l->table.line, GS_STYLE_BOLD);
    gs_text_put(&l->table.cell, "THREAD");
    gs_table_put(&l->table, false);
    gs_text_put(&l->table.cell, "GIL");
    gs_table_put(&l->table, false);
    for (int c = 0; c < GS_COUNTERS; c++) {
        if (!is_counted(l->stat, c))
            continue;
        gs_text_put(&l->table.cell, "%s", counters[c].title);
        gs_table_put(&l->table, true);
    }
    gs_text_style(&l->table.line, GS_STYLE_PLAIN);
    gs_table_end_row(&l->table);
}

static bool is_empty(const struct gs_gilstat *stat, const uint64_t values[GS_COUNTERS])
{
    uint64_t any = 0;
    for (int i = 0; i < GS_COUNTERS; i++)
        any |= is_counted(stat, i) ? values[i] : 0;
    return any == 0;
}

static bool put_rows(struct listing *l, const char *name, bool main, const struct gs_gilstat_counts *counts)
{
    bool any = false;
    struct gs_text *cell = &l->table.cell;
    for (int i = 0; i < GS_COUNTS_WORDS; i++) {
        enum gs_gil_word word = gs_counts_words[i];
        if (is_empty(l->stat, counts->by_word[word]))
            continue;
        gs_text_fit(cell, any ? "" : name, NAME_MOST, GS_CUT_MIDDLE);
        gs_text_put(cell, main && !any ? " *" : "");
        gs_table_put(&l->table, false);
        gs_text_put(cell, "%s", gs_gil_word_name(word));
        gs_table_put(&l->table, false);
        for (int c = 0; c < GS_COUNTERS; c++) {
            if (!is_counted(l->stat, c))
                continue;
            if (c == GS_TASK_CLOCK)
                gs_words_time(cell, counts->by_word[word][c] / counters[c].unit);
            else
                gs_words_number(cell, counts->by_word[word][c]);
            gs_table_put(&l->table, true);
        }
        gs_table_end_row(&l->table);
        any = true;
    }
    return any;
}

static void put_all(struct listing *l)
{
    size_t shown = 0, left = 0;
    put_titles(l);
    for (size_t i = 0; i < l->stat->thread_count; i++) {
        const struct gs_gilstat_thread *thread = &l->stat->threads[i];
        if (shown == l->most)
            left++;
        else
            shown += put_rows(l, thread->name, thread->main, &thread->counts);
    }
    put_rows(l, "all threads", false, &l->stat->counts);
    if (left > 0) {
        gs_words_count(&l->table.line, left, "more thread", "more threads");
        gs_text_put(&l->table.line, " (-v shows them)");
        gs_table_end_row(&l->table);
    }
}

enum gs_status gs_counts_text(const struct gs_gilstat *stat, const struct gs_console *console, bool verbose)
{
    struct listing l = {.stat = stat, .most = verbose ? SIZE_MAX : ROWS_MOST};
    if (!stat->counted)
        return GS_OK;
    gs_table_init(&l.table, console);
    gs_text_write(&l.table.line, console);
    do
        put_all(&l);
    while (gs_table_again(&l.table));
    return gs_table_fini(&l.table);
}
