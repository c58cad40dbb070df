/* A line of text in the making: it knows how many columns it takes, escapes what comes from the target, and carries
 * marks where the style changes, so that one line can be written plainly, in colours, or by ncurses. */
#ifndef GS_BASE_TEXT_H
#define GS_BASE_TEXT_H

#include <stddef.h>

#include "base/console.h"
#include "gilspy/status.h"

struct gs_text {
    char *bytes; /* terminated, NULL while empty */
    size_t len, size;
    int columns;
    bool utf8;
    bool failed; /* out of memory: what was added since is missing */
};

enum gs_cut { GS_CUT_END, GS_CUT_START, GS_CUT_MIDDLE /* names, whose ends tell them apart */ };

void gs_text_init(struct gs_text *text, bool utf8);
void gs_text_fini(struct gs_text *text);
void gs_text_clear(struct gs_text *text);

/* Words of ours, printed as they are. */
void gs_text_put(struct gs_text *text, const char *fmt, ...) GS_PRINTF(2, 3);
/* Words of the target's, escaped. */
void gs_text_add(struct gs_text *text, const char *theirs);
/* The same, cut to `columns` at its end, start or middle, where an ellipsis then stands; not cut when columns is 0. */
void gs_text_fit(struct gs_text *text, const char *theirs, int columns, enum gs_cut cut);
/* As much of it as fits into `columns`; returns the rest, "" when that was all. */
const char *gs_text_fill(struct gs_text *text, const char *theirs, int columns);
/* Another text, with its columns and marks. */
void gs_text_join(struct gs_text *text, const struct gs_text *other);
/* Blanks up to a column; at least none. */
void gs_text_pad(struct gs_text *text, int column);
void gs_text_style(struct gs_text *text, enum gs_style style);

/* Cuts the line so that it takes no more than `columns`; the style marks stay. */
void gs_text_cut(struct gs_text *text, int columns);

/* The columns that words of the target's take when they are escaped. */
int gs_text_width(const char *theirs, bool utf8);

/* Writes the line and a line feed, and empties it. Errors stay in the stream (ferror). */
void gs_text_write(struct gs_text *text, const struct gs_console *console);
/* The same of a line that is cut at the terminal's width, where there is one: nothing goes on in the next line. */
void gs_text_write_cut(struct gs_text *text, const struct gs_console *console);

#endif
