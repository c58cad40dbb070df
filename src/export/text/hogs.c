/* A line for each place, or two where a terminal is narrow. */
#include <math.h>

#include "export/files.h"
#include "export/text/hogs.h"
#include "export/words.h"

enum { NAME_MOST = 20 };

/* "in match, re/__init__.py:166, in sre_ucs1_match (_sre.so)" */
static void put_place(struct gs_text *line, const struct gs_gilstat_hog *hog, const struct gs_files *files)
{
    if (hog->place.function[0] == '\0') {
        gs_text_put(line, "(its stack was not read)");
        return;
    }
    gs_text_put(line, "in ");
    gs_text_add(line, hog->place.function);
    if (hog->place.file[0] != '\0') {
        gs_text_put(line, ", ");
        gs_text_add(line, gs_files_shorten(files, hog->place.file));
        if (hog->place.line > 0)
            gs_text_put(line, ":%d", (int)hog->place.line);
    }
    if (hog->native) {
        gs_text_put(line, ", in ");
        gs_text_add(line, hog->native);
        gs_text_put(line, hog->module ? " (" : "");
        gs_text_add(line, hog->module ? hog->module : "");
        gs_text_put(line, hog->module ? ")" : "");
    }
}

/* "48.3 %  worker-2 (4250) in match, re/__init__.py:166: 12 times, at the longest 526 ms, while 2 threads waited" */
static void put_hog(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_gilstat_hog *hog,
                    const struct gs_files *files)
{
    double share = stat->seconds > 0 ? (double)hog->held_us / 1e6 / stat->seconds : 0;
    gs_text_put(line, "  %5.1f %%  ", fmin(share, 1) * 100);
    if (hog->tid)
        gs_words_thread(line, hog->thread, hog->tid, NAME_MOST);
    else
        gs_text_put(line, "threads that ended");
    gs_text_put(line, " ");
    put_place(line, hog, files);
    gs_text_put(line, ":");
}

static void put_times(struct gs_text *line, const struct gs_gilstat_hog *hog)
{
    if (hog->holds == 1) {
        gs_text_put(line, "once, for ");
    } else {
        gs_words_number(line, hog->holds);
        gs_text_put(line, " times, at the longest ");
    }
    gs_words_time(line, hog->longest_us);
    if (hog->waiters == 0) {
        gs_text_put(line, "; nobody waited");
    } else {
        gs_text_put(line, ", while ");
        gs_words_count(line, hog->waiters, "thread waited", "threads waited");
    }
}

void gs_stat_hogs(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_console *console, size_t most)
{
    struct gs_files files = {0};
    struct gs_text times;
    gs_text_init(&times, line->utf8);
    for (size_t i = 0; i < stat->hog_count; i++)
        gs_files_learn(&files, stat->hogs[i].place.file);
    gs_text_write_cut(line, console);
    gs_text_style(line, GS_STYLE_BOLD);
    gs_text_put(line, "What keeps it for ");
    gs_words_time(line, stat->long_us);
    gs_text_put(line, " and more");
    gs_text_style(line, GS_STYLE_PLAIN);
    gs_text_write_cut(line, console);
    for (size_t i = 0; i < stat->hog_count && i < most; i++) {
        gs_text_clear(&times);
        put_hog(line, stat, &stat->hogs[i], &files);
        put_times(&times, &stat->hogs[i]);
        if (console->columns > 0 && line->columns + 1 + times.columns > console->columns) {
            gs_text_write_cut(line, console);
            gs_text_put(line, "          ");
        }
        gs_text_put(line, " ");
        gs_text_join(line, &times);
        gs_text_write_cut(line, console);
    }
    gs_text_fini(&times);
    if (stat->hog_count > most) {
        gs_text_put(line, "  and ");
        gs_words_count(line, stat->hog_count - most, "other place", "other places");
        gs_text_write_cut(line, console);
    }
}
