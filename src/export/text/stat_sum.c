/* The table of all processes that stands before that of each. */
#include <stdlib.h>

#include "base/table.h"
#include "export/stat_sum.h"
#include "export/words.h"

enum { PROGRAM_MOST = 40 };

static const char *const titles[] = {"PROCESS", "RUNS",    "GIL HELD %",   "CONTENDED %", "WAITING",
                                     "CPU %",   "THREADS", "HAND-OVERS/S", "LONGEST HOLD"};

static void put_figure(struct gs_table *table, struct gs_figure figure, double unit, int digits)
{
    if (figure.known)
        gs_text_put(&table->cell, "%.*f", digits, figure.value * unit);
    else
        gs_text_put(&table->cell, "-");
    gs_table_put(table, true);
}

static void put_row(struct gs_table *table, const struct gs_stat_sum *sum)
{
    if (sum->pid > 0)
        gs_text_put(&table->cell, "%d", (int)sum->pid);
    else
        gs_text_put(&table->cell, "all %zu", sum->processes);
    gs_table_put(table, true);
    gs_text_fit(&table->cell, sum->program ? sum->program : "", PROGRAM_MOST, GS_CUT_END);
    gs_table_put(table, false);
    put_figure(table, sum->held, 100, 1);
    put_figure(table, sum->contended, 100, 1);
    put_figure(table, sum->waiting, 1, 1);
    put_figure(table, sum->on_cpu, 100, 1);
    gs_text_put(&table->cell, "%zu", sum->threads);
    gs_table_put(table, true);
    put_figure(table, sum->switches_per_second, 1, 0);
    if (sum->longest_hold_us.known && sum->longest_hold_us.value > 0)
        gs_words_time(&table->cell, sum->longest_hold_us.value);
    else
        gs_text_put(&table->cell, "-");
    gs_table_put(table, true);
    gs_table_end_row(table);
}

static int by_waiting(const void *a, const void *b)
{
    const struct gs_stat_sum *x = a, *y = b;
    if (x->waiting.value != y->waiting.value)
        return x->waiting.value > y->waiting.value ? -1 : 1;
    if (x->held.value != y->held.value)
        return x->held.value > y->held.value ? -1 : 1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

enum gs_status gs_stat_sum_text(struct gs_stat_sum *sums, size_t count, const struct gs_console *console)
{
    struct gs_stat_sum all = gs_stat_sum_all(sums, count);
    struct gs_table table;
    qsort(sums, count, sizeof *sums, by_waiting);
    gs_table_init(&table, console);
    do {
        gs_text_style(&table.line, GS_STYLE_BOLD);
        for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
            gs_text_put(&table.cell, "%s", titles[i]);
            gs_table_put(&table, i != 1);
        }
        gs_text_style(&table.line, GS_STYLE_PLAIN);
        gs_table_end_row(&table);
        for (size_t i = 0; i < count; i++)
            put_row(&table, &sums[i]);
        put_row(&table, &all);
    } while (gs_table_again(&table));
    return gs_table_fini(&table);
}
