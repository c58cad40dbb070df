/* Columns are as wide as what stands in them, in characters and not in bytes; figures end at the right. */
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "support/unit.h"

static void put_row(struct gs_table *table, const char *name, const char *figure, const char *rest)
{
    gs_text_put(&table->cell, "%s", name);
    gs_table_put(table, false);
    gs_text_put(&table->cell, "%s", figure);
    gs_table_put(table, true);
    gs_table_reach(table);
    gs_text_put(&table->line, "%s", rest);
    gs_table_end_row(table);
}

static void check(struct gs_table *table, struct gs_console *console, const char *expected)
{
    char *text = NULL;
    size_t len = 0;
    console->out = open_memstream(&text, &len);
    assert_non_null(console->out);
    do {
        put_row(table, "é", "1", "short");
        put_row(table, "worker", "1,000", "somewhat longer");
    } while (gs_table_again(table));
    assert_int_equal(gs_table_fini(table), GS_OK);
    fclose(console->out);
    assert_string_equal(text, expected);
    free(text);
}

UNIT_TEST(as_wide_as_needed)
{
    struct gs_console console = {.utf8 = true};
    struct gs_table table;
    gs_table_init(&table, &console);
    check(&table, &console,
          "é           1  short\n"
          "worker  1,000  somewhat longer\n");
}

UNIT_TEST(at_least_as_wide_as_told)
{
    struct gs_console console = {.utf8 = true};
    struct gs_table table;
    gs_table_init(&table, &console);
    table.widths[0] = 8;
    table.gap = 1;
    check(&table, &console,
          "é            1 short\n"
          "worker   1,000 somewhat longer\n");
}

UNIT_TEST(cut_to_the_terminal)
{
    struct gs_console console = {.utf8 = true, .columns = 20};
    struct gs_table table;
    gs_table_init(&table, &console);
    check(&table, &console,
          "é           1  short\n"
          "worker  1,000  somew\n");
}
