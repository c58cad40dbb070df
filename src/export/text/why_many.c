/* One table for all processes; details follow of those that differ. */
#include <string.h>

#include "base/table.h"
#include "export/files.h"
#include "export/why_many.h"
#include "export/words.h"

enum { ROLE_MOST = 40, PIDS_SHOWN = 3 };

static const char *const titles[] = {"PROCESS", "ROLE", "VERDICT", "GIL HELD", "WAITED FOR", "WHERE"};
static const bool right[] = {false, false, false, true, true, false};

static int pid_of(const struct gs_why_group *group, size_t i)
{
    return (int)group->members[i]->dump.target->pid;
}

/* "4242", "4: 4242-4244, 4250", "9: 4242, 4244, 4246, ...": all are in JSON. */
static void put_pids(struct gs_text *text, const struct gs_why_group *group, bool verbose)
{
    size_t count = group->count;
    if (count > 1)
        gs_text_put(text, "%zu: ", count);
    for (size_t i = 0, last, shown = 0; i < count; i = last + 1, shown++) {
        if (shown == PIDS_SHOWN && !verbose) {
            gs_text_put(text, ", ...");
            return;
        }
        last = i;
        while (last + 1 < count && pid_of(group, last + 1) == pid_of(group, i) + (int)(last + 1 - i))
            last++;
        gs_text_put(text, i > 0 ? ", %d" : "%d", pid_of(group, i));
        if (last > i)
            gs_text_put(text, last > i + 1 ? "-%d" : ", %d", pid_of(group, last));
    }
}

static void put_where(struct gs_table *table, const struct gs_files *files, const struct gs_why_group *group)
{
    struct gs_text *cell = &table->cell;
    if (group->where.function) {
        gs_text_add(cell, group->where.function);
        gs_text_put(cell, " (");
        gs_text_add(cell, gs_files_shorten(files, group->where.file));
        if (group->same_line && group->where.line > 0)
            gs_text_put(cell, ":%d", group->where.line);
        gs_text_put(cell, ")");
    }
    gs_table_put(table, false);
}

static void put_share(struct gs_table *table, const struct gs_why_group *group, double share)
{
    bool known = group->members[0]->dump.snapshot->gil_count > 0 &&
                 group->members[0]->dump.snapshot->gils[0].state != GS_GIL_DISABLED;
    if (known)
        gs_text_put(&table->cell, "%.0f%%", share * 100);
    else
        gs_text_put(&table->cell, "-");
    gs_table_put(table, true);
}

static void put_titles(struct gs_table *table)
{
    gs_text_style(&table->line, GS_STYLE_BOLD);
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        gs_text_put(&table->cell, "%s", titles[i]);
        gs_table_put(table, right[i]);
    }
    gs_text_style(&table->line, GS_STYLE_PLAIN);
    gs_table_end_row(table);
}

static void put_row(struct gs_table *table, const struct gs_files *files, const struct gs_why_group *group,
                    bool verbose)
{
    put_pids(&table->cell, group, verbose);
    gs_table_put(table, false);
    gs_text_fit(&table->cell, group->members[0]->role, verbose ? 0 : ROLE_MOST, GS_CUT_END);
    gs_table_put(table, false);
    gs_text_style(&table->cell, group->healthy ? GS_STYLE_WITHOUT : GS_STYLE_WAITS);
    gs_text_put(&table->cell, "%s", gs_why_kind_name(group->worst->kind));
    gs_text_style(&table->cell, GS_STYLE_PLAIN);
    gs_table_put(table, false);
    put_share(table, group, group->held);
    put_share(table, group, group->contended);
    put_where(table, files, group);
    gs_table_end_row(table);
}

static enum gs_status write_table(const struct gs_why_many *many, const struct gs_console *console, bool verbose)
{
    struct gs_table table;
    struct gs_files files = {0};
    for (size_t i = 0; i < many->group_count; i++) {
        if (many->groups[i].where.function)
            gs_files_learn(&files, many->groups[i].where.file);
    }
    gs_table_init(&table, console);
    do {
        put_titles(&table);
        for (size_t i = 0; i < many->group_count; i++)
            put_row(&table, &files, &many->groups[i], verbose);
    } while (gs_table_again(&table));
    return gs_table_fini(&table);
}

/* "Process 4242, gunicorn, worker, and 3 others like it" */
static void write_head(const struct gs_why_group *group, size_t i, bool verbose, const struct gs_console *console)
{
    struct gs_text line;
    gs_text_init(&line, console->utf8);
    gs_text_write(&line, console);
    gs_text_style(&line, GS_STYLE_BOLD);
    gs_text_put(&line, "Process %d, ", pid_of(group, i));
    gs_text_add(&line, group->members[i]->role);
    gs_text_style(&line, GS_STYLE_PLAIN);
    if (!verbose && group->count > 1) {
        gs_text_put(&line, ", and ");
        gs_words_count(&line, group->count - 1, "other like it", "others like it");
    }
    gs_text_write_cut(&line, console);
    gs_text_fini(&line);
}

enum gs_status gs_why_many_text(const struct gs_why_many *many, const struct gs_console *console, bool verbose)
{
    if (many->count == 1)
        return gs_why_text(many->members[0].why, &many->members[0].dump, console, verbose);
    enum gs_status status = write_table(many, console, verbose);
    for (size_t i = 0; i < many->group_count; i++) {
        const struct gs_why_group *group = &many->groups[i];
        for (size_t k = 0; k < (verbose ? group->count : 1) && !status && (verbose || group->differs); k++) {
            write_head(group, k, verbose, console);
            status = gs_why_text(group->members[k]->why, &group->members[k]->dump, console, verbose);
        }
    }
    return status;
}
