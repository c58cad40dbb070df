/* stat as text: the GIL in one line, a table of the threads, and what keeps it in words. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/console.h"
#include "base/table.h"
#include "export/counts.h"
#include "export/files.h"
#include "export/stat.h"
#include "export/text/hogs.h"
#include "export/text/pauses.h"
#include "export/text/stat_locks.h"
#include "export/text/stat_words.h"
#include "export/words.h"
#include "gil/gilstat.h"

enum column { THREAD, TID, HAS, WAIT, NO, UNKNOWN, CPU, TAKES, WAITS, HOLD, LONGEST_WAIT, COLUMN_COUNT };

static const struct {
    const char *title, *narrow; /* on a narrow terminal */
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

enum {
    TABLE_WIDE = 106, /* columns of a terminal: below it, the titles are short */
    GIL_WIDE = 116,   /* below it, the GIL takes two lines */
    THREAD_MOST = 24,
    NAME_MOST = 20,
    FEW = 3,
    BLAME_MOST = 5,
    LOCKS_MOST = 10,
    BLAME_LEAST_US = 1000
};
#define NOTHING 0.0005 /* shares that show as 0.0 % */

struct listing {
    struct gs_table table;
    const struct gs_gilstat *stat;
    bool narrow, verbose, unknown, fold;
};

static bool is_idle(const struct gs_gilstat_thread *thread)
{
    return !thread->folded && thread->has < NOTHING && thread->waits < NOTHING && thread->unknown < NOTHING &&
           (!thread->on_cpu.known || thread->on_cpu.value < NOTHING);
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

/* Samples see that the GIL went from one thread to another: how often a thread that nobody asks took it again is not
 * known. */
static struct gs_count takes_of(const struct gs_gilstat *stat, const struct gs_gilstat_thread *thread)
{
    bool kept = stat->method == GS_METHOD_SAMPLED && thread->acquisitions.value == 0 && thread->has >= NOTHING;
    return kept ? (struct gs_count){.known = false} : thread->acquisitions;
}

static void put_cell(struct listing *l, const struct gs_gilstat_thread *thread, enum column column)
{
    struct gs_text *cell = &l->table.cell;
    const struct gs_figure shares[COLUMN_COUNT] = {[HAS] = gs_figure(thread->has),
                                                   [WAIT] = gs_figure(thread->waits),
                                                   [NO] = gs_figure(thread->without),
                                                   [UNKNOWN] = gs_figure(thread->unknown),
                                                   [CPU] = thread->on_cpu};
    switch (column) {
    case THREAD:
        if (thread->folded)
            gs_words_count(cell, thread->folded, "that ended", "that ended");
        else
            gs_text_fit(cell, thread->name, l->verbose ? 0 : THREAD_MOST, GS_CUT_MIDDLE);
        gs_text_put(cell, thread->main ? " *" : "");
        break;
    case TID:
        if (thread->folded)
            gs_text_put(cell, "-");
        else
            gs_text_put(cell, "%d", (int)thread->tid);
        break;
    case TAKES:
        put_count(cell, takes_of(l->stat, thread));
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

static bool is_shown(const struct listing *l, enum column column)
{
    return column != UNKNOWN || l->unknown;
}

static void put_titles(struct listing *l)
{
    gs_text_style(&l->table.line, GS_STYLE_BOLD);
    for (int c = 0; c < COLUMN_COUNT; c++) {
        if (!is_shown(l, c))
            continue;
        gs_text_put(&l->table.cell, "%s", l->narrow ? columns[c].narrow : columns[c].title);
        gs_table_put(&l->table, c > THREAD);
    }
    gs_text_style(&l->table.line, GS_STYLE_PLAIN);
    gs_table_end_row(&l->table);
}

static void put_threads(struct listing *l)
{
    size_t folded = 0;
    for (size_t i = 0; i < l->stat->thread_count; i++) {
        const struct gs_gilstat_thread *thread = &l->stat->threads[i];
        if (l->fold && is_idle(thread)) {
            folded++;
            continue;
        }
        for (int c = 0; c < COLUMN_COUNT; c++) {
            if (!is_shown(l, c))
                continue;
            put_cell(l, thread, c);
            gs_table_put(&l->table, c > THREAD);
        }
        gs_table_end_row(&l->table);
    }
    if (folded > 0) {
        gs_words_count(&l->table.line, folded, "other thread", "other threads");
        gs_text_put(&l->table.line, " hardly ran, and neither had it nor waited for it");
        gs_table_end_row(&l->table);
    }
}

static bool natives_ran(const struct gs_gilstat *stat)
{
    return stat->natives.on_cpu >= NOTHING && stat->threads_known == 0;
}

/* All threads that run no Python, in one row. */
static void put_natives(struct listing *l)
{
    const struct gs_gilstat_natives *natives = &l->stat->natives;
    for (int c = 0; c < COLUMN_COUNT && natives_ran(l->stat); c++) {
        if (!is_shown(l, c))
            continue;
        if (c == THREAD)
            gs_text_put(&l->table.cell, "%zu native", natives->threads);
        else if (c == CPU)
            put_share(&l->table.cell, gs_figure(natives->on_cpu));
        else
            gs_text_put(&l->table.cell, "-");
        gs_table_put(&l->table, c > THREAD);
    }
    if (natives_ran(l->stat))
        gs_table_end_row(&l->table);
}

static void write_natives(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_console *console)
{
    const struct gs_gilstat_natives *natives = &stat->natives;
    if (natives->named == 0 || !natives_ran(stat))
        return;
    gs_text_put(line, "Busiest of the native threads, which run no Python:");
    for (size_t i = 0; i < natives->named; i++) {
        gs_text_put(line, i > 0 ? ", " : " ");
        gs_words_thread(line, natives->busiest[i].name, natives->busiest[i].tid, NAME_MOST);
        gs_text_put(line, " %.0f %%", natives->busiest[i].on_cpu * 100);
    }
    gs_text_write_cut(line, console);
}

static enum gs_status write_threads(const struct gs_gilstat *stat, const struct gs_console *console, bool verbose)
{
    struct listing l = {
        .stat = stat, .narrow = console->columns > 0 && console->columns < TABLE_WIDE, .verbose = verbose};
    size_t idle = 0;
    for (size_t i = 0; i < stat->thread_count; i++) {
        idle += is_idle(&stat->threads[i]);
        l.unknown |= stat->threads[i].unknown >= NOTHING;
    }
    l.fold = !verbose && idle > FEW;
    gs_table_init(&l.table, console);
    l.table.gap = l.narrow ? 1 : 2;
    do {
        put_titles(&l);
        put_threads(&l);
        put_natives(&l);
    } while (gs_table_again(&l.table));
    return gs_table_fini(&l.table);
}

/* "10.0 s watched, 1,000 samples/s, shares ±0.4" */
static void put_method(struct gs_text *line, const struct gs_gilstat *stat)
{
    double width = 0;
    gs_text_put(line, "%.1f s watched", stat->seconds);
    if (stat->method == GS_METHOD_EXACT)
        gs_text_put(line, stat->worlds.known ? ", each stopped world seen" : ", each take and drop seen");
    else if (stat->method == GS_METHOD_WINDOWS)
        gs_text_put(line, ", %.1f s of them exactly", stat->exact_seconds);
    for (size_t i = 0; i < stat->thread_count; i++)
        width = fmax(width, stat->threads[i].half_width);
    if (stat->method == GS_METHOD_SAMPLED && stat->seconds > 0) {
        gs_text_put(line, ", ");
        gs_words_number(line, (uint64_t)((double)stat->quality.samples / stat->seconds + 0.5));
        gs_text_put(line, " samples/s");
    }
    if (width > 0)
        gs_text_put(line, ", shares %s%.1f", line->utf8 ? "\u00b1" : "+-", fmax(width * 100, 0.1));
}

static void put_averages(struct gs_text *line, const char *what, const struct gs_figure values[GS_AVERAGES],
                         double factor, int digits)
{
    if (!values[0].known)
        return;
    gs_text_put(line, "   %s", what);
    for (int i = 0; i < GS_AVERAGES; i++) {
        if (values[i].known)
            gs_text_put(line, " %.*f", digits, values[i].value * factor);
        else
            gs_text_put(line, " -");
    }
}

static void write_gil(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_gilstat_gil *gil,
                      const struct gs_console *console)
{
    gs_text_style(line, GS_STYLE_BOLD);
    if (stat->gil_count > 1)
        gs_text_put(line, "GIL of interpreter %" PRId64, gil->interpreter);
    else
        gs_text_put(line, "GIL");
    gs_text_style(line, GS_STYLE_PLAIN);
    if (gil->state == GS_GIL_DISABLED) {
        gs_text_put(line, "  disabled: this Python is free-threaded");
        gs_text_write_cut(line, console);
        return;
    }
    if (gil->held.known)
        gs_text_put(line, "  held %.1f %%", gil->held.value * 100);
    else
        gs_text_put(line, "  held: not known");
    if (gil->contended.known)
        gs_text_put(line, "   contended %.1f %%   %.1f waiting on average", gil->contended.value * 100,
                    gil->mean_waiters.value);
    if (console->columns > 0 && console->columns < GIL_WIDE) {
        gs_text_write_cut(line, console);
        gs_text_put(line, "  ");
    }
    if (gil->switches.known && stat->seconds > 0) {
        gs_text_put(line, "   ");
        gs_words_number(line, (uint64_t)((double)gil->switches.value / stat->seconds + 0.5));
        gs_text_put(line, " hand-overs/s");
    }
    if (gil->longest_hold_tid > 0) {
        gs_text_put(line, "   longest hold ");
        gs_words_time(line, gil->longest_hold_us.value);
        gs_text_put(line, " by ");
        gs_stat_put_thread(line, stat, gil->longest_hold_tid);
    }
    gs_text_write_cut(line, console);
    if (gil->held_avg[0].known || gil->wait_avg[0].known) {
        gs_text_put(line, "     over 1, 5, 15 min:");
        put_averages(line, "held %", gil->held_avg, 100, 1);
        put_averages(line, "waiting", gil->wait_avg, 1, 2);
        gs_text_write_cut(line, console);
    }
}

static void write_blame(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_console *console,
                        size_t most)
{
    if (stat->blame_count == 0 || stat->blame[0].us < BLAME_LEAST_US)
        return;
    gs_text_write_cut(line, console);
    gs_text_style(line, GS_STYLE_BOLD);
    gs_text_put(line, "Who waits for whom");
    gs_text_style(line, GS_STYLE_PLAIN);
    gs_text_write_cut(line, console);
    for (size_t i = 0; i < stat->blame_count && i < most && stat->blame[i].us >= BLAME_LEAST_US; i++) {
        gs_text_put(line, "  ");
        gs_stat_put_thread(line, stat, stat->blame[i].waiter);
        gs_text_put(line, " waited ");
        gs_words_time(line, stat->blame[i].us);
        gs_text_put(line, " for ");
        gs_stat_put_thread(line, stat, stat->blame[i].holder);
        gs_text_write_cut(line, console);
    }
}

/* Samples that are missing or stacks that are not whole. */
static void write_flaws(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_console *console)
{
    if (stat->why) {
        gs_text_put(line, "Not exact: ");
        gs_text_add(line, stat->why);
        gs_text_write_cut(line, console);
    }
    if (stat->quality.late > 0 || stat->quality.lost > 0) {
        gs_words_number(line, stat->quality.late + stat->quality.lost);
        gs_text_put(line, " samples are missing: gilspy was late, or the process changed meanwhile");
        gs_text_write_cut(line, console);
    }
    if (stat->quality.refused > 0) {
        gs_text_put(line, "Threads that ran could not be stopped ");
        gs_words_count(line, stat->quality.refused, "time", "times");
        gs_text_put(line, ": another program traces them");
        gs_text_write_cut(line, console);
    }
    if (stat->threads_known > 0) {
        gs_words_chosen(line, stat->thread_count, stat->threads_known);
        gs_text_write_cut(line, console);
    }
    if (stat->threads_left_out > 0) {
        gs_words_count(line, stat->threads_left_out, "thread is", "threads are");
        gs_text_put(line, " left out: there were too many");
        gs_text_write_cut(line, console);
    }
    if (stat->gils_left_out) {
        gs_text_put(line, "Threads of interpreters beyond the first %d GILs are left out", GS_GILS_MOST);
        gs_text_write_cut(line, console);
    }
}

/* "Event loop (trio) of MainThread (42): busy 40.0 %, 812 steps a second, 3.1 wait for their turn, 120 tasks" */
static void write_loop(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_gilstat_loop *loop,
                       const struct gs_console *console)
{
    const struct gs_gilstat_thread *thread = gs_gilstat_find(stat, loop->tid);
    bool steps = strcmp(loop->kind, "trio") == 0;
    gs_text_put(line, "Event loop (%s) of ", loop->kind);
    gs_text_add(line, thread ? thread->name : "thread");
    gs_text_put(line, " (%d): busy %.1f %%", (int)loop->tid, loop->busy * 100);
    if (loop->callbacks_per_second.known)
        gs_text_put(line, ", %.0f %s a second", loop->callbacks_per_second.value, steps ? "steps" : "callbacks");
    if (loop->ready.known)
        gs_text_put(line, ", %.1f wait for their turn", loop->ready.value);
    gs_text_put(line, ", ");
    gs_words_count(line, loop->tasks, "task", "tasks");
    gs_text_write_cut(line, console);
    if (!loop->longest_us.known || loop->longest_us.value == 0)
        return;
    gs_text_put(line, "  longest %s: at least ", steps ? "step" : "callback");
    gs_words_time(line, loop->longest_us.value);
    gs_stat_add_place(line, &loop->longest);
    gs_text_write_cut(line, console);
}

enum gs_status gs_stat_text(const struct gs_gilstat *stat, const struct gs_console *console, bool verbose)
{
    struct gs_text line;
    gs_text_init(&line, console->utf8);
    gs_text_put(&line, "Python ");
    gs_text_add(&line, stat->python);
    gs_text_put(&line, ", pid %d: ", (int)stat->pid);
    put_method(&line, stat);
    gs_text_write_cut(&line, console);
    gs_text_write_cut(&line, console);
    for (size_t i = 0; i < stat->gil_count; i++)
        write_gil(&line, stat, &stat->gils[i], console);
    gs_text_write_cut(&line, console);
    enum gs_status status = write_threads(stat, console, verbose);
    write_natives(&line, stat, console);
    if (!status)
        status = gs_counts_text(stat, console, verbose);
    if (stat->loop_count > 0)
        gs_text_write_cut(&line, console);
    for (size_t i = 0; i < stat->loop_count; i++)
        write_loop(&line, stat, &stat->loops[i], console);
    gs_stat_pauses(&line, stat, console, verbose ? SIZE_MAX : BLAME_MOST);
    if (stat->locks_known)
        gs_text_write_cut(&line, console);
    if (stat->locks_known && stat->lock_count == 0) {
        gs_text_put(&line, "No thread waited for a lock%s",
                    stat->gils[0].state == GS_GIL_DISABLED ? "" : " but the GIL");
        gs_text_write_cut(&line, console);
    } else if (stat->locks_known && !status) {
        status = gs_stat_locks(stat, console, verbose ? SIZE_MAX : LOCKS_MOST);
    }
    bool disabled = stat->gil_count == 1 && stat->gils[0].state == GS_GIL_DISABLED;
    if (stat->hog_count > 0)
        gs_stat_hogs(&line, stat, console, verbose);
    if (!disabled)
        write_blame(&line, stat, console, verbose ? SIZE_MAX : BLAME_MOST);
    if (stat->why || stat->quality.late > 0 || stat->quality.lost > 0 || stat->quality.refused > 0 ||
        stat->threads_left_out > 0 || stat->threads_known > 0)
        gs_text_write_cut(&line, console);
    write_flaws(&line, stat, console);
    if (line.failed)
        status = GS_NO_MEMORY;
    gs_text_fini(&line);
    return status;
}
