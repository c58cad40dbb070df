/* A table of the locks; behind it, of each, what it is, and in rows of their own who has it and who waits. */
#include "base/table.h"
#include "export/files.h"
#include "export/text/stat_locks.h"
#include "export/text/stat_words.h"
#include "export/words.h"

enum { WAITERS_NAMED = 4, COLUMNS = 4 };

/* A row that goes on with the text behind the columns. */
static void begin_detail(struct gs_table *table, const char *words)
{
    for (int i = 0; i < COLUMNS; i++)
        gs_table_put(table, true);
    gs_table_reach(table);
    gs_text_put(&table->line, "  %s ", words);
}

static void put_holder(struct gs_table *table, const struct gs_gilstat *stat, const struct gs_gilstat_lock *lock,
                       const struct gs_files *files)
{
    begin_detail(table, "held by");
    gs_stat_put_thread(&table->line, stat, lock->holder);
    if (lock->held_in.function[0]) {
        gs_text_put(&table->line, " ");
        gs_stat_put_place(&table->line, &lock->held_in, files);
    }
    gs_table_end_row(table);
}

static void put_waiters(struct gs_table *table, const struct gs_gilstat *stat, const struct gs_gilstat_lock *lock)
{
    size_t all = lock->waiter_count + lock->waiters_left_out;
    begin_detail(table, "wanted by");
    for (size_t i = 0; i < lock->waiter_count && i < WAITERS_NAMED; i++) {
        gs_text_put(&table->line, i > 0 ? ", " : "");
        gs_stat_put_thread(&table->line, stat, lock->waiters[i]);
    }
    if (all > WAITERS_NAMED)
        gs_text_put(&table->line, " and %zu more", all - WAITERS_NAMED);
    gs_table_end_row(table);
}

static void put_row(struct gs_table *table, const struct gs_gilstat *stat, const struct gs_gilstat_lock *lock,
                    const struct gs_files *files)
{
    char words[GS_WORDS_LOCK];
    gs_text_put(&table->cell, "%.2f", lock->mean_waiters);
    gs_table_put(table, true);
    gs_text_put(&table->cell, "%u", lock->most_waiters);
    gs_table_put(table, true);
    gs_words_time(&table->cell, lock->wait_us);
    gs_table_put(table, true);
    gs_words_time(&table->cell, lock->longest_wait_us);
    gs_table_put(table, true);
    gs_table_reach(table);
    gs_words_lock(words, sizeof words, lock);
    gs_text_add(&table->line, words);
    gs_table_end_row(table);
    if (lock->holder > 0)
        put_holder(table, stat, lock, files);
    put_waiters(table, stat, lock);
}

enum gs_status gs_stat_locks(const struct gs_gilstat *stat, const struct gs_console *console, size_t most)
{
    static const char *const titles[COLUMNS] = {"WAITING", "MOST", "WAITED", "LONGEST"};
    struct gs_table table;
    struct gs_files files = {0};
    for (size_t i = 0; i < stat->lock_count; i++)
        gs_files_learn(&files, stat->locks[i].held_in.file);
    gs_table_init(&table, console);
    do {
        gs_text_style(&table.line, GS_STYLE_BOLD);
        for (int i = 0; i < COLUMNS; i++) {
            gs_text_put(&table.cell, "%s", titles[i]);
            gs_table_put(&table, true);
        }
        gs_table_reach(&table);
        gs_text_put(&table.line, "FOR THE LOCK");
        gs_text_style(&table.line, GS_STYLE_PLAIN);
        gs_table_end_row(&table);
        for (size_t i = 0; i < stat->lock_count && i < most; i++)
            put_row(&table, stat, &stat->locks[i], &files);
    } while (gs_table_again(&table));
    return gs_table_fini(&table);
}
