/* What the place that output goes to can show: UTF-8, colours, and how wide a line may be. */
#ifndef GS_BASE_CONSOLE_H
#define GS_BASE_CONSOLE_H

#include <stdbool.h>
#include <stdio.h>

/* The ways in which a piece of text stands out. Their numbers are the bytes that mark them inside a struct gs_text;
 * escaped text contains no such bytes. */
enum gs_style {
    GS_STYLE_PLAIN = 1,
    GS_STYLE_HOLDS,
    GS_STYLE_WAITS,
    GS_STYLE_WITHOUT,
    GS_STYLE_IDLE,
    GS_STYLE_UNKNOWN,
    GS_STYLE_NONE,
    GS_STYLE_BOLD,
    GS_STYLE_DIM,
    GS_STYLE_REVERSE,
    GS_STYLE_COUNT
};

enum gs_color_when { GS_COLOR_AUTO, GS_COLOR_ALWAYS, GS_COLOR_NEVER };
enum gs_color_depth { GS_COLORS_NONE, GS_COLORS_8, GS_COLORS_256, GS_COLORS_TRUE, GS_COLORS_COUNT };

struct gs_console {
    FILE *out;
    bool utf8;
    enum gs_color_depth depth;
    int columns; /* 0: lines are not cut */
};

/* Looks at the stream, the environment (NO_COLOR, TERM, COLORTERM) and the locale, which gs_locale_set chose. */
void gs_console_init(struct gs_console *console, FILE *out, enum gs_color_when when);
/* Takes over the user's LC_CTYPE, and nothing else of the locale: it costs time. */
void gs_locale_set(void);
/* The parameters of the escape sequence that begins a style: "1;33"; "" for none. */
const char *gs_style_sgr(enum gs_color_depth depth, enum gs_style style);
/* The style's colour among a terminal's 256 or 8, -1 where it has none. */
int gs_style_color(enum gs_style style, bool many);

#endif
