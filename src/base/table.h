/* A table of text, its columns as wide as what stands in them. The same code fills it twice: first it is measured, then
 * written.
 *
 *     gs_table_init(&table, console);
 *     do
 *         put_rows(&table);
 *     while (gs_table_again(&table));
 */
#ifndef GS_BASE_TABLE_H
#define GS_BASE_TABLE_H

#include "base/text.h"

enum { GS_TABLE_COLUMNS = 16 };

struct gs_table {
    const struct gs_console *console; /* not owned */
    struct gs_text cell;              /* what is put here is the next cell; empty after each */
    struct gs_text line;              /* for styles, and what stands behind the last column */
    int widths[GS_TABLE_COLUMNS];     /* may be set before it is measured: the least */
    int gap;                          /* blanks between two columns: 2 */
    int column, end;                  /* the next column; where the last one ended */
    bool measuring;
};

void gs_table_init(struct gs_table *table, const struct gs_console *console);
/* GS_NO_MEMORY: not all of it was written. */
enum gs_status gs_table_fini(struct gs_table *table) GS_MUST_CHECK;

/* The cell is complete. right: figures, which end where their column ends. */
void gs_table_put(struct gs_table *table, bool right);
/* Goes to where the next column begins, for text of any length behind the columns. */
void gs_table_reach(struct gs_table *table);
/* The row is complete: it is written, cut to the terminal. */
void gs_table_end_row(struct gs_table *table);
/* True once: all is measured, and is to be put again. */
bool gs_table_again(struct gs_table *table);

#endif
