/* Cells lie in a line at once; nothing of a table is kept but the widths of its columns. */
#include "base/table.h"

void gs_table_init(struct gs_table *table, const struct gs_console *console)
{
    *table = (struct gs_table){.console = console, .gap = 2, .measuring = true};
    gs_text_init(&table->cell, console->utf8);
    gs_text_init(&table->line, console->utf8);
}

enum gs_status gs_table_fini(struct gs_table *table)
{
    bool failed = table->cell.failed || table->line.failed;
    gs_text_fini(&table->cell);
    gs_text_fini(&table->line);
    return failed ? GS_NO_MEMORY : GS_OK;
}

void gs_table_reach(struct gs_table *table)
{
    gs_text_pad(&table->line, table->end + (table->column > 0 ? table->gap : 0));
}

void gs_table_put(struct gs_table *table, bool right)
{
    int *width = &table->widths[table->column], columns = table->cell.columns;
    if (table->measuring && columns > *width)
        *width = columns;
    int begin = table->end + (table->column > 0 ? table->gap : 0);
    gs_text_pad(&table->line, right ? begin + *width - columns : begin);
    gs_text_join(&table->line, &table->cell);
    gs_text_clear(&table->cell);
    table->end = begin + *width;
    table->column++;
}

void gs_table_end_row(struct gs_table *table)
{
    if (table->measuring)
        gs_text_clear(&table->line);
    else
        gs_text_write_cut(&table->line, table->console);
    table->column = table->end = 0;
}

bool gs_table_again(struct gs_table *table)
{
    bool again = table->measuring;
    table->measuring = false;
    return again;
}
