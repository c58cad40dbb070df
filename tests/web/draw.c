/* Draws a made-up program in any format and mode, for tests that need more than C to look at the result:
 * draw PLAY FORMAT MODE FILE [threads] [function] [folder] [no-source], or draw BEFORE:AFTER FORMAT MODE FILE for a
 * difference, or draw traced FORMAT TIMES FILE for a timeline */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/format.h"
#include "support/differed.h"
#include "support/plays.h"
#include "support/traced.h"

static int draw_difference(const char *pair, const char *form, const char *mode, const char *path)
{
    struct gs_selection selection = {0};
    struct differed differed;
    const struct gs_format *format = gs_format_find(form);
    char before[40] = "";
    size_t len = strcspn(pair, ":");
    FILE *out = fopen(path, "w");
    if (len >= sizeof before || !out || !format || !format->diff || !gs_mode_find(mode, &selection.mode))
        return 2;
    memcpy(before, pair, len);
    differed_open(&differed, before, pair + len + 1, &selection);
    enum gs_status status = format->diff(&differed.difference, out);
    differed_close(&differed);
    return fclose(out) || status != GS_OK;
}

static int draw_traced(const char *form, unsigned times, const char *path)
{
    const struct gs_timeline_format *format = gs_timeline_find(form);
    struct traced traced;
    FILE *out = fopen(path, "w");
    if (!out || !format)
        return 2;
    traced_begin(&traced, format, out);
    traced_draw(&traced);
    traced_go_on(&traced, times);
    traced_finish(&traced);
    traced.timeline->close(traced.timeline);
    return fclose(out) != 0;
}

int main(int argc, char **argv)
{
    struct gs_selection selection = {0};
    struct gs_sink *sink;
    if (argc > 4 && strchr(argv[1], ':'))
        return draw_difference(argv[1], argv[2], argv[3], argv[4]);
    if (argc > 4 && strcmp(argv[1], "traced") == 0)
        return draw_traced(argv[2], (unsigned)atoi(argv[3]), argv[4]);
    const struct play *play = argc > 4 ? play_find(argv[1]) : NULL;
    const struct gs_format *format = play ? gs_format_find(argv[2]) : NULL;
    if (!format || !gs_mode_find(argv[3], &selection.mode)) {
        fprintf(stderr, "draw PLAY FORMAT MODE FILE [threads] [function]\n");
        return 2;
    }
    for (int i = 5; i < argc; i++) {
        selection.threads |= strcmp(argv[i], "threads") == 0;
        selection.function |= strcmp(argv[i], "function") == 0;
        selection.no_source |= strcmp(argv[i], "no-source") == 0;
        if (strcmp(argv[i], "folder") == 0)
            selection.folder = dirname(strdup(argv[4]));
    }
    FILE *out = fopen(argv[4], "w");
    if (!out || format->open(&sink, out, &selection) != GS_OK)
        return 1;
    enum gs_status status = play->run(sink);
    format->close(sink);
    if (fclose(out) || status != GS_OK) {
        fprintf(stderr, "draw: %s\n", gs_status_text(status));
        return 1;
    }
    return 0;
}
