/* A line for each place, or two where a terminal is narrow. */
#include <math.h>

#include "base/shorten.h"
#include "base/wrap.h"
#include "export/files.h"
#include "export/text/hogs.h"
#include "export/words.h"

enum { NAME_MOST = 20, HOGS_MOST = 10 /* are shown, unless all are asked for */ };

/* "in match, re/__init__.py:166, in sre_ucs1_match (_sre.so)" */
static void put_place(struct gs_text *line, const struct gs_gilstat_hog *hog, const struct gs_files *files,
                      bool verbose)
{
    char room[GS_CALLED];
    const char *whole = hog->place.qualname ? hog->place.qualname : hog->place.function;
    if (hog->place.function[0] == '\0') {
        gs_text_put(line, "(its stack was not read)");
        return;
    }
    gs_text_put(line, "in ");
    gs_text_add(line, verbose ? whole : gs_called(hog->place.function, hog->place.qualname, false, room));
    if (hog->place.file[0] != '\0') {
        gs_text_put(line, ", ");
        gs_text_add(line, gs_files_shorten(files, hog->place.file));
        if (hog->place.line > 0)
            gs_text_put(line, ":%d", (int)hog->place.line);
    }
    if (hog->native) {
        gs_text_put(line, ", in ");
        gs_text_add(line, verbose ? hog->native : gs_called(hog->native, NULL, true, room));
    }
    if (hog->native && hog->module && !gs_called_address(hog->native, hog->module)) {
        gs_text_put(line, " (");
        gs_text_add(line, hog->module);
        gs_text_put(line, ")");
    }
}

static void put_share(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_gilstat_hog *hog)
{
    double share = stat->seconds > 0 ? (double)hog->held_us / 1e6 / stat->seconds : 0;
    gs_text_put(line, "  %5.1f %%  ", fmin(share, 1) * 100);
}

/* "worker-2 (4250) in match, re/__init__.py:166: 12 times, at the longest 526 ms, while 2 threads waited" */
static void put_hog(struct gs_text *line, const struct gs_gilstat_hog *hog, const struct gs_files *files, bool verbose)
{
    if (hog->tid)
        gs_words_thread(line, hog->thread, hog->tid, NAME_MOST);
    else
        gs_text_put(line, "threads that ended");
    gs_text_put(line, " ");
    put_place(line, hog, files, verbose);
    gs_text_put(line, ": ");
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

void gs_stat_hogs(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_console *console, bool verbose)
{
    struct gs_files files = {0};
    struct gs_text hog;
    size_t most = verbose ? SIZE_MAX : HOGS_MOST;
    gs_text_init(&hog, line->utf8);
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
        put_share(line, stat, &stat->hogs[i]);
        gs_text_clear(&hog);
        put_hog(&hog, &stat->hogs[i], &files, verbose);
        gs_wrap_write(line, console, line->columns, hog.bytes ? hog.bytes : "");
    }
    line->failed |= hog.failed;
    gs_text_fini(&hog);
    if (stat->hog_count > most) {
        gs_text_put(line, "  and ");
        gs_words_count(line, stat->hog_count - most, "other place", "other places");
        gs_text_write_cut(line, console);
    }
}
